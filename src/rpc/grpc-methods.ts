import { serveBidi } from './bidi-calls.js';
import { type Endpoint, type Mount, endpointsOf } from './endpoint.js';
import { type ServeCall, isGrpc } from './http2-call.js';
import type { MountedMethod } from './method.js';
import { refuseStream } from './refuse-stream.js';
import { serveServerStream } from './server-stream-calls.js';
import { refuse } from './status.js';
import { serveUnary } from './unary-calls.js';

/** A method as it is served over gRPC. */
export interface GrpcMethod {
  readonly kind: MountedMethod['kind'];
  readonly serve: ServeCall;
}

/** The methods of a mount by their paths, for messages of at most so many bytes. */
export function grpcMethods(
  mount: Mount,
  messageBytesMax: number,
): ReadonlyMap<string, GrpcMethod> {
  return new Map(
    endpointsOf(mount).map(([method, endpoint]) => {
      const serve = serveOf(method, endpoint, messageBytesMax);
      return [endpoint.path, { kind: method.kind, serve }];
    }),
  );
}

function serveOf(method: MountedMethod, endpoint: Endpoint, bytesMax: number): ServeCall {
  switch (method.kind) {
    case 'unary':
      return serveUnary(endpoint, method.handler, bytesMax);
    case 'server_streaming':
      return serveServerStream(endpoint, method.handler, bytesMax);
    case 'bidi_streaming':
      return serveBidi(endpoint, method.handler, bytesMax);
  }
}

/** Answers whoever asks for what is not there. */
export const NO_METHOD: GrpcMethod = {
  kind: 'unary',
  serve: (stream) => {
    if (isGrpc(stream)) refuseStream(stream, NOT_SERVED);
    return undefined;
  },
};

const NOT_SERVED = refuse('UNIMPLEMENTED', 'No such method is served here');
