import type { Message } from '@bufbuild/protobuf';
import type {
  Metadata,
  Server,
  ServerDuplexStream,
  ServerWritableStream,
  handleBidiStreamingCall,
  handleServerStreamingCall,
} from '@grpc/grpc-js';
import type { PeerCertificate } from 'node:tls';
import { reject } from '../domain/answer.js';
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
import type { BidiEvents, BidiHandler, MountedMethod, ServerStreamHandler } from './method.js';
import { certificateNames } from './peer.js';
import { grpcStatus } from './status-details.js';
import { type Failure, isFailure, isShutdown } from './status.js';
import { reasonOf, whyEnded } from './stream-end.js';

/** A call, as far as both kinds of streams are alike. */
interface Call {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  getPeer(): string;
  getAuthContext(): { readonly sslPeerCertificate?: PeerCertificate };
}

// Messages cross grpc-js as bytes: nothing is decoded before the credentials are judged, and a
// message that cannot be decoded is our INVALID_REQUEST, not its INTERNAL.
const asIs = (bytes: Buffer): Buffer => bytes;

/** Serves the streaming methods of a mount over gRPC; unaryCalls serves the others. */
export function mountGrpc(server: Server, mount: Mount): void {
  for (const [method, endpoint] of endpointsOf(mount)) {
    if (method.kind === 'server_streaming') {
      const serve = serverStream(endpoint, method.handler);
      server.register(endpoint.path, serve, asIs, asIs, 'serverStream');
    } else if (method.kind === 'bidi_streaming') {
      server.register(endpoint.path, bidi(endpoint, method.handler), asIs, asIs, 'bidi');
    }
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

function bidi(
  endpoint: Endpoint,
  handler: BidiHandler<Message, Message>,
): handleBidiStreamingCall<Buffer, Buffer> {
  return (call) => {
    const admitted = admit(endpoint, call);
    if (isFailure(admitted)) {
      endWith(call, admitted);
      return;
    }
    let events: BidiEvents<Message> | undefined;
    const stop = (why: Failure): void => {
      // Who may not go on gets nothing more; on shutdown what is in work is answered.
      if (isShutdown(why)) {
        events?.closing();
        return;
      }
      events?.gone();
      end(why);
    };
    const leave = endpoint.mount.gate.enter(stop, admitted.revoked);
    if (typeof leave !== 'function') {
      endWith(call, leave);
      return;
    }
    let ended = false;
    let cut: Failure | undefined;
    const end = (failure?: Failure): void => {
      if (ended) return;
      ended = true;
      leave();
      if (failure === undefined) call.end();
      else endWith(call, failure);
    };
    const fail = (cause: unknown): void => end(fault(endpoint, cause));
    const guarded = (step: () => void): void => {
      try {
        if (!ended) step();
      } catch (cause) {
        fail(cause);
      }
    };
    handler(
      {
        listen(listener) {
          events = listener;
          call.on('data', (bytes: Buffer) =>
            guarded(() => {
              const request = decode(endpoint, bytes);
              if (isFailure(request)) end(request);
              else listener.message(request);
            }),
          );
          call.on('end', () =>
            guarded(() => {
              if (endedWithin(call)) cut = CUT;
              listener.end();
            }),
          );
          call.on('drain', () => guarded(() => listener.drained()));
          call.once('cancelled', () => {
            guarded(() => listener.gone());
            ended = true;
            leave();
          });
        },
        pause: () => void call.pause(),
        resume: () => void call.resume(),
        write: (response) => call.write(encode(endpoint, response, 0)),
        end: (failure) => end(failure ?? cut),
        fail,
      },
      streamCaller(call, admitted),
    );
  };
}

const CUT = reject('INVALID_REQUEST', 'The stream ended within a message');

/** Whether the client ended a stream within a message, which grpc-js takes for a whole end. */
function endedWithin(call: ServerDuplexStream<Buffer, Buffer>): boolean {
  // Not public. Zero: the next message has not begun.
  const { call: inner } = call as unknown as { call?: { decoder?: { readState?: number } } };
  const readState = inner?.decoder?.readState;
  if (readState === undefined) {
    throw new Error('grpc-js keeps its decoder elsewhere than this version of it did');
  }
  return readState !== 0;
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
function endWith(
  call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
  failure: Failure,
): void {
  call.emit('error', grpcStatus(failure));
}
