import type { Message } from '@bufbuild/protobuf';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { Arrived } from './arrived.js';
import { type Endpoint, type Mount, callerOf, decode, endpointsOf, fault } from './endpoint.js';
import {
  OK,
  PREFIX_BYTES,
  RESPONSE_HEADERS,
  type ServeCall,
  WITH_TRAILERS,
  arrivalOf,
  beginCall,
  decompress,
  frameOf,
  tooLarge,
} from './http2-call.js';
import type { Reply, UnaryHandler } from './method.js';
import { refuseStream, respondFailure } from './refuse-stream.js';
import { type Failure, isFailure, refuse } from './status.js';

type Handler = UnaryHandler<Message, Message>;

/**
 * Serves the unary methods of a mount over gRPC, by path, on the streams of Node's HTTP/2. grpc-js
 * takes twice the CPU for the same call: docs/decisions/0007-unary-calls.md.
 */
export function unaryCalls(mount: Mount, messageBytesMax: number): ReadonlyMap<string, ServeCall> {
  const calls = new Map<string, ServeCall>();
  for (const [method, endpoint] of endpointsOf(mount)) {
    if (method.kind !== 'unary') continue;
    const { handler } = method;
    calls.set(endpoint.path, (stream, headers) => {
      new UnaryCall(endpoint, handler, messageBytesMax, stream, headers).begin();
    });
  }
  return calls;
}

/** A call from its headers to its answer. */
class UnaryCall {
  readonly #endpoint: Endpoint;
  readonly #handler: Handler;
  readonly #bytesMax: number;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #arrived = new Arrived();

  constructor(
    endpoint: Endpoint,
    handler: Handler,
    bytesMax: number,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
  ) {
    this.#endpoint = endpoint;
    this.#handler = handler;
    this.#bytesMax = bytesMax;
    this.#stream = stream;
    this.#headers = headers;
  }

  begin(): void {
    const stream = this.#stream;
    if (!beginCall(stream, this.#headers, (failure) => this.#refuse(failure))) return;
    stream.on('data', (piece: Buffer) => this.#take(piece));
    stream.on('end', () => this.#whole());
  }

  #isOver(): boolean {
    const { destroyed, closed, headersSent } = this.#stream;
    return destroyed || closed || headersSent;
  }

  #take(piece: Buffer): void {
    if (this.#isOver()) return;
    const arrived = this.#arrived;
    arrived.add(piece);
    if (!arrived.hasPrefix()) return;
    const length = arrived.messageLength();
    if (length > this.#bytesMax) this.#refuse(tooLarge(length, this.#bytesMax));
    else if (arrived.length > PREFIX_BYTES + length) this.#refuse(SECOND_MESSAGE);
  }

  #whole(): void {
    if (this.#isOver()) return;
    const arrived = this.#arrived;
    if (!arrived.hasMessage()) {
      this.#answer(NO_MESSAGE);
      return;
    }
    const isCompressed = arrived.isCompressed();
    const message = arrived.take();
    if (!isCompressed) {
      this.#handle(message);
      return;
    }
    decompress(message, this.#headers, this.#bytesMax, (inflated) => {
      if (this.#isOver()) return;
      if (isFailure(inflated)) this.#answer(inflated);
      else this.#handle(inflated);
    });
  }

  #handle(message: Buffer): void {
    const admitted = this.#endpoint.admit(() => arrivalOf(this.#stream, this.#headers));
    if (isFailure(admitted)) {
      this.#answer(admitted);
      return;
    }
    const request = decode(this.#endpoint, message);
    if (isFailure(request)) {
      this.#answer(request);
      return;
    }
    const { traceparent } = this.#headers;
    const caller = callerOf(admitted, traceparent, () => this.#isOver());
    try {
      const answer = this.#handler(request, caller);
      if (answer instanceof Promise) {
        answer.then(
          (reply) => this.#answer(reply),
          (cause: unknown) => this.#fail(cause),
        );
      } else {
        this.#answer(answer);
      }
    } catch (cause) {
      this.#fail(cause);
    }
  }

  #answer(reply: Reply<Message>): void {
    const stream = this.#stream;
    if (this.#isOver()) return;
    if (isFailure(reply)) {
      respondFailure(stream, reply);
      return;
    }
    let frame: Buffer;
    try {
      frame = frameOf(this.#endpoint, reply);
    } catch (cause) {
      this.#fail(cause);
      return;
    }
    stream.on('wantTrailers', sendOk);
    stream.respond(RESPONSE_HEADERS, WITH_TRAILERS);
    stream.end(frame);
  }

  #fail(cause: unknown): void {
    const failure = fault(this.#endpoint, cause);
    if (!this.#isOver()) respondFailure(this.#stream, failure);
  }

  /** Answers before the request is whole. */
  #refuse(failure: Failure): void {
    this.#arrived.clear();
    refuseStream(this.#stream, failure);
  }
}

const NO_MESSAGE = refuse('UNIMPLEMENTED', 'The method takes one message and none came whole');
const SECOND_MESSAGE = refuse('UNIMPLEMENTED', 'The method takes one message and more came');

function sendOk(this: ServerHttp2Stream): void {
  this.sendTrailers(OK);
}
