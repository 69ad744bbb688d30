import {
  codeToHttpStatus,
  createEndStreamSerialization,
  endStreamFlag,
  errorToJsonBytes,
} from '@connectrpc/connect/protocol-connect';
import { setTrailerStatus } from '@connectrpc/connect/protocol-grpc-web';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connectError } from './connect-error.js';
import type { Failure } from './status.js';

const endStream = createEndStreamSerialization(undefined);

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
    const trailers = new Headers();
    setTrailerStatus(trailers, error);
    response.writeHead(200, { 'content-type': type, ...Object.fromEntries(trailers) });
    response.end();
  } else if (type.startsWith('application/connect+')) {
    const json = endStream.serialize({ metadata: new Headers(), error });
    const envelope = Buffer.alloc(5 + json.byteLength);
    envelope.writeUInt8(endStreamFlag, 0);
    envelope.writeUInt32BE(json.byteLength, 1);
    envelope.set(json, 5);
    response.writeHead(200, { 'content-type': type });
    response.end(envelope);
  } else {
    const status = codeToHttpStatus(error.code);
    const challenge = status === 401 ? { 'www-authenticate': 'Bearer' } : {};
    response.writeHead(status, { 'content-type': 'application/json', ...challenge });
    response.end(errorToJsonBytes(error, undefined));
  }
}
