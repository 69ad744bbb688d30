import { headerBlock } from '../http2/hpack.js';
import type { Http2Stream } from '../http2/stream.js';
import { RESPONSE_HEADERS, refuseStream, trailersOf } from './refuse-stream.js';
import type { Failure } from './status.js';

/** The head of an answer that has messages, its end where all is well, and both where it has none. */
export const HEAD = headerBlock(RESPONSE_HEADERS);
export const OK = headerBlock({ 'grpc-status': '0' });
const NO_MESSAGES = headerBlock({ ...RESPONSE_HEADERS, 'grpc-status': '0' });

/** What a call answers in pieces: the headers leave with the first, the status after the last. */
export class AnswerStream {
  readonly #stream: Http2Stream;

  constructor(stream: Http2Stream) {
    this.#stream = stream;
  }

  /** Nobody takes anything any more: the client is gone, or the call was refused. */
  get isGone(): boolean {
    return this.#stream.isClosed || this.#stream.isAnswered;
  }

  /** Sends bytes. False: wait until the stream has drained before the next. */
  write(bytes: Buffer): boolean {
    const stream = this.#stream;
    stream.respond(HEAD);
    return stream.write(bytes);
  }

  /** Ends after what was sent, with OK or the failure. What still comes is not looked at. */
  end(failure: Failure | undefined): void {
    const stream = this.#stream;
    if (stream.hasHeaders) {
      stream.end(failure === undefined ? OK : headerBlock(trailersOf(failure)));
    } else if (failure === undefined) stream.end(NO_MESSAGES);
    else refuseStream(stream, failure);
  }
}
