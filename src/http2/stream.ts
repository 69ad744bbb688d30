import type { Connection } from './connection.js';
import { ERROR, type ErrorCode, WINDOW_BYTES } from './frames.js';
import type { RequestHeaders } from './request-headers.js';

/** What a stream tells whoever handles it. */
export interface StreamHandler {
  /** A piece of the request has come. The bytes are part of a larger buffer: keep copies. */
  data(bytes: Buffer): void;
  /** The request has come whole. */
  ended(): void;
  /** What had to wait has left: more is welcome. */
  drained(): void;
  /** The stream is over, whoever ended it, and nothing is told any more. */
  closed(): void;
}

/** From so many bytes on that wait to leave, `write` says so. */
export const HIGH_WATER_BYTES = 16_384;

/** A request and its answer. */
export class Http2Stream {
  readonly id: number;
  readonly headers: RequestHeaders;
  readonly connection: Connection;
  handler: StreamHandler = NOBODY;
  /** What the peer takes of the answer beside what it takes of each, in bytes: below 0 once more was sent. */
  credit = 0;
  /** What the peer may still send of the request. */
  ownWindow = WINDOW_BYTES;
  /** Bytes of the request that are still to come, where it said how many. */
  bodyBytes: number | undefined;
  /** No more is to come of the request. */
  hasEnded = false;
  /** The answer has begun. */
  hasHeaders = false;
  /** Nothing will be added to the answer. */
  isAnswered = false;
  isClosed = false;
  isPaused = false;
  /** What of the answer waits for the peer. */
  readonly waiting: Buffer[] = [];
  waitingBytes = 0;
  #trailers: Buffer | undefined;
  /** Whoever writes was told to wait. */
  #isFull = false;

  constructor(id: number, headers: RequestHeaders, connection: Connection) {
    this.id = id;
    this.headers = headers;
    this.connection = connection;
  }

  /** What the peer takes of the answer, in bytes. */
  get window(): number {
    return this.connection.sender.streamWindow + this.credit;
  }

  /** Begins the answer by a block of header fields, if it has not begun. */
  respond(block: Buffer): void {
    if (this.isClosed || this.hasHeaders) return;
    this.hasHeaders = true;
    this.connection.sender.headers(this.id, block, false);
  }

  /** Sends bytes of the answer. False: wait for `drained` before the next. */
  write(bytes: Buffer): boolean {
    if (this.isClosed || this.isAnswered || bytes.length === 0) return true;
    this.connection.sender.data(this, bytes);
    this.#isFull = this.waitingBytes >= HIGH_WATER_BYTES;
    return !this.#isFull;
  }

  /**
   * Ends the answer by a block of header fields: trailers, or the only ones. What still comes of the
   * request is not told.
   */
  end(block: Buffer): void {
    if (this.isClosed || this.isAnswered) return;
    this.isAnswered = true;
    this.hasHeaders = true;
    this.#trailers = block;
    if (this.waitingBytes === 0) this.sent();
  }

  /** Gives the stream up. */
  reset(code: ErrorCode = ERROR.CANCEL): void {
    if (!this.isClosed) this.connection.reset(this, code);
  }

  /** The peer may send what its window holds, and no more. What comes is told all the same. */
  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    if (!this.isClosed) this.connection.widen(this);
  }

  /** Nothing of the answer waits any more. */
  sent(): void {
    if (this.#trailers !== undefined) {
      this.connection.finish(this, this.#trailers);
    } else if (this.#isFull) {
      this.#isFull = false;
      this.handler.drained();
    }
  }
}

const NOBODY: StreamHandler = {
  data: nothing,
  ended: nothing,
  drained: nothing,
  closed: nothing,
};

function nothing(): void {
  // Nobody handles the stream.
}
