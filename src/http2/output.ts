import { FRAME_HEAD_BYTES } from './frames.js';

/** What a buffer holds that frames are written into. */
const BUFFER_BYTES = 65_536;

/** Buffers that nobody writes into now: as many as connections ever wrote in one turn, at most these. */
const SPARE_MAX = 16;
const spare: Buffer[] = [];

/** Frames that wait to leave together. It has a buffer only while there are any. */
export class Output {
  #buffer: Buffer | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Writes the head of a frame, whose payload follows. */
  head(length: number, type: number, flags: number, stream: number): void {
    const buffer = this.#room(FRAME_HEAD_BYTES);
    let at = this.#length;
    buffer[at++] = length >>> 16;
    buffer[at++] = length >>> 8;
    buffer[at++] = length;
    buffer[at++] = type;
    buffer[at++] = flags;
    buffer[at++] = stream >>> 24;
    buffer[at++] = stream >>> 16;
    buffer[at++] = stream >>> 8;
    buffer[at++] = stream;
    this.#length = at;
  }

  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length).set(bytes, this.#length);
    this.#length += bytes.length;
  }

  uint16(value: number): void {
    const buffer = this.#room(2);
    buffer.writeUInt16BE(value, this.#length);
    this.#length += 2;
  }

  uint32(value: number): void {
    const buffer = this.#room(4);
    buffer.writeUInt32BE(value, this.#length);
    this.#length += 4;
  }

  /** Takes what was written, as bytes that nobody else writes into. */
  take(): Buffer {
    const buffer = this.#buffer ?? Buffer.alloc(0);
    const taken = Buffer.from(buffer.subarray(0, this.#length));
    this.#buffer = undefined;
    this.#length = 0;
    if (buffer.length === BUFFER_BYTES && spare.length < SPARE_MAX) spare.push(buffer);
    return taken;
  }

  #room(bytes: number): Buffer {
    const wanted = this.#length + bytes;
    const buffer = (this.#buffer ??= spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES));
    if (wanted <= buffer.length) return buffer;
    const larger = Buffer.allocUnsafeSlow(2 * wanted);
    buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
    if (buffer.length === BUFFER_BYTES && spare.length < SPARE_MAX) spare.push(buffer);
    return larger;
  }
}
