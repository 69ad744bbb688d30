import { constants } from 'node:http2';
import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { grpcStatus } from './status-details.js';
import type { Failure } from './status.js';

/** A failure as the trailers of a call. */
export function trailersOf(failure: Failure): OutgoingHttpHeaders {
  const { code, message, details } = grpcStatus(failure);
  return {
    'grpc-status': String(code),
    'grpc-message': encodeURI(message),
    'grpc-status-details-bin': Buffer.from(details).toString('base64'),
  };
}

/** Answers a call with a failure alone. */
export function respondFailure(stream: ServerHttp2Stream, failure: Failure): void {
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc+proto', ...trailersOf(failure) },
    { endStream: true },
  );
}

/** Answers a call whose request is not whole with a failure; what still comes of it is not looked at. */
export function refuseStream(stream: ServerHttp2Stream, failure: Failure): void {
  if (stream.destroyed || stream.closed) return;
  if (!stream.headersSent) respondFailure(stream, failure);
  // Marks it closed, so that nobody takes more of it; the reset leaves after the answer.
  stream.close(constants.NGHTTP2_NO_ERROR);
  stream.resume();
}
