import type { Message } from '@bufbuild/protobuf';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { createGunzip, createInflate } from 'node:zlib';
import { reject } from '../domain/answer.js';
import type { Arrival } from './access/guard.js';
import {
  type Endpoint,
  type Mount,
  callerOf,
  decode,
  endpointsOf,
  encode,
  fault,
} from './endpoint.js';
import type { Reply, UnaryHandler } from './method.js';
import { peerNamesOf } from './peer.js';
import { refuseStream, respondFailure } from './refuse-stream.js';
import { type Failure, isFailure, refuse } from './status.js';

/** Serves one call whose headers have come. */
export type ServeCall = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

type Handler = UnaryHandler<Message, Message>;

const NOTHING = Buffer.alloc(0);
const PREFIX_BYTES = 5;
/** What timers can wait for. A deadline beyond is none. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

const RESPONSE_HEADERS = { ':status': 200, 'content-type': 'application/grpc+proto' };
const WITH_TRAILERS = { waitForTrailers: true, sendDate: false };
const OK = { 'grpc-status': '0' };

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
  /** What has come: nearly always one piece, as it came. */
  #bytes: Buffer = NOTHING;
  #held = 0;
  #deadline: NodeJS.Timeout | undefined;

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
    // What fails closes the stream too, and then nobody is left to be told.
    stream.on('error', ignore);
    if (this.#headers['content-type']?.startsWith('application/grpc') !== true) {
      stream.respond({ ':status': 415 }, { endStream: true });
      stream.resume();
      return;
    }
    const timeout = this.#headers['grpc-timeout'];
    if (timeout !== undefined && !this.#startDeadline(String(timeout))) return;
    stream.on('data', (piece: Buffer) => this.#take(piece));
    stream.on('end', () => this.#whole());
  }

  /** False: the timeout is none, and the call has been answered. */
  #startDeadline(timeout: string): boolean {
    const milliseconds = timeoutMs(timeout);
    if (milliseconds === undefined) {
      this.#refuse(
        reject('INVALID_REQUEST', 'The header grpc-timeout must be up to 8 digits and a unit'),
      );
      return false;
    }
    if (milliseconds > TIMEOUT_MS_MAX) return true;
    this.#deadline = setTimeout(() => this.#refuse(LATE), milliseconds);
    this.#stream.once('close', () => clearTimeout(this.#deadline));
    return true;
  }

  #isOver(): boolean {
    const { destroyed, closed, headersSent } = this.#stream;
    return destroyed || closed || headersSent;
  }

  #take(piece: Buffer): void {
    if (this.#isOver()) return;
    if (this.#held === 0) this.#bytes = piece;
    else this.#append(piece);
    this.#held += piece.length;
    if (this.#held < PREFIX_BYTES) return;
    const length = this.#length();
    if (length > this.#bytesMax) this.#refuse(tooLarge(length, this.#bytesMax));
    else if (this.#held > PREFIX_BYTES + length) this.#refuse(SECOND_MESSAGE);
  }

  /** Copies a further piece: kept as they come, many small ones would hold far more than their bytes. */
  #append(piece: Buffer): void {
    const held = this.#held;
    if (this.#bytes.length < held + piece.length) {
      const larger = Buffer.allocUnsafe(2 * (held + piece.length));
      this.#bytes.copy(larger, 0, 0, held);
      this.#bytes = larger;
    }
    piece.copy(this.#bytes, held);
  }

  /** The length that the prefix tells, once it is there. */
  #length(): number {
    return this.#bytes.readUInt32BE(1);
  }

  #whole(): void {
    if (this.#isOver()) return;
    if (this.#held < PREFIX_BYTES || this.#held < PREFIX_BYTES + this.#length()) {
      this.#answer(NO_MESSAGE);
      return;
    }
    const message = this.#bytes.subarray(PREFIX_BYTES, this.#held);
    if (this.#bytes[0] === 0) {
      this.#handle(message);
      return;
    }
    const encoding = String(this.#headers['grpc-encoding'] ?? 'identity');
    decompress(message, encoding, this.#bytesMax, (inflated) => {
      if (this.#isOver()) return;
      if (isFailure(inflated)) this.#answer(inflated);
      else this.#handle(inflated);
    });
  }

  #handle(message: Buffer): void {
    const admitted = this.#endpoint.admit(() => this.#arrival());
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

  #arrival(): Arrival {
    const socket = this.#stream.session?.socket;
    const { authorization } = this.#headers;
    return {
      authorization: authorization === undefined ? [] : [authorization],
      certificate: socket === undefined ? [] : peerNamesOf(socket),
      peer: socket?.remoteAddress ?? 'unix',
    };
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
      frame = encode(this.#endpoint, reply, PREFIX_BYTES);
      frame[0] = 0;
      frame.writeUInt32BE(frame.length - PREFIX_BYTES, 1);
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
    this.#bytes = NOTHING;
    refuseStream(this.#stream, failure);
  }
}

const LATE = refuse('DEADLINE_EXCEEDED', 'The deadline of the call has passed');
const NO_MESSAGE = refuse('UNIMPLEMENTED', 'The method takes one message and none came whole');
const SECOND_MESSAGE = refuse('UNIMPLEMENTED', 'The method takes one message and more came');

function tooLarge(bytes: number, bytesMax: number): Failure {
  return refuse('RESOURCE_EXHAUSTED', `The message has ${bytes} bytes and ${bytesMax} are taken`);
}

function ignore(): void {
  // See begin().
}

function sendOk(this: ServerHttp2Stream): void {
  this.sendTrailers(OK);
}

const UNIT_MS = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 } as const;

/** The milliseconds of a `grpc-timeout`, such as `100m`, or undefined. */
function timeoutMs(text: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  return match === null ? undefined : Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}

/** Decompresses a message, as far as it may be large. */
function decompress(
  bytes: Buffer,
  encoding: string,
  bytesMax: number,
  then: (message: Buffer | Failure) => void,
): void {
  if (encoding !== 'gzip' && encoding !== 'deflate') {
    then(refuse('UNIMPLEMENTED', 'Messages may be compressed by gzip or deflate'));
    return;
  }
  const inflater = encoding === 'gzip' ? createGunzip() : createInflate();
  const pieces: Buffer[] = [];
  let length = 0;
  const finish = (outcome: Buffer | Failure): void => {
    inflater.removeAllListeners('data');
    inflater.destroy();
    then(outcome);
  };
  inflater.on('error', () => finish(refuse('INTERNAL', 'The message cannot be decompressed')));
  inflater.on('data', (piece: Buffer) => {
    length += piece.length;
    pieces.push(piece);
    if (length > bytesMax) finish(tooLarge(length, bytesMax));
  });
  inflater.on('end', () => finish(Buffer.concat(pieces, length)));
  inflater.end(bytes);
}
