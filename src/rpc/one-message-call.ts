import type { Message } from '@bufbuild/protobuf';
import type { Http2Stream, StreamHandler } from '../http2/stream.js';
import type { RpcCaller } from './access/confined.js';
import type { Admitted } from './access/guard.js';
import { Arrived } from './arrived.js';
import { type Endpoint, callerOf, decode } from './endpoint.js';
import {
  LATE,
  PREFIX_BYTES,
  arrivalOf,
  deadlineMs,
  decompress,
  isGrpc,
  tooLarge,
} from './http2-call.js';
import { refuseStream } from './refuse-stream.js';
import { type Failure, isFailure, refuse } from './status.js';

/** A call with one request message, from its headers until that is there. */
export abstract class OneMessageCall implements StreamHandler {
  protected readonly endpoint: Endpoint;
  protected readonly stream: Http2Stream;
  readonly #bytesMax: number;
  readonly #arrived = new Arrived();
  #deadline: NodeJS.Timeout | undefined;

  constructor(endpoint: Endpoint, bytesMax: number, stream: Http2Stream) {
    this.endpoint = endpoint;
    this.stream = stream;
    this.#bytesMax = bytesMax;
  }

  /** Answers a request that has come whole, of a caller who is let in. */
  protected abstract serve(request: Message, admitted: Admitted): void;

  abstract drained(): void;

  /** Itself, or undefined where the call is answered already. */
  begin(): this | undefined {
    if (!isGrpc(this.stream)) return undefined;
    const milliseconds = deadlineMs(this.stream);
    if (typeof milliseconds === 'object') {
      refuseStream(this.stream, milliseconds);
      return undefined;
    }
    if (milliseconds !== undefined) {
      this.#deadline = setTimeout(() => this.refuse(LATE), milliseconds);
    }
    return this;
  }

  data(piece: Buffer): void {
    if (this.isOver()) return;
    const arrived = this.#arrived;
    arrived.add(piece);
    if (!arrived.hasPrefix()) return;
    const length = arrived.messageLength();
    if (length > this.#bytesMax) this.refuse(tooLarge(length, this.#bytesMax));
    else if (arrived.length > PREFIX_BYTES + length) this.refuse(SECOND_MESSAGE);
  }

  ended(): void {
    if (this.isOver()) return;
    const arrived = this.#arrived;
    if (!arrived.hasMessage()) {
      this.fail(NO_MESSAGE);
      return;
    }
    const isCompressed = arrived.isCompressed();
    const message = arrived.take();
    if (!isCompressed) {
      this.#handle(message);
      return;
    }
    decompress(message, this.stream.headers, this.#bytesMax, (inflated) => {
      if (this.isOver()) return;
      if (isFailure(inflated)) this.fail(inflated);
      else this.#handle(inflated);
    });
  }

  closed(): void {
    clearTimeout(this.#deadline);
    this.#arrived.clear();
  }

  /** Whether the call has an answer, or nobody who takes one. */
  protected isOver(): boolean {
    return this.stream.isClosed || this.stream.hasHeaders;
  }

  protected callerOf(admitted: Admitted, abandoned: () => boolean): RpcCaller {
    return callerOf(admitted, this.stream.headers['traceparent'], abandoned);
  }

  /** Answers a call that has no answer yet. */
  protected fail(failure: Failure): void {
    if (!this.isOver()) refuseStream(this.stream, failure);
  }

  /** Answers whatever has come of the request: also when its deadline passes. */
  protected refuse(failure: Failure): void {
    refuseStream(this.stream, failure);
  }

  #handle(message: Buffer): void {
    const admitted = this.endpoint.admit(() => arrivalOf(this.stream));
    if (isFailure(admitted)) {
      this.fail(admitted);
      return;
    }
    const request = decode(this.endpoint, message);
    if (isFailure(request)) this.fail(request);
    else this.serve(request, admitted);
  }
}

const NO_MESSAGE = refuse('UNIMPLEMENTED', 'The method takes one message and none came whole');
const SECOND_MESSAGE = refuse('UNIMPLEMENTED', 'The method takes one message and more came');
