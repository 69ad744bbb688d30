import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import type {
  DescMessage,
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import { Client, Metadata, credentials, status, type ServiceError } from '@grpc/grpc-js';
import { ErrorInfoSchema, type ErrorInfo } from '../../src/gen/google/rpc/error_details_pb.js';
import { StatusSchema } from '../../src/gen/google/rpc/status_pb.js';

/** A call that was not answered. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  /** Such as `UNAVAILABLE`. */
  readonly code: string;
  /** The reason of google.rpc.ErrorInfo, where the call was judged. */
  readonly reason: string | undefined;
  /** What else google.rpc.ErrorInfo says. */
  readonly info: Readonly<Record<string, string>>;
  /** The message and the bytes of the details, as a text to look through. */
  readonly told: string;

  constructor(error: ServiceError) {
    super(error.message);
    this.code = status[error.code];
    const info = infoOf(error.metadata);
    this.reason = info?.reason;
    this.info = info?.metadata ?? {};
    const details = error.metadata.get('grpc-status-details-bin').map(String);
    this.told = [error.message, ...details].join('\n');
  }
}

/** A connection of its own, which sends every call at most once. */
export class Connection {
  readonly #client: Client;
  readonly #metadata = new Metadata();

  /** `ca` signed the certificate of who answers, where that speaks TLS. */
  constructor(address: string, token?: string, ca?: string) {
    const channel =
      ca === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(ca));
    this.#client = new Client(address, channel, {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
      'grpc.enable_http_proxy': 0,
      'grpc.max_receive_message_length': -1,
    });
    if (token !== undefined) this.#metadata.set('authorization', `Bearer ${token}`);
  }

  /** Rejects with CallFailed. */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest<MessageShape<I>, MessageShape<O>>(
        pathOf(method),
        (message) => Buffer.from(toBinary(method.input, message)),
        (bytes) => fromBinary(method.output, bytes),
        create(method.input, request),
        this.#metadata,
        (error, response) => {
          if (error !== null) reject(new CallFailed(error));
          else resolve(response!);
        },
      );
    });
  }

  /** Sends everything into a stream in both directions and takes every answer. Rejects with CallFailed. */
  exchange<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    requests: readonly MessageInitShape<I>[],
  ): Promise<readonly MessageShape<O>[]> {
    return new Promise((resolve, reject) => {
      const call = this.#client.makeBidiStreamRequest<MessageShape<I>, MessageShape<O>>(
        pathOf(method),
        (message) => Buffer.from(toBinary(method.input, message)),
        (bytes) => fromBinary(method.output, bytes),
        this.#metadata,
      );
      const answers: MessageShape<O>[] = [];
      call.on('data', (message: MessageShape<O>) => answers.push(message));
      call.on('error', (error: ServiceError) => reject(new CallFailed(error)));
      call.on('end', () => resolve(answers));
      for (const request of requests) call.write(create(method.input, request));
      call.end();
    });
  }

  /** Everything that a stream brings. Throws CallFailed when it ends otherwise. */
  async *stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
  ): AsyncGenerator<MessageShape<O>> {
    const call = this.#client.makeServerStreamRequest<MessageShape<I>, MessageShape<O>>(
      pathOf(method),
      (message) => Buffer.from(toBinary(method.input, message)),
      (bytes) => fromBinary(method.output, bytes),
      create(method.input, request),
      this.#metadata,
    );
    try {
      for await (const message of call) yield message as MessageShape<O>;
    } catch (error) {
      if (error instanceof Error && 'metadata' in error) {
        throw new CallFailed(error as ServiceError);
      }
      throw error;
    }
  }

  close(): void {
    this.#client.close();
  }
}

function infoOf(metadata: Metadata | undefined): ErrorInfo | undefined {
  const [bytes] = metadata?.get('grpc-status-details-bin') ?? [];
  if (!(bytes instanceof Buffer)) return undefined;
  const details = fromBinary(StatusSchema, bytes).details;
  return details.map((any) => anyUnpack(any, ErrorInfoSchema)).find(Boolean);
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
