import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethod,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { ipOf, UNNAMED } from './client-tls.js';
import { callErrorOf } from './grpc-error.js';

/** A method of one request, by its generated descriptor. */
export interface Method<I extends DescMessage, O extends DescMessage> extends DescMethod {
  readonly input: I;
  readonly output: O;
}

/** A connection to one listener of a sidecar. Errors of its calls are CallErrors. */
export class SidecarClient {
  readonly address: string;
  readonly #client: Client;
  readonly #token: string | undefined;

  /**
   * `host:port` or `unix:/path`. The token, when given, goes with every call; without credentials the
   * connection is plain text. Those of TLS are of `channelCredentials`, for the same address.
   */
  constructor(address: string, token?: string, channel = credentials.createInsecure()) {
    this.address = address;
    this.#token = token;
    this.#client = new Client(address, channel, {
      ...(ipOf(address) !== undefined && { 'grpc.ssl_target_name_override': UNNAMED }),
      'grpc.enable_http_proxy': 0,
      'grpc.max_receive_message_length': -1,
    });
  }

  /** Calls a unary method. A call that is not answered in `timeoutMs` is a CallError. */
  call<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    timeoutMs = 30_000,
  ): Promise<MessageShape<O>> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        pathOf(method),
        (message: MessageShape<I>) => Buffer.from(toBinary(method.input, message)),
        (bytes: Buffer) => fromBinary(method.output, bytes),
        messageOf(method.input, request),
        this.#metadata(),
        { deadline: Date.now() + timeoutMs },
        (error: ServiceError | null, response?: MessageShape<O>) => {
          if (error === null && response !== undefined) resolve(response);
          else reject(callErrorOf(error, this.address));
        },
      );
    });
  }

  /** Calls a method that answers with a stream. Leaving the loop cancels the call. */
  async *stream<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
  ): AsyncGenerator<MessageShape<O>> {
    const call = this.#client.makeServerStreamRequest(
      pathOf(method),
      (message: MessageShape<I>) => Buffer.from(toBinary(method.input, message)),
      (bytes: Buffer) => fromBinary(method.output, bytes),
      messageOf(method.input, request),
      this.#metadata(),
    );
    try {
      for await (const response of call) yield response as MessageShape<O>;
    } catch (error) {
      throw callErrorOf(error, this.address);
    } finally {
      call.cancel();
    }
  }

  /** Waits until the listener accepts a connection, at most `timeoutMs`. */
  ready(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.waitForReady(Date.now() + timeoutMs, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** Ends the connection. */
  close(): void {
    this.#client.close();
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    if (this.#token !== undefined) metadata.set('authorization', `Bearer ${this.#token}`);
    return metadata;
  }
}

function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

function messageOf<I extends DescMessage>(
  schema: I,
  request: MessageInitShape<I>,
): MessageShape<I> {
  return create(schema, request);
}
