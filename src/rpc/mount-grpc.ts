import type { Message } from '@bufbuild/protobuf';
import type {
  Metadata,
  Server,
  ServerWritableStream,
  handleServerStreamingCall,
} from '@grpc/grpc-js';
import type { PeerCertificate } from 'node:tls';
import type { RpcCaller } from './access/confined.js';
import type { Admitted } from './access/guard.js';
import {
  type Endpoint,
  type Mount,
  callerOf,
  decode,
  encode,
  endpointsOf,
  fault,
} from './endpoint.js';
import type { MountedMethod, ServerStreamHandler } from './method.js';
import { certificateNames } from './peer.js';
import { grpcStatus } from './status-details.js';
import { type Failure, isFailure } from './status.js';
import { reasonOf, whyEnded } from './stream-end.js';

/** What is asked of a call before it is served. */
interface Call {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  getPeer(): string;
  getAuthContext(): { readonly sslPeerCertificate?: PeerCertificate };
}

// Messages cross grpc-js as bytes: nothing is decoded before the credentials are judged, and a
// message that cannot be decoded is our INVALID_REQUEST, not its INTERNAL.
const asIs = (bytes: Buffer): Buffer => bytes;

/** Serves the methods of a mount that stream what they answer; the others are served without grpc-js. */
export function mountGrpc(server: Server, mount: Mount): void {
  for (const [method, endpoint] of endpointsOf(mount)) {
    if (method.kind !== 'server_streaming') continue;
    const serve = serverStream(endpoint, method.handler);
    server.register(endpoint.path, serve, asIs, asIs, 'serverStream');
  }
}

/** The kind of each method by its path. */
export function kindsOf(mount: Mount): ReadonlyMap<string, MountedMethod['kind']> {
  return new Map(endpointsOf(mount).map(([{ kind }, { path }]) => [path, kind]));
}

function admit(endpoint: Endpoint, call: Call): Admitted | Failure {
  return endpoint.admit(() => ({
    authorization: call.metadata.get('authorization'),
    certificate: certificateNames(call.getAuthContext().sslPeerCertificate),
    peer: peerOf(call),
  }));
}

/** Where a call came from, without the port: an IP address, or `unix`. */
function peerOf(call: Call): string {
  const peer = call.getPeer();
  const at = peer.lastIndexOf(':');
  return at < 0 ? 'unix' : peer.slice(0, at);
}

function serverStream(
  endpoint: Endpoint,
  handler: ServerStreamHandler<Message, Message>,
): handleServerStreamingCall<Buffer, Buffer> {
  return (call) => {
    const admitted = admit(endpoint, call);
    const request = isFailure(admitted) ? admitted : decode(endpoint, call.request);
    if (isFailure(admitted) || isFailure(request)) {
      endWith(call, request as Failure);
      return;
    }
    const ending = new AbortController();
    const end = (why: Failure): void => ending.abort(why);
    const leave = endpoint.mount.gate.enter(end, admitted.revoked);
    if (typeof leave !== 'function') {
      endWith(call, leave);
      return;
    }
    call.once('cancelled', () => ending.abort());
    const pumped = async (): Promise<void> => {
      const answers = handler(request, streamCaller(call, admitted), ending.signal);
      if (isFailure(answers)) {
        endWith(call, answers);
        return;
      }
      for await (const answer of answers) {
        if (call.cancelled) return;
        if (!call.write(encodeOnce(endpoint, answer))) await drained(call, ending.signal);
      }
      const why = reasonOf(ending.signal);
      if (why === undefined) call.end();
      else endWith(call, why);
    };
    pumped()
      .catch((cause: unknown) => {
        endWith(call, whyEnded(cause, ending.signal) ?? fault(endpoint, cause));
      })
      .finally(leave);
  };
}

/** Settles when the peer has read, or is not waited for any more. */
function drained(call: ServerWritableStream<Buffer, Buffer>, ending: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off('drain', done);
      call.off('close', done);
      ending.removeEventListener('abort', done);
      resolve();
    };
    call.once('drain', done);
    call.once('close', done);
    ending.addEventListener('abort', done);
    if (ending.aborted || call.destroyed) done();
  });
}

/** The bytes of messages that several streams may share. grpc-js copies what it is given. */
const encoded = new WeakMap<Message, Buffer>();

function encodeOnce(endpoint: Endpoint, message: Message): Buffer {
  const earlier = encoded.get(message);
  if (earlier !== undefined) return earlier;
  const bytes = encode(endpoint, message, 0);
  encoded.set(message, bytes);
  return bytes;
}

function streamCaller(call: Call, admitted: Admitted): RpcCaller {
  return callerOf(admitted, call.metadata.get('traceparent')[0], () => call.cancelled);
}

/** Ends a stream with a failure, after what was written. grpc-js takes it as an error event. */
function endWith(call: ServerWritableStream<Buffer, Buffer>, failure: Failure): void {
  call.emit('error', grpcStatus(failure));
}
