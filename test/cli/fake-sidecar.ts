import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethod,
  type DescService,
  type Message,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from '../../src/gen/google/rpc/error_details_pb.js';
import { StatusSchema } from '../../src/gen/google/rpc/status_pb.js';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { MetricsService } from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import { ViolationService } from '../../src/gen/safeguards/v1/violation_service_pb.js';

/** The services that the command line calls. */
export const SERVICES: readonly DescService[] = [
  BudgetService,
  BudgetAdminService,
  MetricsService,
  ViolationService,
];

/** A call as it arrived. */
export interface SeenCall {
  readonly method: string;
  readonly request: Message;
  readonly authorization: string | undefined;
}

/** A server that answers what it was told to, and remembers what it was asked. */
export class FakeSidecar {
  readonly calls: SeenCall[] = [];
  readonly address: string;
  readonly #server: grpc.Server;
  readonly #answers: Map<string, (request: Message) => readonly Message[]>;

  private constructor(
    server: grpc.Server,
    address: string,
    answers: Map<string, (request: Message) => readonly Message[]>,
    calls: SeenCall[],
  ) {
    this.#server = server;
    this.address = address;
    this.#answers = answers;
    this.calls = calls;
  }

  /** Listens on a free port, or where it is told. Every method answers an empty response. */
  static async start(address = '127.0.0.1:0'): Promise<FakeSidecar> {
    const server = new grpc.Server();
    const answers = new Map<string, (request: Message) => readonly Message[]>();
    const calls: SeenCall[] = [];
    for (const service of SERVICES) {
      const handlers = service.methods.map((method) => [
        method.name,
        handlerOf(method, answers, calls),
      ]);
      server.addService(definitionOf(service), Object.fromEntries(handlers) as never);
    }
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, bound) => {
        if (error) reject(error);
        else resolve(bound);
      });
    });
    const where = address.startsWith('unix:') ? address : `127.0.0.1:${port}`;
    return new FakeSidecar(server, where, answers, calls);
  }

  /** What a method answers from now on; several messages for a stream. */
  answer<O extends DescMessage>(
    method: DescMethod & { readonly output: O },
    ...responses: readonly MessageInitShape<O>[]
  ): void {
    this.#answers.set(method.name, () => responses.map((each) => create(method.output, each)));
  }

  /** What a method answers from now on, by its request. */
  answerBy<O extends DescMessage>(
    method: DescMethod & { readonly output: O },
    respond: (request: Message) => MessageInitShape<O>,
  ): void {
    this.#answers.set(method.name, (request) => [create(method.output, respond(request))]);
  }

  /** The error that a method ends with from now on, with all the details a sidecar sends. */
  refuse(method: DescMethod, refusal: Refusal): void {
    this.#answers.set(method.name, () => {
      throw errorOf(refusal);
    });
  }

  /** Forgets answers and calls. */
  reset(): void {
    this.#answers.clear();
    this.calls.length = 0;
  }

  close(): void {
    this.#server.forceShutdown();
  }
}

/** An error as a sidecar sends it. */
export interface Refusal {
  readonly code: number;
  readonly message: string;
  /** Empty: without details, as what is no sidecar would answer. */
  readonly reason: string;
  readonly metadata?: Record<string, string>;
  readonly fields?: readonly { readonly field: string; readonly description: string }[];
  readonly retrySeconds?: number;
}

function errorOf({ code, message, reason, ...rest }: Refusal): Error {
  const metadata = new grpc.Metadata();
  if (reason !== '') {
    const { fields, retrySeconds } = rest;
    const info = { reason, domain: 'safeguards.dev', metadata: rest.metadata ?? {} };
    const details = [anyPack(ErrorInfoSchema, create(ErrorInfoSchema, info))];
    if (fields) {
      const violations = create(BadRequestSchema, { fieldViolations: [...fields] });
      details.push(anyPack(BadRequestSchema, violations));
    }
    if (retrySeconds !== undefined) {
      const retry = create(RetryInfoSchema, { retryDelay: { seconds: BigInt(retrySeconds) } });
      details.push(anyPack(RetryInfoSchema, retry));
    }
    const status = create(StatusSchema, { code, message, details });
    metadata.set('grpc-status-details-bin', Buffer.from(toBinary(StatusSchema, status)));
  }
  return Object.assign(new Error(message), { code, details: message, metadata });
}

function definitionOf(service: DescService): grpc.ServiceDefinition {
  const methods = service.methods.map((method) => [
    method.name,
    {
      path: `/${service.typeName}/${method.name}`,
      requestStream: /client_streaming|bidi/.test(method.methodKind),
      responseStream: /server_streaming|bidi/.test(method.methodKind),
      requestDeserialize: (bytes: Buffer) => fromBinary(method.input, bytes),
      requestSerialize: (message: Message) => Buffer.from(toBinary(method.input, message)),
      responseDeserialize: (bytes: Buffer) => fromBinary(method.output, bytes),
      responseSerialize: (message: Message) => Buffer.from(toBinary(method.output, message)),
    },
  ]);
  return Object.fromEntries(methods) as grpc.ServiceDefinition;
}

function handlerOf(
  method: DescMethod,
  answers: Map<string, (request: Message) => readonly Message[]>,
  calls: SeenCall[],
) {
  const answer = (request: Message, metadata: grpc.Metadata): readonly Message[] => {
    const authorization = metadata.get('authorization')[0]?.toString();
    calls.push({ method: method.name, request, authorization });
    return answers.get(method.name)?.(request) ?? [create(method.output)];
  };
  if (method.methodKind === 'unary') {
    return (call: grpc.ServerUnaryCall<Message, Message>, reply: grpc.sendUnaryData<Message>) => {
      try {
        reply(null, answer(call.request, call.metadata)[0]);
      } catch (error) {
        reply(error as grpc.ServiceError);
      }
    };
  }
  return (call: grpc.ServerWritableStream<Message, Message>) => {
    try {
      for (const message of answer(call.request, call.metadata)) call.write(message);
      call.end();
    } catch (error) {
      call.emit('error', error);
    }
  };
}
