import { type DescMessage, type Message, fromBinary, toBinary } from '@bufbuild/protobuf';
import type {
  Metadata,
  Server,
  ServerDuplexStream,
  ServerWritableStream,
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
} from '@grpc/grpc-js';
import type { PeerCertificate } from 'node:tls';
import { reject } from '../domain/answer.js';
import type { RpcCaller } from './access/confined.js';
import { OPEN } from './access/guard.js';
import type { Admitted, Guard } from './access/guard.js';
import { traceIdOf } from './caller.js';
import type { Log } from './log.js';
import {
  type BidiEvents,
  type BidiHandler,
  type MountedMethod,
  type MountedService,
  type Reply,
  type ServerStreamHandler,
  type UnaryHandler,
  pathOf,
} from './method.js';
import { certificateNames } from './peer.js';
import { grpcStatus } from './status-details.js';
import { type Failure, isFailure, isShutdown, rejectFault } from './status.js';
import { reasonOf, whyEnded } from './stream-end.js';
import type { StreamGate } from './stream-gate.js';

/** What every method of a listener shares, whatever it speaks. */
export interface Mount {
  readonly services: readonly MountedService[];
  readonly guard: Guard;
  readonly gate: StreamGate;
  readonly log: Log;
}

/** One method of a mount. */
interface Endpoint {
  readonly mount: Mount;
  readonly path: string;
  readonly input: DescMessage;
  readonly output: DescMessage;
  /** Judges who calls, before anything of the call is read. */
  readonly admit: (call: Call) => Admitted | Failure;
}

/** A call, as far as all kinds of calls are alike. */
interface Call {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  getPeer(): string;
  getAuthContext(): { readonly sslPeerCertificate?: PeerCertificate };
}

// Messages cross grpc-js as bytes: nothing is decoded before the credentials are judged, and a
// message that cannot be decoded is our INVALID_REQUEST, not its INTERNAL.
const asIs = (bytes: Buffer): Buffer => bytes;

const NO_BYTES_KEPT = { readUnknownFields: false } as const;

/** Serves the methods of a mount over gRPC. */
export function mountGrpc(server: Server, mount: Mount): void {
  for (const service of mount.services) {
    for (const method of service.methods) {
      const endpoint = endpointOf(mount, service, method);
      server.register(endpoint.path, handle(endpoint, method), asIs, asIs, TYPES[method.kind]);
    }
  }
}

const TYPES = { unary: 'unary', server_streaming: 'serverStream', bidi_streaming: 'bidi' } as const;

/** The kind of each method by its path. */
export function kindsOf(mount: Mount): ReadonlyMap<string, MountedMethod['kind']> {
  const methods = mount.services.flatMap((service) => service.methods);
  return new Map(methods.map(({ desc, kind }) => [pathOf(desc), kind]));
}

function endpointOf(mount: Mount, service: MountedService, { desc }: MountedMethod): Endpoint {
  return {
    mount,
    path: pathOf(desc),
    input: desc.input,
    output: desc.output,
    admit: service.open
      ? () => OPEN
      : (call) =>
          mount.guard.admit(desc, () => ({
            authorization: call.metadata.get('authorization'),
            certificate: certificateNames(call.getAuthContext().sslPeerCertificate),
            peer: peerOf(call),
          })),
  };
}

/** Where a call came from, without the port: an IP address, or `unix`. */
function peerOf(call: Call): string {
  const peer = call.getPeer();
  const at = peer.lastIndexOf(':');
  return at < 0 ? 'unix' : peer.slice(0, at);
}

function handle(endpoint: Endpoint, method: MountedMethod) {
  switch (method.kind) {
    case 'unary':
      return unary(endpoint, method.handler);
    case 'server_streaming':
      return serverStream(endpoint, method.handler);
    case 'bidi_streaming':
      return bidi(endpoint, method.handler);
  }
}

function unary(
  endpoint: Endpoint,
  handler: UnaryHandler<Message, Message>,
): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    const reply = (answer: Reply<Message>): void => {
      try {
        if (isFailure(answer)) callback(grpcStatus(answer));
        else callback(null, encode(endpoint, answer));
      } catch (cause) {
        fail(cause);
      }
    };
    const fail = (cause: unknown): void => callback(grpcStatus(fault(endpoint, cause)));
    const admitted = endpoint.admit(call);
    const request = isFailure(admitted) ? admitted : decode(endpoint, call.request);
    if (isFailure(admitted) || isFailure(request)) {
      reply(request);
      return;
    }
    try {
      const answer = handler(request, callerOf(call, admitted));
      if (answer instanceof Promise) answer.then(reply, fail);
      else reply(answer);
    } catch (cause) {
      fail(cause);
    }
  };
}

function serverStream(
  endpoint: Endpoint,
  handler: ServerStreamHandler<Message, Message>,
): handleServerStreamingCall<Buffer, Buffer> {
  return (call) => {
    const admitted = endpoint.admit(call);
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
      const answers = handler(request, callerOf(call, admitted), ending.signal);
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
    const admitted = endpoint.admit(call);
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
          call.on('end', () => guarded(() => listener.end()));
          call.on('drain', () => guarded(() => listener.drained()));
          call.once('cancelled', () => {
            guarded(() => listener.gone());
            ended = true;
            leave();
          });
        },
        pause: () => void call.pause(),
        resume: () => void call.resume(),
        write: (response) => call.write(encode(endpoint, response)),
        end,
        fail,
      },
      callerOf(call, admitted),
    );
  };
}

function decode(endpoint: Endpoint, bytes: Buffer): Message | Failure {
  try {
    return fromBinary(endpoint.input, bytes, NO_BYTES_KEPT);
  } catch {
    return reject('INVALID_REQUEST', 'The message is not what the method takes');
  }
}

function encode(endpoint: Endpoint, message: Message): Buffer {
  const bytes = toBinary(endpoint.output, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The bytes of messages that several streams may share. grpc-js copies what it is given. */
const encoded = new WeakMap<Message, Buffer>();

function encodeOnce(endpoint: Endpoint, message: Message): Buffer {
  const earlier = encoded.get(message);
  if (earlier !== undefined) return earlier;
  const bytes = encode(endpoint, message);
  encoded.set(message, bytes);
  return bytes;
}

function callerOf(call: Call, { principal, confined }: Admitted): RpcCaller {
  return {
    principal: principal.name,
    confined,
    traceId: traceIdOf(call.metadata.get('traceparent')[0]),
    abandoned: () => call.cancelled,
  };
}

function fault({ path, mount }: Endpoint, cause: unknown): Failure {
  return rejectFault(cause, path, mount.log);
}

/** Ends a stream with a failure, after what was written. grpc-js takes it as an error event. */
function endWith(
  call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
  failure: Failure,
): void {
  call.emit('error', grpcStatus(failure));
}
