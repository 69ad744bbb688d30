import type { Message } from '@bufbuild/protobuf';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { RpcCaller } from './access/confined.js';
import type { Admitted } from './access/guard.js';
import { AnswerStream } from './answer-stream.js';
import { type Endpoint, fault } from './endpoint.js';
import { type ServeCall, frameOf } from './http2-call.js';
import type { ServerStreamHandler } from './method.js';
import { OneMessageCall } from './one-message-call.js';
import { type Failure, isFailure } from './status.js';
import { reasonOf, whyEnded } from './stream-end.js';

type Handler = ServerStreamHandler<Message, Message>;

/** Serves a method that streams what it answers over gRPC. */
export function serveServerStream(
  endpoint: Endpoint,
  handler: Handler,
  bytesMax: number,
): ServeCall {
  return (stream, headers) => {
    new ServerStreamCall(endpoint, handler, bytesMax, stream, headers).begin();
  };
}

class ServerStreamCall extends OneMessageCall {
  readonly #handler: Handler;
  readonly #answer: AnswerStream;
  readonly #ending = new AbortController();
  #isStreaming = false;

  constructor(
    endpoint: Endpoint,
    handler: Handler,
    bytesMax: number,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
  ) {
    super(endpoint, bytesMax, stream, headers);
    this.#handler = handler;
    this.#answer = new AnswerStream(stream);
  }

  protected override serve(request: Message, admitted: Admitted): void {
    const end = (why: Failure): void => this.#ending.abort(why);
    const leave = this.endpoint.mount.gate.enter(end, admitted.revoked);
    if (typeof leave !== 'function') {
      this.fail(leave);
      return;
    }
    this.#isStreaming = true;
    this.stream.once('close', () => this.#ending.abort());
    const caller = this.callerOf(admitted, () => this.#answer.isGone);
    void this.#pump(request, caller).finally(leave);
  }

  /** A stream that has begun ends by its own hand, after what it has sent. */
  protected override refuse(failure: Failure): void {
    if (this.#isStreaming) this.#ending.abort(failure);
    else super.refuse(failure);
  }

  async #pump(request: Message, caller: RpcCaller): Promise<void> {
    const { signal } = this.#ending;
    const answer = this.#answer;
    try {
      const messages = this.#handler(request, caller, signal);
      if (isFailure(messages)) {
        answer.end(messages);
        return;
      }
      for await (const message of messages) {
        if (answer.isGone) return;
        if (!answer.write(frameOnce(this.endpoint, message))) await drained(this.stream, signal);
      }
      answer.end(reasonOf(signal));
    } catch (cause) {
      answer.end(whyEnded(cause, signal) ?? fault(this.endpoint, cause));
    }
  }
}

/** Settles when the peer has read, or is not waited for any more. */
function drained(stream: ServerHttp2Stream, ending: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      ending.removeEventListener('abort', done);
      resolve();
    };
    stream.once('drain', done);
    stream.once('close', done);
    ending.addEventListener('abort', done);
    if (ending.aborted || stream.destroyed) done();
  });
}

/** The frames of messages that several streams may share. */
const frames = new WeakMap<Message, Buffer>();

function frameOnce(endpoint: Endpoint, message: Message): Buffer {
  const earlier = frames.get(message);
  if (earlier !== undefined) return earlier;
  const frame = frameOf(endpoint, message);
  frames.set(message, frame);
  return frame;
}
