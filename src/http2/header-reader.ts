import { excess, protocolError } from './errors.js';
import { FLAG, FRAME_BYTES_MAX } from './frames.js';
import { HpackDecoder } from './hpack.js';
import { paddingOf } from './padding.js';
import { type RequestHeaders, areTrailers, requestHeaders } from './request-headers.js';

/** Header fields that have come whole. */
export interface HeaderBlock {
  readonly stream: number;
  /** Nothing follows them. */
  readonly isLast: boolean;
  /** As those of a request. Undefined: they are none, or more than may be. */
  readonly headers: RequestHeaders | undefined;
  readonly isOverlong: boolean;
  /** Whether they may stand behind a body. */
  readonly areTrailers: boolean;
}

/** Fields of which more is to come. */
interface OpenBlock {
  readonly stream: number;
  readonly isLast: boolean;
  readonly parts: Buffer[];
  length: number;
}

/** Blocks that are remembered with what they said, and how long each may be. */
const KNOWN_MAX = 16;
const KNOWN_BYTES_MAX = 512;

/** Reads the header fields of a connection. */
export class HeaderReader {
  readonly #bytesMax: number;
  readonly #hpack = new HpackDecoder();
  /** By their bytes: only blocks that would say the same again. A client says the same at every call. */
  readonly #known = new Map<string, RequestHeaders>();
  #open: OpenBlock | undefined;

  /** Fields may take `bytesMax` bytes, each with 32 more. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Whether more is to come, and nothing else may. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** Takes a HEADERS frame. Undefined: more is to come. */
  headers(
    stream: number,
    flags: number,
    bytes: Buffer,
    from: number,
    to: number,
  ): HeaderBlock | undefined {
    const padding = paddingOf(flags, bytes, from, to);
    const start = from + (padding > 0 ? 1 : 0) + ((flags & FLAG.PRIORITY) === 0 ? 0 : 5);
    const end = padding > 0 ? to - padding + 1 : to;
    if (start > end) throw protocolError('A frame has more padding than bytes');
    const isLast = (flags & FLAG.END_STREAM) !== 0;
    if ((flags & FLAG.END_HEADERS) !== 0) return this.#whole(stream, isLast, bytes, start, end);
    const part = Buffer.from(bytes.subarray(start, end));
    this.#open = { stream, isLast, parts: [part], length: part.length };
    return undefined;
  }

  /** Takes a CONTINUATION frame. Undefined: more is to come. */
  continuation(stream: number, flags: number, part: Buffer): HeaderBlock | undefined {
    const open = this.#open;
    if (open?.stream !== stream) throw protocolError('A CONTINUATION continues nothing');
    open.parts.push(Buffer.from(part));
    open.length += part.length;
    // Compressed they take hardly more than they may hold, and no more frames than that needs.
    const partsMax = 8 + Math.ceil((2 * this.#bytesMax) / FRAME_BYTES_MAX);
    if (open.length > 4 * this.#bytesMax || open.parts.length > partsMax) {
      throw excess('Header fields have no end');
    }
    if ((flags & FLAG.END_HEADERS) === 0) return undefined;
    this.#open = undefined;
    const block = Buffer.concat(open.parts);
    return this.#whole(stream, open.isLast, block, 0, block.length);
  }

  #whole(stream: number, isLast: boolean, bytes: Buffer, from: number, to: number): HeaderBlock {
    const key = to - from <= KNOWN_BYTES_MAX ? bytes.toString('latin1', from, to) : undefined;
    const known = key === undefined ? undefined : this.#known.get(key);
    if (known !== undefined) {
      return { stream, isLast, headers: known, isOverlong: false, areTrailers: false };
    }
    const { fields, isOverlong, isRepeatable } = this.#hpack.decode(
      bytes.subarray(from, to),
      this.#bytesMax,
    );
    if (!isRepeatable) this.#known.clear();
    const headers = isOverlong ? undefined : requestHeaders(fields);
    const isKept = headers !== undefined && isRepeatable && this.#known.size < KNOWN_MAX;
    if (isKept && key !== undefined) this.#known.set(key, headers);
    return { stream, isLast, headers, isOverlong, areTrailers: areTrailers(fields) };
  }
}
