/** HTTP/2 by hand (RFC 9113), to say what no library would. Its numbers are its own: a wrong one of src is to be seen. */
import type { Socket } from 'node:net';
import { dialTo, type Dial } from './dial.js';

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const FLAG = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 } as const;

/** One frame. `length` may lie. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
  length = payload.length,
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** SETTINGS with identifiers and values. */
export function settings(...pairs: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.alloc(pairs.length * 6);
  for (const [at, [id, value]] of pairs.entries()) {
    payload.writeUInt16BE(id, at * 6);
    payload.writeUInt32BE(value, at * 6 + 2);
  }
  return frame(FRAME.SETTINGS, 0, 0, payload);
}

/** A block of header fields, each written out, none indexed (RFC 7541, section 6.2.2). */
export function fields(pairs: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(pairs).flatMap(([name, value]) => [
    Buffer.from([0]),
    text(name),
    text(value),
  ]);
  return Buffer.concat(parts);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([integer(bytes.length), bytes]);
}

/** An integer with a prefix of seven bits (RFC 7541, section 5.1). */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

/** The header fields of a gRPC call. */
export function callFields(
  path: string,
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  return {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': path,
    ':authority': 'localhost',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...more,
  };
}

/** HEADERS of a gRPC call. */
export function call(
  stream: number,
  path: string,
  more: Readonly<Record<string, string>> = {},
  flags: number = FLAG.END_HEADERS,
): Buffer {
  return frame(FRAME.HEADERS, flags, stream, fields(callFields(path, more)));
}

/** A message with its prefix of five bytes. `length` may lie. */
export function message(payload: Buffer, compressed = false, length = payload.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed ? 1 : 0, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, payload]);
}

/** DATA frames of at most 16 KiB each. */
export function data(stream: number, bytes: Buffer, isLast = false): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += 16_384) {
    const part = bytes.subarray(at, at + 16_384);
    const isEnd = isLast && at + 16_384 >= bytes.length;
    parts.push(frame(FRAME.DATA, isEnd ? FLAG.END_STREAM : 0, stream, part));
  }
  return Buffer.concat(parts);
}

/** A frame that came. */
export interface Heard {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** A connection on which anything may be said. */
export class RawPeer {
  readonly socket: Socket;
  readonly heard: Heard[] = [];
  /** Settles when the connection is closed by whoever. */
  readonly closed: Promise<void>;
  #rest = Buffer.alloc(0);

  constructor(dial: Dial) {
    this.socket = dial();
    this.socket.on('error', () => undefined);
    this.socket.on('data', (bytes: Buffer) => this.#take(bytes));
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => resolve());
    });
  }

  /** Connects and says the preface with settings. */
  static begin(to: string | Dial, ...pairs: readonly (readonly [number, number])[]): RawPeer {
    const peer = new RawPeer(typeof to === 'string' ? dialTo(to) : to);
    peer.send(PREFACE, settings(...pairs), frame(FRAME.SETTINGS, FLAG.ACK, 0));
    return peer;
  }

  /** Writes, if the connection is still there. False: the other side does not read fast enough. */
  send(...parts: readonly Buffer[]): boolean {
    return this.socket.writable ? this.socket.write(Buffer.concat(parts)) : true;
  }

  /** Writes, and waits until it has left or the connection is closed. */
  async sent(...parts: readonly Buffer[]): Promise<void> {
    if (this.send(...parts)) return;
    await Promise.race([
      this.closed,
      new Promise<void>((resolve) => {
        this.socket.once('drain', () => resolve());
      }),
    ]);
  }

  /** The frames of a type that came, of one stream if that is given. */
  of(type: number, stream?: number): readonly Heard[] {
    return this.heard.filter(
      (one) => one.type === type && (stream === undefined || one.stream === stream),
    );
  }

  close(): void {
    this.socket.destroy();
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) return;
      this.heard.push({
        type: this.#rest.readUInt8(3),
        flags: this.#rest.readUInt8(4),
        stream: this.#rest.readUInt32BE(5),
        payload: this.#rest.subarray(9, 9 + length),
      });
      this.#rest = this.#rest.subarray(9 + length);
    }
  }
}
