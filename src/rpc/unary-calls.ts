import type { Message } from '@bufbuild/protobuf';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Admitted } from './access/guard.js';
import { type Endpoint, fault } from './endpoint.js';
import { OK, RESPONSE_HEADERS, type ServeCall, WITH_TRAILERS, frameOf } from './http2-call.js';
import type { Reply, UnaryHandler } from './method.js';
import { OneMessageCall } from './one-message-call.js';
import { isFailure } from './status.js';

type Handler = UnaryHandler<Message, Message>;

/** Serves a unary method over gRPC. */
export function serveUnary(endpoint: Endpoint, handler: Handler, bytesMax: number): ServeCall {
  return (stream, headers) => {
    new UnaryCall(endpoint, handler, bytesMax, stream, headers).begin();
  };
}

class UnaryCall extends OneMessageCall {
  readonly #handler: Handler;

  constructor(
    endpoint: Endpoint,
    handler: Handler,
    bytesMax: number,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
  ) {
    super(endpoint, bytesMax, stream, headers);
    this.#handler = handler;
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
    stream.on('wantTrailers', sendOk);
    stream.respond(RESPONSE_HEADERS, WITH_TRAILERS);
    stream.end(frame);
  }

  #break(cause: unknown): void {
    this.fail(fault(this.endpoint, cause));
  }
}

function sendOk(this: ServerHttp2Stream): void {
  this.sendTrailers(OK);
}
