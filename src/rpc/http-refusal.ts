import {
  codeToHttpStatus,
  createEndStreamSerialization,
  endStreamFlag,
  errorToJsonBytes,
} from '@connectrpc/connect/protocol-connect';
import {
  createTrailerSerialization,
  setTrailerStatus,
  trailerFlag,
} from '@connectrpc/connect/protocol-grpc-web';
import type { ConnectError } from '@connectrpc/connect';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connectError } from './connect-error.js';
import type { Failure } from './status.js';

const endStream = createEndStreamSerialization(undefined);
const trailer = createTrailerSerialization();

/**
 * Answers an HTTP/1.1 request that no handler sees: the way its protocol wants, which its content
 * type tells. The body of the request is not read, so the connection ends with the answer.
 */
export function refuseHttp(
  request: IncomingMessage,
  response: ServerResponse,
  failure: Failure,
): void {
  const error = connectError(failure);
  const type = request.headers['content-type'] ?? '';
  response.setHeader('connection', 'close');
  if (type.startsWith('application/grpc-web')) {
    response.writeHead(200, { 'content-type': type, ...Object.fromEntries(trailersOf(error)) });
    response.end();
  } else if (type.startsWith('application/connect+')) {
    response.writeHead(200, { 'content-type': type });
    response.end(endOfConnect(error));
  } else {
    const status = codeToHttpStatus(error.code);
    const challenge = status === 401 ? { 'www-authenticate': 'Bearer' } : {};
    response.writeHead(status, { 'content-type': 'application/json', ...challenge });
    response.end(errorToJsonBytes(error, undefined));
  }
}

/** The last envelope of a Connect stream that fails. */
export function endOfConnect(error: ConnectError): Buffer {
  return envelope(endStreamFlag, endStream.serialize({ metadata: new Headers(), error }));
}

/** The last envelope of a gRPC-Web call that fails. */
export function endOfGrpcWeb(error: ConnectError): Buffer {
  return envelope(trailerFlag, trailer.serialize(trailersOf(error)));
}

function trailersOf(error: ConnectError): Headers {
  const trailers = new Headers();
  setTrailerStatus(trailers, error);
  return trailers;
}

function envelope(flags: number, bytes: Uint8Array): Buffer {
  const whole = Buffer.alloc(5 + bytes.byteLength);
  whole.writeUInt8(flags, 0);
  whole.writeUInt32BE(bytes.byteLength, 1);
  whole.set(bytes, 5);
  return whole;
}
