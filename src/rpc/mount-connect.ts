import type { Message } from '@bufbuild/protobuf';
import { createConnectRouter, createContextKey, createContextValues } from '@connectrpc/connect';
import type { ConnectRouter, HandlerContext } from '@connectrpc/connect';
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RpcCaller } from './access/confined.js';
import { OPEN } from './access/guard.js';
import type { Admitted } from './access/guard.js';
import { traceIdOf } from './caller.js';
import type { HostGuard } from './host.js';
import { refuseHttp } from './http-refusal.js';
import type { RpcLimits } from './limits.js';
import { pathOf } from './method.js';
import type { MountedMethod, ServerStreamHandler, UnaryHandler } from './method.js';
import type { Mount } from './endpoint.js';
import { withReason } from './parse-error.js';
import { peerNamesOf } from './peer.js';
import { connectError } from './connect-error.js';
import { isFailure, refuse, rejectFault } from './status.js';
import type { Failure } from './status.js';
import { reasonOf, whyEnded } from './stream-end.js';

/** Answers a request; with the refusal, where there is one. */
export type ServeHttp1 = (
  request: IncomingMessage,
  response: ServerResponse,
  refusal: Failure | undefined,
) => void;

/**
 * Serves the methods of a mount over HTTP/1.1: Connect with binary messages or plain JSON, and
 * gRPC-Web. Streams in both directions need HTTP/2 and are left to gRPC.
 */
export function mountConnect(mount: Mount, limits: RpcLimits, admitsHost: HostGuard): ServeHttp1 {
  const handlers = universalHandlers(mount, limits);
  const methods = new Map(
    mount.services.flatMap(({ methods: of, open }) =>
      of.map(({ desc }) => [pathOf(desc), { desc, open }] as const),
    ),
  );
  const admit = (request: IncomingMessage, path: string): Admitted | Failure => {
    const method = methods.get(path);
    if (method === undefined) return NOT_SERVED;
    if (method.open) return OPEN;
    return mount.guard.admit(method.desc, () => ({
      authorization: request.headersDistinct['authorization'] ?? [],
      certificate: peerNamesOf(request.socket),
      peer: request.socket.remoteAddress ?? 'unix',
    }));
  };
  return (request, response, refusal) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    const handler = handlers.get(path);
    const admitted =
      refusal ??
      admitsHost(request.headers.host) ??
      (handler === undefined ? NOT_SERVED : admit(request, path));
    if (isFailure(admitted) || handler === undefined) {
      refuseHttp(request, response, isFailure(admitted) ? admitted : NOT_SERVED);
      return;
    }
    const values = createContextValues().set(ADMITTED, admitted);
    // The adapter makes a URL of it and dies of what is none; nobody else asks for the name.
    request.headers.host = 'localhost';
    const answered = async (): Promise<void> => {
      const answer = await handler(
        universalRequestFromNodeRequest(request, response, undefined, values),
      );
      await universalResponseToNodeResponse(await withReason(answer), response);
    };
    answered().catch((cause: unknown) => broken(cause, path, request, response, mount));
  };
}

/** The client went away while it was answered, or the adapter failed. */
function broken(
  cause: unknown,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  { log }: Mount,
): void {
  const gone = request.destroyed || response.destroyed;
  const failure = gone ? undefined : rejectFault(cause, path, log);
  if (failure !== undefined && !response.headersSent) refuseHttp(request, response, failure);
  else response.destroy();
}

function universalHandlers(mount: Mount, limits: RpcLimits) {
  const router = createConnectRouter({
    grpc: false,
    acceptCompression: [compressionGzip],
    readMaxBytes: limits.messageBytesMax,
    // People type JSON: a misspelt dry_run or mode must not become a spend.
    jsonOptions: { ignoreUnknownFields: false },
  });
  for (const service of mount.services) {
    for (const method of service.methods) route(router, mount, method);
  }
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

function route(router: ConnectRouter, mount: Mount, method: MountedMethod): void {
  switch (method.kind) {
    case 'unary':
      router.rpc(method.desc, unary(mount, method, method.handler));
      break;
    case 'server_streaming':
      router.rpc(method.desc, serverStream(mount, method, method.handler));
      break;
    case 'bidi_streaming':
      break;
  }
}

function unary(mount: Mount, { desc }: MountedMethod, handler: UnaryHandler<Message, Message>) {
  return async (request: Message, context: HandlerContext): Promise<Message> => {
    const answer = await settled(mount, pathOf(desc), () => handler(request, callerOf(context)));
    if (isFailure(answer)) throw connectError(answer);
    return answer;
  };
}

function serverStream(
  mount: Mount,
  { desc }: MountedMethod,
  handler: ServerStreamHandler<Message, Message>,
) {
  return async function* (request: Message, context: HandlerContext): AsyncIterable<Message> {
    const ending = new AbortController();
    const end = (why: Failure): void => ending.abort(why);
    const leave = mount.gate.enter(end, context.values.get(ADMITTED).revoked);
    if (typeof leave !== 'function') throw connectError(leave);
    // A writer that waits for a client that is gone is never told: give the place back at once.
    const gone = (): void => {
      ending.abort();
      leave();
    };
    const run = <T>(step: () => T | Promise<T>) =>
      settled(mount, pathOf(desc), step, ending.signal);
    context.signal.addEventListener('abort', gone);
    if (context.signal.aborted) gone();
    try {
      const caller = callerOf(context);
      const answers = await run(() => handler(request, caller, ending.signal));
      if (isFailure(answers)) throw connectError(answers);
      const iterator = answers[Symbol.asyncIterator]();
      try {
        for (;;) {
          const next = await run(() => iterator.next());
          if (isFailure(next)) throw connectError(next);
          if (next.done === true) break;
          yield next.value;
        }
      } finally {
        await iterator.return?.();
      }
      const why = reasonOf(ending.signal);
      if (why !== undefined) throw connectError(why);
    } finally {
      context.signal.removeEventListener('abort', gone);
      leave();
    }
  };
}

/** Who calls: judged before the adapter sees the request. */
const ADMITTED = createContextKey<Admitted>(OPEN);

const NOT_SERVED = refuse('UNIMPLEMENTED', 'No such method is served here over HTTP 1.1');

/** Runs a step of a handler; a fault becomes a failure. What was told to end may end by an error. */
async function settled<T>(
  mount: Mount,
  path: string,
  step: () => T | Promise<T>,
  ending?: AbortSignal,
) {
  try {
    return await step();
  } catch (cause) {
    const why = ending && whyEnded(cause, ending);
    return why ?? rejectFault(cause, path, mount.log);
  }
}

function callerOf(context: HandlerContext): RpcCaller {
  const { principal, confined } = context.values.get(ADMITTED);
  return {
    principal: principal.name,
    confined,
    traceId: traceIdOf(context.requestHeader.get('traceparent')),
    abandoned: () => context.signal.aborted,
  };
}
