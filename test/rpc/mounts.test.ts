import { fromBinary } from '@bufbuild/protobuf';
import type { DescService } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Metadata, status } from '@grpc/grpc-js';
import type { Client, ServiceError } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { Health } from '../../src/gen/grpc/health/v1/health_pb.js';
import { ServerReflection } from '../../src/gen/grpc/reflection/v1/reflection_pb.js';
import { ServerReflection as ServerReflectionAlpha } from '../../src/gen/grpc/reflection/v1alpha/reflection_pb.js';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { MetricsService } from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import { ViolationService } from '../../src/gen/safeguards/v1/violation_service_pb.js';
import { asAdmin, bidi, connect, drain, pathOf, serverStream, unary } from './support/grpc.js';
import { TOKEN, serve } from './support/harness.js';
import { post } from './support/http.js';

const OURS: readonly DescService[] = [
  BudgetService,
  BudgetAdminService,
  MetricsService,
  ViolationService,
];
const OTHERS: readonly DescService[] = [Health, ServerReflection, ServerReflectionAlpha];

const all = OURS.flatMap((service) => service.methods);
const { getAgentMetrics, getUsageHistory } = MetricsService.method;
const { reportViolation, getViolation, listViolations, watchViolations } = ViolationService.method;
const agents = [
  ...BudgetService.methods,
  getAgentMetrics,
  getUsageHistory,
  reportViolation,
  getViolation,
  listViolations,
  watchViolations,
].map(pathOf);

/** The code of a call with an empty message, whatever kind of method it is. */
function codeOf(client: Client, path: string, metadata: Metadata): Promise<string> {
  return new Promise((resolve) => {
    const asIs = (bytes: Buffer): Buffer => bytes;
    const call = client.makeBidiStreamRequest(path, asIs, asIs, metadata);
    call.on('error', (error: ServiceError) => resolve(status[error.code]));
    call.on('end', () => resolve('OK'));
    call.resume();
    call.end(Buffer.alloc(0));
  });
}

describe('every method', () => {
  test('is served on the admin listener', async () => {
    const { admin } = await serve();
    const client = connect(admin);
    for (const method of all) {
      expect([pathOf(method), await codeOf(client, pathOf(method), asAdmin())]).not.toEqual([
        pathOf(method),
        'UNIMPLEMENTED',
      ]);
    }
  });

  test('asks for credentials on the admin listener, reflection too', async () => {
    const { admin } = await serve();
    const client = connect(admin);
    const reflection = [ServerReflection, ServerReflectionAlpha].flatMap(({ methods }) => methods);
    for (const path of [...all, ...reflection].map(pathOf)) {
      expect([path, await codeOf(client, path, new Metadata())]).toEqual([path, 'UNAUTHENTICATED']);
    }
  });

  test.each(all.map((method) => pathOf(method)))(
    '%s is served on the agent listener only when it is an agent’s',
    async (path) => {
      const { agent } = await serve();
      const code = await codeOf(connect(agent), path, asAdmin());
      expect(code === 'UNIMPLEMENTED').toBe(!agents.includes(path));
      const response = await post(agent, path, {}, { authorization: `Bearer ${TOKEN}` });
      if (!agents.includes(path)) expect(response.json).toMatchObject({ code: 'unimplemented' });
    },
  );
});

describe('health', () => {
  test('is of the whole and of every service that is served', async () => {
    const server = await serve();
    const names = async (address: string) => {
      const { statuses } = await unary(connect(address), Health.method.list, {});
      return Object.keys(statuses).sort();
    };
    const common = ['', 'grpc.health.v1.Health', 'safeguards.v1.BudgetService'];
    expect(await names(server.agent)).toEqual([
      ...common,
      'safeguards.v1.MetricsService',
      'safeguards.v1.ViolationService',
    ]);
    expect(await names(server.admin)).toEqual([
      '',
      'grpc.health.v1.Health',
      'safeguards.v1.BudgetAdminService',
      'safeguards.v1.BudgetService',
      'safeguards.v1.MetricsService',
      'safeguards.v1.ViolationService',
    ]);
  });

  test('follows setServing, and Watch tells every change once', async () => {
    const server = await serve();
    const client = connect(server.agent);
    const check = async (service = '') =>
      (await unary(client, Health.method.check, { service })).status;
    const stream = serverStream(client, Health.method.watch, { service: BudgetService.typeName });
    const heard: number[] = [];
    stream.on('data', ({ status: now }: { status: number }) => heard.push(now));
    stream.on('error', () => undefined);
    await expect.poll(() => heard).toEqual([1]);
    server.setServing(false);
    server.setServing(false);
    await expect.poll(() => heard).toEqual([1, 2]);
    expect(await check()).toBe(2);
    expect(await check(BudgetService.typeName)).toBe(2);
    server.setServing(true);
    await expect.poll(() => heard).toEqual([1, 2, 1]);
    stream.cancel();
  });

  test('of an unknown service is NOT_FOUND, or watched as unknown', async () => {
    const { agent } = await serve();
    const client = connect(agent);
    const service = BudgetAdminService.typeName;
    await expect(unary(client, Health.method.check, { service })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    const stream = serverStream(client, Health.method.watch, { service });
    for await (const message of stream as AsyncIterable<{ status: number }>) {
      expect(message.status).toBe(3);
      break;
    }
  });
});

describe.each([
  ['v1', ServerReflection],
  ['v1alpha', ServerReflectionAlpha],
] as const)('reflection %s', (_version, service) => {
  const method = service.method
    .serverReflectionInfo as typeof ServerReflection.method.serverReflectionInfo;

  const ask = async (
    address: string,
    ...questions: NonNullable<
      Parameters<ReturnType<typeof bidi<typeof method.input, typeof method.output>>['write']>[0]
    >[]
  ) => {
    const stream = bidi(connect(address), method, asAdmin());
    const read = drain(stream);
    for (const question of questions) stream.write(question);
    stream.end();
    const { messages, failure } = await read;
    expect(failure).toBeUndefined();
    return messages.map(({ messageResponse }) => messageResponse);
  };

  const filesOf = (answer: Awaited<ReturnType<typeof ask>>[number] | undefined) => {
    if (answer?.case !== 'fileDescriptorResponse') return [];
    return answer.value.fileDescriptorProto.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
  };

  test('lists what is mounted', async () => {
    const server = await serve();
    const list = { messageRequest: { case: 'listServices', value: '' } } as const;
    const names = async (address: string) => {
      const [answer] = await ask(address, list);
      return answer?.case === 'listServicesResponse'
        ? answer.value.service.map(({ name }) => name)
        : [];
    };
    const services = [...OTHERS, BudgetService, MetricsService, ViolationService];
    const common = services.map(({ typeName }) => typeName);
    expect(await names(server.agent)).toEqual([...common].sort());
    expect(await names(server.admin)).toEqual([...common, BudgetAdminService.typeName].sort());
  });

  test('gives a symbol’s file with all it imports', async () => {
    const { agent } = await serve();
    for (const value of [
      'safeguards.v1.BudgetService',
      'safeguards.v1.BudgetService.Spend',
      'safeguards.v1.SpendRequest',
      'safeguards.v1.SpendMode',
      'google.protobuf.Timestamp',
      'grpc.health.v1.Health',
    ]) {
      const [answer] = await ask(agent, {
        messageRequest: { case: 'fileContainingSymbol', value },
      });
      const files = filesOf(answer);
      const names = new Set(files.map(({ name }) => name));
      expect([value, files.length > 0]).toEqual([value, true]);
      for (const { dependency } of files) {
        for (const name of dependency) expect(names).toContain(name);
      }
    }
    const [file] = await ask(agent, {
      messageRequest: { case: 'fileByFilename', value: 'google/protobuf/timestamp.proto' },
    });
    expect(filesOf(file).map(({ name }) => name)).toEqual(['google/protobuf/timestamp.proto']);
  });

  test('does not know what is not mounted', async () => {
    const { agent } = await serve();
    const answers = await ask(
      agent,
      {
        messageRequest: { case: 'fileContainingSymbol', value: 'safeguards.v1.BudgetAdminService' },
      },
      {
        messageRequest: {
          case: 'fileContainingSymbol',
          value: 'safeguards.v1.MetricsService.ExportLedger',
        },
      },
      {
        messageRequest: {
          case: 'fileByFilename',
          value: 'safeguards/v1/budget_admin_service.proto',
        },
      },
      { messageRequest: { case: 'allExtensionNumbersOfType', value: 'x' } },
      {},
    );
    expect(
      answers.map((answer) => answer.case === 'errorResponse' && answer.value.errorCode),
    ).toEqual([5, 5, 5, 12, 12]);
    const [metrics] = await ask(agent, {
      messageRequest: { case: 'fileContainingSymbol', value: 'safeguards.v1.MetricsService' },
    });
    const [own] = filesOf(metrics);
    expect(own?.service.map((shown) => shown.method.map(({ name }) => name))).toEqual([
      ['GetAgentMetrics', 'GetUsageHistory'],
    ]);
  });
});
