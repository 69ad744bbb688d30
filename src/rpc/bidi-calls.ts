import type { Message } from '@bufbuild/protobuf';
import { reject } from '../domain/answer.js';
import { HIGH_WATER_BYTES, type Http2Stream, type StreamHandler } from '../http2/stream.js';
import { Arrived } from './arrived.js';
import { AnswerStream } from './answer-stream.js';
import { type Endpoint, callerOf, decode, fault } from './endpoint.js';
import {
  LATE,
  type ServeCall,
  arrivalOf,
  deadlineMs,
  decompress,
  frameOf,
  isGrpc,
  tooLarge,
} from './http2-call.js';
import type { BidiEvents, BidiHandler, BidiStream } from './method.js';
import { type Failure, isFailure, isShutdown } from './status.js';

type Handler = BidiHandler<Message, Message>;

/** Serves a method that streams in both directions over gRPC. */
export function serveBidi(endpoint: Endpoint, handler: Handler, bytesMax: number): ServeCall {
  return (stream) => new BidiCall(endpoint, bytesMax, stream).begin(handler);
}

/** A call from its headers to its end. */
class BidiCall implements BidiStream<Message, Message>, StreamHandler {
  readonly #endpoint: Endpoint;
  readonly #bytesMax: number;
  readonly #stream: Http2Stream;
  readonly #arrived = new Arrived();
  #events: BidiEvents<Message> | undefined;
  /** Gives back the place among the streams. */
  #leave: () => void = nothing;
  #isPaused = false;
  /** A compressed message is on its way through the inflater: those behind it wait. */
  #isInflating = false;
  #isDelivering = false;
  /** Nothing more comes. */
  #hasEnded = false;
  /** Responses that leave together: those of one turn of the event loop. */
  #frames: Buffer[] = [];
  #frameBytes = 0;
  readonly #answer: AnswerStream;
  /** The handler waits for `drained`. */
  #isFull = false;
  #isOver = false;
  #deadline: NodeJS.Timeout | undefined;

  constructor(endpoint: Endpoint, bytesMax: number, stream: Http2Stream) {
    this.#endpoint = endpoint;
    this.#bytesMax = bytesMax;
    this.#stream = stream;
    this.#answer = new AnswerStream(stream);
  }

  /** Itself, or undefined where the call is answered already. */
  begin(handler: Handler): this | undefined {
    const stream = this.#stream;
    if (!isGrpc(stream)) return undefined;
    const milliseconds = deadlineMs(stream);
    if (typeof milliseconds === 'object') {
      this.#break(milliseconds);
      return undefined;
    }
    const endpoint = this.#endpoint;
    const admitted = endpoint.admit(() => arrivalOf(stream));
    if (isFailure(admitted)) {
      this.#break(admitted);
      return undefined;
    }
    const leave = endpoint.mount.gate.enter((why) => this.#stop(why), admitted.revoked);
    if (typeof leave !== 'function') {
      this.#break(leave);
      return undefined;
    }
    this.#leave = leave;
    if (milliseconds !== undefined) {
      this.#deadline = setTimeout(() => this.#break(LATE), milliseconds);
    }
    handler(
      this,
      callerOf(admitted, stream.headers['traceparent'], () => this.#isOver),
    );
    return this;
  }

  listen(events: BidiEvents<Message>): void {
    this.#events = events;
  }

  data(piece: Buffer): void {
    if (this.#isDone()) return;
    this.#arrived.add(piece);
    this.#deliver();
  }

  /** The client has sent everything. */
  ended(): void {
    this.#hasEnded = true;
    this.#deliver();
  }

  drained(): void {
    if (!this.#isFull || this.#isOver) return;
    this.#isFull = false;
    this.#guarded((events) => events.drained());
  }

  closed(): void {
    if (this.#isOver) return;
    clearTimeout(this.#deadline);
    this.#guarded((events) => events.gone());
    this.#isOver = true;
    this.#leave();
  }

  pause(): void {
    this.#isPaused = true;
    this.#stream.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#isInflating) return;
    this.#stream.resume();
    this.#deliver();
  }

  write(response: Message): boolean {
    const frame = frameOf(this.#endpoint, response);
    // What the same turn settles comes first: it is queued already.
    if (this.#frames.length === 0) queueMicrotask(() => this.flush());
    this.#frames.push(frame);
    this.#frameBytes += frame.length;
    this.#isFull = this.#stream.waitingBytes + this.#frameBytes >= HIGH_WATER_BYTES;
    return !this.#isFull;
  }

  end(failure?: Failure): void {
    if (this.#isOver) return;
    const isCut = this.#hasEnded && this.#arrived.length > 0;
    const why = failure ?? (isCut ? CUT : undefined);
    this.flush();
    this.#isOver = true;
    clearTimeout(this.#deadline);
    this.#arrived.clear();
    this.#leave();
    this.#answer.end(why);
  }

  fail(cause: unknown): void {
    this.end(fault(this.#endpoint, cause));
  }

  /** Sends what was written. */
  flush(): void {
    if (this.#frames.length === 0) return;
    const bytes = Buffer.concat(this.#frames, this.#frameBytes);
    this.#frames = [];
    this.#frameBytes = 0;
    if (this.#isOver || this.#answer.isGone) return;
    if (this.#answer.write(bytes)) this.drained();
  }

  /** Hands over what has come, as far as it is wanted. */
  #deliver(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    while (this.#wants() && this.#arrived.hasPrefix()) {
      const length = this.#arrived.messageLength();
      if (length > this.#bytesMax) this.#break(tooLarge(length, this.#bytesMax));
      if (!this.#wants() || !this.#arrived.hasMessage()) break;
      const isCompressed = this.#arrived.isCompressed();
      const message = this.#arrived.take();
      if (isCompressed) this.#inflate(message);
      else this.#hand(message);
    }
    this.#isDelivering = false;
    if (this.#hasEnded && this.#wants()) this.#guarded((events) => events.end());
  }

  #wants(): boolean {
    return !this.#isDone() && !this.#isPaused && !this.#isInflating;
  }

  /** Whether nothing that comes counts any more. The guard may have refused the call: it is closed then. */
  #isDone(): boolean {
    return this.#isOver || this.#answer.isGone;
  }

  #inflate(message: Buffer): void {
    this.#isInflating = true;
    this.#stream.pause();
    decompress(message, this.#stream.headers, this.#bytesMax, (inflated) => {
      this.#isInflating = false;
      if (this.#isDone()) {
        this.#stream.resume();
        return;
      }
      if (isFailure(inflated)) {
        this.#break(inflated);
        return;
      }
      this.#hand(inflated);
      if (!this.#isPaused) this.resume();
    });
  }

  #hand(message: Buffer): void {
    const request = decode(this.#endpoint, message);
    if (isFailure(request)) this.#break(request);
    else this.#guarded((events) => events.message(request));
  }

  #guarded(step: (events: BidiEvents<Message>) => void): void {
    const events = this.#events;
    if (this.#isOver || events === undefined) return;
    try {
      step(events);
    } catch (cause) {
      this.fail(cause);
    }
  }

  /** Who may not go on gets nothing more; on shutdown what is in work is answered. */
  #stop(why: Failure): void {
    if (isShutdown(why)) this.#events?.closing();
    else this.#break(why);
  }

  /** Ends with a failure although the handler has more to say. */
  #break(failure: Failure): void {
    if (this.#isOver) return;
    this.#events?.gone();
    this.end(failure);
  }
}

const CUT = reject('INVALID_REQUEST', 'The stream ended within a message');

function nothing(): void {
  // No place was taken.
}
