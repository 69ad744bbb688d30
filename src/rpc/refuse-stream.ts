import { headerBlock } from '../http2/hpack.js';
import type { Http2Stream } from '../http2/stream.js';
import { grpcStatus } from './status-details.js';
import type { Failure } from './status.js';

/** The head of every answer. */
export const RESPONSE_HEADERS = { ':status': '200', 'content-type': 'application/grpc+proto' };

/** A failure as the trailers of a call. */
export function trailersOf(failure: Failure): Readonly<Record<string, string>> {
  const { code, message, details } = grpcStatus(failure);
  return {
    'grpc-status': String(code),
    'grpc-message': encodeURI(message),
    'grpc-status-details-bin': Buffer.from(details).toString('base64'),
  };
}

/** Answers a call with a failure alone; what still comes of its request is not looked at. */
export function refuseStream(stream: Http2Stream, failure: Failure): void {
  if (stream.isClosed) return;
  if (stream.hasHeaders) stream.reset();
  else stream.end(headerBlock({ ...RESPONSE_HEADERS, ...trailersOf(failure) }));
}
