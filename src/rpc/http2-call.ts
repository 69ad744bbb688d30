import type { Message } from '@bufbuild/protobuf';
import { createGunzip, createInflate } from 'node:zlib';
import { reject } from '../domain/answer.js';
import { headerBlock } from '../http2/hpack.js';
import type { RequestHeaders } from '../http2/request-headers.js';
import type { Http2Stream, StreamHandler } from '../http2/stream.js';
import type { Arrival } from './access/guard.js';
import { type Endpoint, encode } from './endpoint.js';
import { peerNamesOf } from './peer.js';
import { type Failure, refuse } from './status.js';

/** Serves one call whose headers have come. Undefined: it is answered, and nothing is to be told. */
export type ServeCall = (stream: Http2Stream) => StreamHandler | undefined;

/** One byte that says whether a message is compressed, four of its length (gRPC over HTTP/2). */
export const PREFIX_BYTES = 5;

/** What timers can wait for. A deadline beyond is none. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** The time that a call may take, as its headers tell: a number of milliseconds, or none. */
export function deadlineMs({ headers }: Http2Stream): number | undefined | Failure {
  const timeout = headers['grpc-timeout'];
  if (timeout === undefined) return undefined;
  const milliseconds = timeoutMs(timeout);
  if (milliseconds === undefined) return BAD_TIMEOUT;
  return milliseconds > TIMEOUT_MS_MAX ? undefined : milliseconds;
}

const BAD_TIMEOUT = reject(
  'INVALID_REQUEST',
  'The header grpc-timeout must be up to 8 digits and a unit',
);
export const LATE = refuse('DEADLINE_EXCEEDED', 'The deadline of the call has passed');

/** The failure of a message that is larger than may be. */
export function tooLarge(bytes: number, bytesMax: number): Failure {
  return refuse('RESOURCE_EXHAUSTED', `The message has ${bytes} bytes and ${bytesMax} are taken`);
}

/** Whether a call speaks gRPC. One that does not is answered. */
export function isGrpc(stream: Http2Stream): boolean {
  if (stream.headers['content-type']?.startsWith('application/grpc') === true) return true;
  stream.end(NO_GRPC);
  return false;
}

const NO_GRPC = headerBlock({ ':status': '415' });

/** Who sends a call, as the guard asks for it. */
export function arrivalOf({ connection, headers }: Http2Stream): Arrival {
  const { socket } = connection;
  const { authorization } = headers;
  return {
    authorization: authorization === undefined ? [] : [authorization],
    certificate: peerNamesOf(socket),
    peer: socket.remoteAddress ?? 'unix',
  };
}

/** A response behind its prefix. */
export function frameOf(endpoint: Endpoint, response: Message): Buffer {
  const frame = encode(endpoint, response, PREFIX_BYTES);
  frame[0] = 0;
  frame.writeUInt32BE(frame.length - PREFIX_BYTES, 1);
  return frame;
}

const UNIT_MS = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 } as const;

/** The milliseconds of a `grpc-timeout`, such as `100m`, or undefined. */
function timeoutMs(text: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  return match === null ? undefined : Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}

const UNKNOWN_ENCODING = refuse('UNIMPLEMENTED', 'Messages may be compressed by gzip or deflate');

/** Decompresses a message, as far as it may be large. */
export function decompress(
  bytes: Buffer,
  headers: RequestHeaders,
  bytesMax: number,
  then: (message: Buffer | Failure) => void,
): void {
  const encoding = headers['grpc-encoding'] ?? 'identity';
  if (encoding !== 'gzip' && encoding !== 'deflate') {
    then(UNKNOWN_ENCODING);
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
