import type {
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  Message,
  MessageShape,
} from '@bufbuild/protobuf';
import type { RpcCaller } from './access/confined.js';
import type { Failure } from './status.js';

/** What a handler gives: the response, or why there is none. */
export type Reply<O> = O | Failure;

/** Answers one request with one response. It throws, or its promise rejects, only by a fault. */
export type UnaryHandler<I, O> = (request: I, caller: RpcCaller) => Reply<O> | Promise<Reply<O>>;

/** Answers one request with a stream. The stream ends soon after the signal aborts. */
export type ServerStreamHandler<I, O> = (
  request: I,
  caller: RpcCaller,
  signal: AbortSignal,
) => AsyncIterable<O> | Failure;

/** Thrown by a stream that ends with a failure of its own, after everything that it gave. */
export class StreamFailed extends Error {
  override readonly name = 'StreamFailed';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Serves one call of a stream in both directions. */
export type BidiHandler<I, O> = (stream: BidiStream<I, O>, caller: RpcCaller) => void;

/** What happens on a stream in both directions. */
export interface BidiEvents<I> {
  /** A request came. */
  message(request: I): void;
  /** No more requests come; answers may still be sent. */
  end(): void;
  /** The client is gone: nothing can be sent any more. */
  gone(): void;
  /** What was written has left; more is welcome. */
  drained(): void;
  /** The server stops: answer what is in work, then end with SHUTTING_DOWN. */
  closing(): void;
}

/** A stream in both directions, as a transport gives it to a handler. */
export interface BidiStream<I, O> {
  /** Begins to read. Called once. */
  listen(events: BidiEvents<I>): void;
  /** No more messages for now. One that was on its way may still come. */
  pause(): void;
  resume(): void;
  /** Sends a response. False: wait for `drained` before the next. */
  write(response: O): boolean;
  /** Ends the stream after what was written, with OK or the failure. */
  end(failure?: Failure): void;
  /** Ends the stream by a fault. */
  fail(cause: unknown): void;
}

/** The handler that a method of a service descriptor wants. */
export type HandlerOf<M extends DescMethod> = M['methodKind'] extends 'unary'
  ? UnaryHandler<MessageShape<M['input']>, MessageShape<M['output']>>
  : M['methodKind'] extends 'server_streaming'
    ? ServerStreamHandler<MessageShape<M['input']>, MessageShape<M['output']>>
    : BidiHandler<MessageShape<M['input']>, MessageShape<M['output']>>;

/** Handlers of a service by method. One that is left out is UNIMPLEMENTED. */
export type HandlersOf<S extends DescService> = {
  readonly [K in keyof S['method']]?: HandlerOf<S['method'][K]>;
};

/** A method and its handler, as the transports see them. */
export type MountedMethod =
  | {
      readonly kind: 'unary';
      readonly desc: DescMethodUnary;
      readonly handler: UnaryHandler<Message, Message>;
    }
  | {
      readonly kind: 'server_streaming';
      readonly desc: DescMethodServerStreaming;
      readonly handler: ServerStreamHandler<Message, Message>;
    }
  | {
      readonly kind: 'bidi_streaming';
      readonly desc: DescMethodBiDiStreaming;
      readonly handler: BidiHandler<Message, Message>;
    };

/** A service with the methods that are served of it. */
export interface MountedService {
  readonly desc: DescService;
  readonly methods: readonly MountedMethod[];
  /** Whether it is served without credentials. */
  readonly open: boolean;
}

/** Joins a service and the handlers of the methods that are served of it. */
export function mountedService<S extends DescService>(
  desc: S,
  handlers: HandlersOf<S>,
  { open = false }: { readonly open?: boolean } = {},
): MountedService {
  const methods = desc.methods.flatMap((method) => {
    const handler: unknown = handlers[method.localName as keyof HandlersOf<S>];
    // The one place where a handler's types are forgotten: HandlersOf has checked them.
    return handler === undefined
      ? []
      : [{ desc: method, kind: method.methodKind, handler } as MountedMethod];
  });
  return { desc, methods, open };
}

/** The path of a method in HTTP, such as `/safeguards.v1.BudgetService/Spend`. */
export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
