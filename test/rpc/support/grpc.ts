import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type {
  DescMessage,
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { Client, Metadata, credentials, status } from '@grpc/grpc-js';
import type {
  CallOptions,
  ClientDuplexStream,
  ClientOptions,
  ClientReadableStream,
  ServiceError,
} from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from '../../../src/gen/google/rpc/error_details_pb.js';
import { StatusSchema } from '../../../src/gen/google/rpc/status_pb.js';
import { TOKEN } from './harness.js';

/** A client of an address that is closed when the test is over. */
export function connect(address: string, options: ClientOptions = {}): Client {
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    ...options,
  });
  onTestFinished(() => client.close());
  return client;
}

/** The headers of an operator. */
export function asAdmin(): Metadata {
  return headers({ authorization: `Bearer ${TOKEN}` });
}

export function headers(pairs: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(pairs)) metadata.add(key, value);
  return metadata;
}

/** An error as a client sees it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly reason: string | undefined;
  readonly domain: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly fields: readonly string[];
  readonly retryAfterMs: number | undefined;
}

export function failureOf(error: ServiceError): Failure {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  const details =
    bytes === undefined ? [] : fromBinary(StatusSchema, Buffer.from(bytes as Buffer)).details;
  const find = <D extends DescMessage>(desc: D): MessageShape<D> | undefined =>
    details.map((any) => anyUnpack(any, desc)).find((message) => message !== undefined);
  const info = find(ErrorInfoSchema);
  const retry = find(RetryInfoSchema)?.retryDelay;
  return {
    code: status[error.code],
    message: error.details,
    reason: info?.reason,
    domain: info?.domain,
    metadata: info?.metadata ?? {},
    fields: find(BadRequestSchema)?.fieldViolations.map(({ field }) => field) ?? [],
    retryAfterMs: retry && Number(retry.seconds) * 1000 + retry.nanos / 1e6,
  };
}

export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

const encoder =
  <D extends DescMessage>(desc: D) =>
  (message: MessageShape<D>): Buffer =>
    Buffer.from(toBinary(desc, message));

const decoder =
  <D extends DescMessage>(desc: D) =>
  (bytes: Buffer): MessageShape<D> =>
    fromBinary(desc, bytes);

/** Calls a unary method. Rejects with a Failure. */
export function unary<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodUnary<I, O>,
  init: MessageInitShape<I>,
  metadata = new Metadata(),
  options: CallOptions = {},
): Promise<MessageShape<O>> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest<MessageShape<I>, MessageShape<O>>(
      pathOf(method),
      encoder(method.input),
      decoder(method.output),
      create(method.input, init),
      metadata,
      options,
      (error, response) => {
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a Failure is easier to compare
        if (error) reject(failureOf(error));
        else resolve(response!);
      },
    );
  });
}

/** Why a unary call failed. */
export async function failing<I extends DescMessage, O extends DescMessage>(
  ...call: Parameters<typeof unary<I, O>>
): Promise<Failure> {
  return unary(...call).then(
    () => {
      throw new Error('the call did not fail');
    },
    (failure: unknown) => failure as Failure,
  );
}

/** Opens a server stream. */
export function serverStream<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodServerStreaming<I, O>,
  init: MessageInitShape<I>,
  metadata = new Metadata(),
): ClientReadableStream<MessageShape<O>> {
  return client.makeServerStreamRequest(
    pathOf(method),
    encoder(method.input),
    decoder(method.output),
    create(method.input, init),
    metadata,
  );
}

/** Opens a stream in both directions. */
export function bidi<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodBiDiStreaming<I, O>,
  metadata = new Metadata(),
): ClientDuplexStream<MessageInitShape<I>, MessageShape<O>> {
  return client.makeBidiStreamRequest(
    pathOf(method),
    (init: MessageInitShape<I>) => Buffer.from(toBinary(method.input, create(method.input, init))),
    decoder(method.output),
    metadata,
  );
}

/** Reads a stream to its end: what came, and why it ended when not with OK. */
export function drain<T, I = never>(
  stream: ClientReadableStream<T> | ClientDuplexStream<I, T>,
): Promise<{ readonly messages: readonly T[]; readonly failure: Failure | undefined }> {
  return new Promise((resolve) => {
    const messages: T[] = [];
    stream.on('data', (message: T) => messages.push(message));
    stream.on('end', () => resolve({ messages, failure: undefined }));
    stream.on('error', (error) => resolve({ messages, failure: failureOf(error as ServiceError) }));
  });
}
