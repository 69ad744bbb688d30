import type { Message } from '@bufbuild/protobuf';
import { createConnectRouter } from '@connectrpc/connect';
import type { ConnectRouter, HandlerContext } from '@connectrpc/connect';
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Caller } from '../ledger/api.js';
import { traceIdOf } from './caller.js';
import type { HostGuard } from './host.js';
import { refuseHttp } from './http-refusal.js';
import type { RpcLimits } from './limits.js';
import { pathOf, StreamFailed } from './method.js';
import type { MountedMethod, ServerStreamHandler, UnaryHandler } from './method.js';
import type { Mount } from './mount-grpc.js';
import { withReason } from './parse-error.js';
import { connectError } from './status-details.js';
import { isFailure, refuse, rejectFault, rejectShutdown } from './status.js';

/**
 * Serves the methods of a mount over HTTP/1.1: Connect with binary messages or plain JSON, and
 * gRPC-Web. Streams in both directions need HTTP/2 and are left to gRPC.
 */
export function mountConnect(
  mount: Mount,
  limits: RpcLimits,
  admitsHost: HostGuard,
): RequestListener {
  const handlers = universalHandlers(mount, limits);
  const open = new Set(
    mount.services.flatMap((service) =>
      service.open ? service.methods.map(({ desc }) => pathOf(desc)) : [],
    ),
  );
  return (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    const handler = handlers.get(path);
    const refusal =
      admitsHost(request.headers.host) ??
      (handler === undefined ? NOT_SERVED : undefined) ??
      (open.has(path) ? undefined : mount.authenticate(authorization(request)));
    if (refusal !== undefined || handler === undefined) {
      refuseHttp(request, response, refusal ?? NOT_SERVED);
      return;
    }
    // The adapter makes a URL of it and dies of what is none; nobody else asks for the name.
    request.headers.host = 'localhost';
    const answered = async (): Promise<void> => {
      const answer = await handler(
        universalRequestFromNodeRequest(request, response, undefined, undefined),
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
    const answer = await settled(mount, pathOf(desc), () =>
      handler(request, callerOf(mount, context)),
    );
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
    const leave = mount.gate.enter(() => ending.abort(CLOSING));
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
      const caller = callerOf(mount, context);
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
      if (ending.signal.reason === CLOSING) throw connectError(rejectShutdown());
    } finally {
      context.signal.removeEventListener('abort', gone);
      leave();
    }
  };
}

const CLOSING = Symbol('closing');

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
    if (cause instanceof StreamFailed) return cause.failure;
    if (ending?.aborted === true) return rejectShutdown();
    return rejectFault(cause, path, mount.log);
  }
}

function callerOf({ principal }: Mount, context: HandlerContext): Caller {
  return {
    principal,
    traceId: traceIdOf(context.requestHeader.get('traceparent')),
    abandoned: () => context.signal.aborted,
  };
}

function authorization({ headersDistinct }: IncomingMessage): readonly string[] {
  return headersDistinct['authorization'] ?? [];
}
