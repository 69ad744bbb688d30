import type { Message } from '@bufbuild/protobuf';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { RpcCaller } from './access/confined.js';
import type { Admitted } from './access/guard.js';
import { Arrived } from './arrived.js';
import { type Endpoint, callerOf, decode } from './endpoint.js';
import { PREFIX_BYTES, arrivalOf, beginCall, decompress, tooLarge } from './http2-call.js';
import { refuseStream, respondFailure } from './refuse-stream.js';
import { type Failure, isFailure, refuse } from './status.js';

/** A call with one request message, from its headers until that is there. */
export abstract class OneMessageCall {
  protected readonly endpoint: Endpoint;
  protected readonly stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #bytesMax: number;
  readonly #arrived = new Arrived();

  constructor(
    endpoint: Endpoint,
    bytesMax: number,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
  ) {
    this.endpoint = endpoint;
    this.stream = stream;
    this.#headers = headers;
    this.#bytesMax = bytesMax;
  }

  /** Answers a request that has come whole, of a caller who is let in. */
  protected abstract serve(request: Message, admitted: Admitted): void;

  begin(): void {
    const { stream } = this;
    if (!beginCall(stream, this.#headers, (failure) => this.refuse(failure))) return;
    stream.on('data', (piece: Buffer) => this.#take(piece));
    stream.on('end', () => this.#whole());
  }

  /** Whether the call has an answer, or nobody who takes one. */
  protected isOver(): boolean {
    const { destroyed, closed, headersSent } = this.stream;
    return destroyed || closed || headersSent;
  }

  protected callerOf(admitted: Admitted, abandoned: () => boolean): RpcCaller {
    return callerOf(admitted, this.#headers['traceparent'], abandoned);
  }

  /** Answers a call whose request is whole. */
  protected fail(failure: Failure): void {
    if (!this.isOver()) respondFailure(this.stream, failure);
  }

  /** Answers whatever has come of the request: also when its deadline passes. */
  protected refuse(failure: Failure): void {
    this.#arrived.clear();
    refuseStream(this.stream, failure);
  }

  #handle(message: Buffer): void {
    const admitted = this.endpoint.admit(() => arrivalOf(this.stream, this.#headers));
    if (isFailure(admitted)) {
      this.fail(admitted);
      return;
    }
    const request = decode(this.endpoint, message);
    if (isFailure(request)) this.fail(request);
    else this.serve(request, admitted);
  }

  #take(piece: Buffer): void {
    if (this.isOver()) return;
    const arrived = this.#arrived;
    arrived.add(piece);
    if (!arrived.hasPrefix()) return;
    const length = arrived.messageLength();
    if (length > this.#bytesMax) this.refuse(tooLarge(length, this.#bytesMax));
    else if (arrived.length > PREFIX_BYTES + length) this.refuse(SECOND_MESSAGE);
  }

  #whole(): void {
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
    decompress(message, this.#headers, this.#bytesMax, (inflated) => {
      if (this.isOver()) return;
      if (isFailure(inflated)) this.fail(inflated);
      else this.#handle(inflated);
    });
  }
}

const NO_MESSAGE = refuse('UNIMPLEMENTED', 'The method takes one message and none came whole');
const SECOND_MESSAGE = refuse('UNIMPLEMENTED', 'The method takes one message and more came');
