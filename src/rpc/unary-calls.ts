import type { Message } from '@bufbuild/protobuf';
import type { Http2Stream } from '../http2/stream.js';
import type { Admitted } from './access/guard.js';
import { HEAD, OK } from './answer-stream.js';
import { type Endpoint, fault } from './endpoint.js';
import { type ServeCall, frameOf } from './http2-call.js';
import type { Reply, UnaryHandler } from './method.js';
import { OneMessageCall } from './one-message-call.js';
import { isFailure } from './status.js';

type Handler = UnaryHandler<Message, Message>;

/** Serves a unary method over gRPC. */
export function serveUnary(endpoint: Endpoint, handler: Handler, bytesMax: number): ServeCall {
  return (stream) => new UnaryCall(endpoint, handler, bytesMax, stream).begin();
}

class UnaryCall extends OneMessageCall {
  readonly #handler: Handler;

  constructor(endpoint: Endpoint, handler: Handler, bytesMax: number, stream: Http2Stream) {
    super(endpoint, bytesMax, stream);
    this.#handler = handler;
  }

  override drained(): void {
    // One message is all there is.
  }

  protected override serve(request: Message, admitted: Admitted): void {
    const caller = this.callerOf(admitted, () => this.isOver());
    try {
      const answer = this.#handler(request, caller);
      if (answer instanceof Promise) {
        answer.then(
          (reply) => this.#answer(reply),
          (cause: unknown) => this.#break(cause),
        );
      } else {
        this.#answer(answer);
      }
    } catch (cause) {
      this.#break(cause);
    }
  }

  #answer(reply: Reply<Message>): void {
    const { stream } = this;
    if (this.isOver()) return;
    if (isFailure(reply)) {
      this.fail(reply);
      return;
    }
    let frame: Buffer;
    try {
      frame = frameOf(this.endpoint, reply);
    } catch (cause) {
      this.#break(cause);
      return;
    }
    stream.respond(HEAD);
    stream.write(frame);
    stream.end(OK);
  }

  #break(cause: unknown): void {
    this.fail(fault(this.endpoint, cause));
  }
}
