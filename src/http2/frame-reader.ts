import { frameSizeError, protocolError } from './errors.js';
import { FRAME_BYTES_MAX, FRAME_HEAD_BYTES, PREFACE } from './frames.js';

/** Takes a frame that has come whole: its payload is `bytes` between `from` and `to`. */
export type TakeFrame = (
  type: number,
  flags: number,
  stream: number,
  bytes: Buffer,
  from: number,
  to: number,
) => void;

/** Finds the frames in what a client sends, in whatever pieces it comes. */
export class FrameReader {
  readonly #take: TakeFrame;
  #prefaceBytes = 0;
  /** The beginning of a frame that has not come whole, and how much of it has. */
  #begun: Buffer | undefined;
  #begunBytes = 0;
  #isOver = false;

  constructor(take: TakeFrame) {
    this.#take = take;
  }

  /** Reads on. Throws ConnectionError where no frame may be so long, or the preface is none. */
  read(bytes: Buffer): void {
    let at = this.#prefaceBytes < PREFACE.length ? this.#readPreface(bytes) : 0;
    if (this.#begun !== undefined) at = this.#complete(this.#begun, bytes, at);
    while (bytes.length - at >= FRAME_HEAD_BYTES && !this.#isOver) {
      const end = at + FRAME_HEAD_BYTES + lengthOf(bytes, at);
      if (end > bytes.length) break;
      this.#hand(bytes, at, end);
      at = end;
    }
    if (at === bytes.length || this.#isOver) return;
    this.#begunBytes = 0;
    this.#complete(Buffer.allocUnsafe(FRAME_HEAD_BYTES), bytes, at);
  }

  /** Nothing that follows is a frame any more. */
  stop(): void {
    this.#isOver = true;
    this.#begun = undefined;
  }

  #readPreface(bytes: Buffer): number {
    const from = this.#prefaceBytes;
    const length = Math.min(bytes.length, PREFACE.length - from);
    if (bytes.compare(PREFACE, from, from + length, 0, length) !== 0) {
      throw protocolError('The preface is none');
    }
    this.#prefaceBytes += length;
    return length;
  }

  /** Adds to a frame what has come of it, and returns where the next one begins. */
  #complete(begun: Buffer, bytes: Buffer, from: number): number {
    let frame = begun;
    let at = this.#fill(frame, FRAME_HEAD_BYTES, bytes, from);
    if (this.#begunBytes >= FRAME_HEAD_BYTES) {
      const whole = FRAME_HEAD_BYTES + lengthOf(frame, 0);
      if (frame.length < whole) {
        frame = Buffer.allocUnsafe(whole);
        begun.copy(frame);
      }
      at = this.#fill(frame, whole, bytes, at);
      if (this.#begunBytes === whole) {
        this.#begun = undefined;
        this.#hand(frame, 0, whole);
        return at;
      }
    }
    this.#begun = frame;
    return at;
  }

  /** Copies what a frame still needs of its first bytes, and returns where that ends. */
  #fill(frame: Buffer, whole: number, bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + Math.max(0, whole - this.#begunBytes));
    bytes.copy(frame, this.#begunBytes, from, to);
    this.#begunBytes += to - from;
    return to;
  }

  #hand(bytes: Buffer, at: number, end: number): void {
    const stream = bytes.readUInt32BE(at + 5) & 0x7fffffff;
    this.#take(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, stream, bytes, at + FRAME_HEAD_BYTES, end);
  }
}

/** The length of a frame's payload. */
function lengthOf(bytes: Buffer, at: number): number {
  const length = bytes.readUIntBE(at, 3);
  if (length > FRAME_BYTES_MAX) throw frameSizeError('A frame is longer than may be');
  return length;
}
