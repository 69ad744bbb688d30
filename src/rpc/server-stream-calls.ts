import type { Message } from '@bufbuild/protobuf';
import type { Http2Stream } from '../http2/stream.js';
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
  return (stream) => new ServerStreamCall(endpoint, handler, bytesMax, stream).begin();
}

class ServerStreamCall extends OneMessageCall {
  readonly #handler: Handler;
  readonly #answer: AnswerStream;
  readonly #ending = new AbortController();
  #isStreaming = false;
  /** Lets the next message be written. */
  #goOn: () => void = nothing;

  constructor(endpoint: Endpoint, handler: Handler, bytesMax: number, stream: Http2Stream) {
    super(endpoint, bytesMax, stream);
    this.#handler = handler;
    this.#answer = new AnswerStream(stream);
  }

  override drained(): void {
    this.#goOn();
  }

  override closed(): void {
    super.closed();
    this.#ending.abort();
    this.#goOn();
  }

  protected override serve(request: Message, admitted: Admitted): void {
    const end = (why: Failure): void => this.#ending.abort(why);
    const leave = this.endpoint.mount.gate.enter(end, admitted.revoked);
    if (typeof leave !== 'function') {
      this.fail(leave);
      return;
    }
    this.#isStreaming = true;
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
        if (!answer.write(frameOnce(this.endpoint, message))) await this.#drained(signal);
      }
      answer.end(reasonOf(signal));
    } catch (cause) {
      answer.end(whyEnded(cause, signal) ?? fault(this.endpoint, cause));
    }
  }

  /** Settles when the peer has read, or is not waited for any more. */
  async #drained(ending: AbortSignal): Promise<void> {
    if (ending.aborted || this.#answer.isGone) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#goOn = nothing;
        ending.removeEventListener('abort', done);
        resolve();
      };
      this.#goOn = done;
      ending.addEventListener('abort', done);
    });
  }
}

function nothing(): void {
  // Nobody waits.
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
