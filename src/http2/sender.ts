import type { Socket } from 'node:net';
import { flowControlError } from './errors.js';
import {
  type ErrorCode,
  FLAG,
  FRAME,
  FRAME_BYTES_MAX,
  WINDOW_BYTES,
  WINDOW_BYTES_MAX,
} from './frames.js';
import { Output } from './output.js';
import type { Http2Stream } from './stream.js';

/** A peer that leaves so much unread is not read from either, in bytes. */
const UNREAD_BYTES_MAX = 1_048_576;

/**
 * What a connection sends. What one turn of the event loop gives rise to leaves in one write; of answers
 * only as much as the peer takes, each in its turn.
 */
export class Sender {
  readonly #socket: Socket;
  readonly #bytesMax: number;
  readonly #output = new Output();
  /** Streams of whose answers a part waits. */
  readonly #waiting: Http2Stream[] = [];
  /** What the peer takes of each answer at first; it may change what it takes of all. */
  streamWindow = WINDOW_BYTES;
  /** What it takes on the connection. */
  #window = WINDOW_BYTES;
  /** The sum of all answers that wait. */
  #waitingBytes = 0;
  /** The peer does not read as fast as it is answered. */
  #isCongested = false;
  #isFlushing = false;

  /** At most so many bytes of answers wait until the peer takes them: beyond, the socket is closed. */
  constructor(socket: Socket, bytesMax: number) {
    this.#socket = socket;
    this.#bytesMax = bytesMax;
    socket.on('drain', () => {
      this.#isCongested = false;
      if (socket.isPaused()) socket.resume();
      this.flush();
    });
  }

  settings(pairs: readonly (readonly [id: number, value: number])[]): void {
    this.#output.head(6 * pairs.length, FRAME.SETTINGS, 0, 0);
    for (const [id, value] of pairs) {
      this.#output.uint16(id);
      this.#output.uint32(value);
    }
    this.#flushSoon();
  }

  settingsAck(): void {
    this.#output.head(0, FRAME.SETTINGS, FLAG.ACK, 0);
    this.#flushSoon();
  }

  ping(flags: number, payload: Buffer): void {
    this.#output.head(payload.length, FRAME.PING, flags, 0);
    this.#output.bytes(payload);
    this.#flushSoon();
  }

  reset(stream: number, code: ErrorCode): void {
    this.#output.head(4, FRAME.RST_STREAM, 0, stream);
    this.#output.uint32(code);
    this.#flushSoon();
  }

  /** Lets the peer send so many bytes more, on a stream or the connection. */
  widen(stream: number, bytes: number): void {
    this.#output.head(4, FRAME.WINDOW_UPDATE, 0, stream);
    this.#output.uint32(bytes);
    this.#flushSoon();
  }

  goaway(lastStream: number, code: ErrorCode): void {
    this.#output.head(8, FRAME.GOAWAY, 0, 0);
    this.#output.uint32(lastStream);
    this.#output.uint32(code);
    this.#flushSoon();
  }

  headers(stream: number, block: Buffer, isLast: boolean): void {
    let type: number = FRAME.HEADERS;
    let flags = isLast ? FLAG.END_STREAM : 0;
    let at = 0;
    do {
      const part = block.subarray(at, at + FRAME_BYTES_MAX);
      at += part.length;
      if (at === block.length) flags |= FLAG.END_HEADERS;
      this.#output.head(part.length, type, flags, stream);
      this.#output.bytes(part);
      type = FRAME.CONTINUATION;
      flags = 0;
    } while (at < block.length);
    this.#flushSoon();
  }

  /** Sends bytes of an answer, now or when the peer takes them. */
  data(stream: Http2Stream, bytes: Buffer): void {
    const mayLeave =
      !this.#isCongested &&
      stream.waitingBytes === 0 &&
      bytes.length <= Math.min(FRAME_BYTES_MAX, stream.window, this.#window);
    if (mayLeave) {
      this.#frame(stream, bytes);
    } else {
      stream.waiting.push(bytes);
      if (stream.waitingBytes === 0) this.#waiting.push(stream);
      stream.waitingBytes += bytes.length;
      this.#waitingBytes += bytes.length;
      if (this.#waitingBytes > this.#bytesMax) this.#socket.destroy();
    }
    this.#flushSoon();
  }

  /** Nothing more of a stream's answer is to be sent. */
  forget(stream: Http2Stream): void {
    if (stream.waitingBytes === 0) return;
    this.#waitingBytes -= stream.waitingBytes;
    stream.waiting.length = 0;
    stream.waitingBytes = 0;
    this.#unqueue(this.#waiting.indexOf(stream));
  }

  /** The peer takes so many bytes more on the connection. */
  widened(bytes: number): void {
    this.#window += bytes;
    if (this.#window > WINDOW_BYTES_MAX) throw flowControlError('A window is too large');
  }

  flush(): void {
    if (this.#waiting.length > 0) this.#sendWaiting();
    this.#write();
  }

  /** Whatever is settled in the same turn comes first: it is queued already. */
  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      this.flush();
    });
  }

  #write(): void {
    if (this.#output.length === 0) return;
    const bytes = this.#output.take();
    if (!this.#socket.writable) return;
    if (this.#socket.write(bytes)) return;
    this.#isCongested = true;
    // What it asks for beside answers, it does not read: nothing more is asked.
    if (this.#socket.writableLength > UNREAD_BYTES_MAX) this.#socket.pause();
  }

  #frame(stream: Http2Stream, bytes: Buffer): void {
    stream.credit -= bytes.length;
    this.#window -= bytes.length;
    this.#output.head(bytes.length, FRAME.DATA, 0, stream.id);
    this.#output.bytes(bytes);
  }

  /** A frame of each answer in turn, as long as any of them gets on. */
  #sendWaiting(): void {
    for (let isSent = true; isSent;) {
      isSent = false;
      // From the end: in the place of one that is done comes the last one, which had its turn.
      for (let at = this.#waiting.length - 1; at >= 0 && !this.#isCongested; at -= 1) {
        if (this.#sendSome(at)) isSent = true;
        if (this.#output.length >= FRAME_BYTES_MAX) this.#write();
      }
    }
  }

  /** The last one takes the place. */
  #unqueue(place: number): void {
    const last = this.#waiting.pop();
    if (last !== undefined && place < this.#waiting.length) this.#waiting[place] = last;
  }

  /** Sends a frame of the answer at a place. False: the peer takes none. */
  #sendSome(place: number): boolean {
    const stream = this.#waiting[place];
    if (stream === undefined) return false;
    const [bytes] = stream.waiting;
    const length = Math.min(bytes?.length ?? 0, FRAME_BYTES_MAX, stream.window, this.#window);
    if (bytes === undefined || length <= 0) return false;
    this.#frame(stream, bytes.subarray(0, length));
    stream.waitingBytes -= length;
    this.#waitingBytes -= length;
    if (length < bytes.length) stream.waiting[0] = bytes.subarray(length);
    else stream.waiting.shift();
    if (stream.waitingBytes === 0) {
      this.#unqueue(place);
      stream.sent();
    }
    return true;
  }
}
