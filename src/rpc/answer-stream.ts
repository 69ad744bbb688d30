import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { OK, RESPONSE_HEADERS, WITH_TRAILERS } from './http2-call.js';
import { refuseStream, trailersOf } from './refuse-stream.js';
import type { Failure } from './status.js';

/** What a call answers in pieces: the headers leave with the first, the status after the last. */
export class AnswerStream {
  readonly #stream: ServerHttp2Stream;
  #trailers: OutgoingHttpHeaders = OK;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  /** Nobody takes anything any more: the client is gone, or the call was refused. */
  get isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  /** Sends bytes. False: wait for the stream's `drain` before the next. */
  write(bytes: Buffer): boolean {
    const stream = this.#stream;
    if (!stream.headersSent) {
      stream.once('wantTrailers', () => stream.sendTrailers(this.#trailers));
      stream.respond(RESPONSE_HEADERS, WITH_TRAILERS);
    }
    return stream.write(bytes);
  }

  /** Ends after what was sent, with OK or the failure. What still comes is not looked at. */
  end(failure: Failure | undefined): void {
    const stream = this.#stream;
    if (this.isGone) return;
    if (stream.headersSent) {
      if (failure !== undefined) this.#trailers = trailersOf(failure);
      stream.end();
    } else if (failure !== undefined) {
      refuseStream(stream, failure);
    } else {
      stream.respond({ ...RESPONSE_HEADERS, ...OK }, { endStream: true });
    }
    stream.resume();
  }
}
