/** Notification channels through the wire, on a real ledger. */
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { DescMethodUnary } from '@bufbuild/protobuf';
import type { Client } from '@grpc/grpc-js';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Channel } from '../../src/domain/notification/channel.js';
import type { Notification } from '../../src/domain/notification/notification.js';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import {
  BodyContentType,
  BodyPreset,
  DeliveryState,
} from '../../src/gen/safeguards/v1/channel_pb.js';
import { Severity } from '../../src/gen/safeguards/v1/severity_pb.js';
import { ViolationEventKind, ViolationType } from '../../src/gen/safeguards/v1/violation_pb.js';
import { HEADER_VALUE, SECRET, SECRET_URL, SECRETS } from '../fakes/channel-commands.js';
import { createAgent, createPool } from '../fakes/commands.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { report } from '../fakes/violations.js';
import { PUBLIC_ONLY } from '../../src/domain/notification/address-policy.js';
import { asAdmin, connect, failing, unary } from './support/grpc.js';
import { serve, type Harness } from './support/harness.js';

const admin = BudgetAdminService.method;

let memory: MemoryLedger;
let harness: Harness;
let operator: Client;
let tested: [Channel, Notification][];
let answer: { delivered: boolean; status: number; reason: string; excerpt: string } | undefined;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  onTestFinished(() => memory.ledger.close());
  await memory.must(createPool('p', '1000'));
  await memory.must(createAgent('a', 'p', '100'));
  tested = [];
  answer = { delivered: true, status: 200, reason: '', excerpt: 'ok' };
  harness = await serve({
    ledger: memory.ledger,
    notifications: {
      policy: PUBLIC_ONLY,
      test: (channel, notification) => {
        tested.push([channel, notification]);
        return Promise.resolve(answer);
      },
    },
  });
  operator = connect(harness.admin);
});

const WEBHOOK = {
  case: 'webhook' as const,
  value: {
    url: SECRET_URL,
    secrets: [SECRET],
    headers: [{ name: 'Authorization', value: HEADER_VALUE }],
  },
};

const REQUEST = {
  requestId: 'r-1',
  channelId: 'ops',
  target: WEBHOOK,
  minSeverity: Severity.MEDIUM,
  agentIds: ['b', 'a', 'b'],
  types: [ViolationType.CUSTOM, ViolationType.OVERSPEND],
  cooldown: durationFromMs(60_000),
  reason: 'monday',
};

test('a channel is made, read, listed, changed and deleted', async () => {
  const made = await unary(operator, admin.createNotificationChannel, REQUEST, asAdmin());
  expect(made).toMatchObject({
    sequence: BigInt(memory.head),
    replayed: false,
    channel: {
      id: 'ops',
      name: 'ops',
      target: {
        case: 'webhook',
        value: {
          url: '',
          origin: 'https://hooks.example.com',
          body: { preset: BodyPreset.JSON },
          secrets: [],
          secretCount: 1,
          headers: [{ name: 'Authorization', value: '' }],
        },
      },
      minSeverity: Severity.MEDIUM,
      agentIds: ['a', 'b'],
      poolIds: [],
      types: [ViolationType.OVERSPEND, ViolationType.CUSTOM],
      cooldown: { seconds: 60n },
      enabled: true,
      pendingCount: 0n,
      deadLetterCount: 0n,
      revision: 1n,
    },
  });
  expect(memory.store.entry(memory.head)?.entry).toMatchObject({
    kind: 'CONFIGURE',
    principal: 'admin',
    reason: 'monday',
  });
  const again = await unary(operator, admin.createNotificationChannel, REQUEST, asAdmin());
  expect(again).toEqual({ ...made, replayed: true });
  const other = { ...REQUEST, target: { ...WEBHOOK, value: { ...WEBHOOK.value, secrets: [] } } };
  expect(await failing(operator, admin.createNotificationChannel, other, asAdmin())).toMatchObject({
    code: 'ALREADY_EXISTS',
    reason: 'REQUEST_ID_REUSED',
  });
  const second = { ...REQUEST, requestId: 'r-2' };
  expect(await failing(operator, admin.createNotificationChannel, second, asAdmin())).toMatchObject(
    {
      code: 'ALREADY_EXISTS',
      reason: 'CHANNEL_ALREADY_EXISTS',
      metadata: { channel_id: 'ops' },
    },
  );
  const log = { target: { case: 'log', value: {} } as const, channelId: 'log', enabled: false };
  const { channel: muted } = await unary(operator, admin.createNotificationChannel, log, asAdmin());
  expect(muted).toMatchObject({
    target: { case: 'log' },
    minSeverity: Severity.INFO,
    cooldown: { seconds: 300n },
    enabled: false,
  });

  const first = await unary(operator, admin.listNotificationChannels, { pageSize: 1 }, asAdmin());
  const rest = await unary(
    operator,
    admin.listNotificationChannels,
    { pageSize: 1, pageToken: first.nextPageToken },
    asAdmin(),
  );
  expect([...first.channels, ...rest.channels]).toEqual([muted, made.channel]);
  expect(rest.nextPageToken).toBe('');

  const body = {
    preset: BodyPreset.CUSTOM,
    template: '{{violation.message}}',
    contentType: BodyContentType.TEXT,
  };
  const change = {
    channel: {
      id: 'ops',
      target: { case: 'webhook', value: { url: 'https://other.example.com/x', body } } as const,
      enabled: false,
    },
    updateMask: { paths: ['webhook.url', 'webhook.body', 'enabled', 'agent_ids'] },
    expectedRevision: 1n,
  };
  const changed = await unary(operator, admin.updateNotificationChannel, change, asAdmin());
  expect(changed.channel).toMatchObject({
    target: { value: { origin: 'https://other.example.com', body, secretCount: 1 } },
    agentIds: [],
    enabled: false,
    revision: 2n,
  });
  expect(await failing(operator, admin.updateNotificationChannel, change, asAdmin())).toMatchObject(
    {
      code: 'ABORTED',
      reason: 'REVISION_STALE',
    },
  );
  const same = { ...change, expectedRevision: 2n };
  const { sequence } = await unary(operator, admin.updateNotificationChannel, same, asAdmin());
  expect(sequence).toBe(0n);

  const gone = { channelId: 'ops', expectedRevision: 2n, requestId: 'r-9' };
  await unary(operator, admin.deleteNotificationChannel, gone, asAdmin());
  const replay = await unary(operator, admin.deleteNotificationChannel, gone, asAdmin());
  expect(replay.replayed).toBe(true);
  const { channel } = await unary(operator, admin.createNotificationChannel, REQUEST, asAdmin());
  expect(channel).toBeUndefined();
});

const missing: readonly (readonly [DescMethodUnary, Record<string, unknown>])[] = [
  [admin.getNotificationChannel, { channelId: 'x' }],
  [admin.updateNotificationChannel, { channel: { id: 'x' }, updateMask: { paths: ['enabled'] } }],
  [admin.deleteNotificationChannel, { channelId: 'x' }],
  [admin.testNotificationChannel, { channelId: 'x' }],
  [admin.listDeliveries, { channelId: 'x' }],
];

test.each(missing.map(([method, request]) => [method.name, method, request] as const))(
  '%s says that there is no such channel',
  async (_name, method, request) => {
    expect(await failing(operator, method, request, asAdmin())).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'CHANNEL_NOT_FOUND',
    });
  },
);

test('everything that is wrong is said at once, and no secret is repeated', async () => {
  const value = {
    url: `http://127.0.0.1/${SECRETS[2]}`,
    secrets: ['short', SECRET],
    headers: [{ name: 'Host', value: HEADER_VALUE }],
    body: { preset: BodyPreset.CUSTOM, template: '{"a": {{nothing}}}' },
  };
  const request = {
    ...REQUEST,
    channelId: '!',
    target: { case: 'webhook', value } as const,
    agentIds: [''],
    cooldown: durationFromMs(25 * 3_600_000),
  };
  const failure = await failing(operator, admin.createNotificationChannel, request, asAdmin());
  expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST' });
  expect([...failure.fields].sort()).toEqual([
    'agent_ids[0]',
    'channel_id',
    'cooldown',
    'webhook.body.template',
    'webhook.headers[0].name',
    'webhook.secrets[0]',
    'webhook.url',
  ]);
  for (const secret of SECRETS) expect(JSON.stringify(failure)).not.toContain(secret);
  const log = { case: 'log', value: {} } as const;
  await unary(
    operator,
    admin.createNotificationChannel,
    { channelId: 'l', target: log },
    asAdmin(),
  );
  const change = {
    channel: {
      id: 'l',
      target: { case: 'webhook', value: { url: 'https://a.example.com/' } } as const,
    },
    updateMask: { paths: ['webhook.url'] },
  };
  const wrong = await failing(operator, admin.updateNotificationChannel, change, asAdmin());
  expect(wrong.fields).toEqual(['channel.webhook']);
  const nowhere = await failing(operator, admin.createNotificationChannel, {}, asAdmin());
  expect(nowhere.fields).toEqual(['target']);
});

test('a test of a channel answers what the receiver said', async () => {
  await unary(operator, admin.createNotificationChannel, { ...REQUEST, enabled: false }, asAdmin());
  const request = { channelId: 'ops' };
  const passed = await unary(operator, admin.testNotificationChannel, request, asAdmin());
  expect(passed).toMatchObject({ delivered: true, status: 200, excerpt: 'ok' });
  const [channel, notification] = tested[0]!;
  expect(channel).toMatchObject({ kind: 'WEBHOOK', url: SECRET_URL, secrets: [SECRET] });
  expect(notification).toMatchObject({ channelId: 'ops', event: { kind: 'OPENED' } });
  answer = { delivered: false, status: 503, reason: 'answered with status 503', excerpt: '' };
  const failed = await unary(operator, admin.testNotificationChannel, request, asAdmin());
  expect(failed).toMatchObject(answer);
  answer = undefined;
  expect(await failing(operator, admin.testNotificationChannel, request, asAdmin())).toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    reason: 'SERVER_BUSY',
    retryAfterMs: 1_000,
  });
});

test('deliveries are listed by state and channel, in pages, and put back', async () => {
  for (const channelId of ['x', 'y']) {
    const request = { channelId, target: WEBHOOK, cooldown: durationFromMs(0) };
    await unary(operator, admin.createNotificationChannel, request, asAdmin());
  }
  for (let n = 0; n < 3; n += 1) await memory.must(report('a'));
  const { outbox } = memory.ledger;
  const deadId = [...memory.store.rows('deliveries', {})].map(([, { id }]) => id)[2] ?? '';
  await outbox.dead(deadId, {
    number: 1,
    startTime: 1_000,
    endTime: 2_000,
    status: 410,
    reason: 'answered with status 410',
    excerpt: 'gone',
  });
  const list = async (over: object) => {
    const items: string[] = [];
    let pageToken = '';
    do {
      const request = { pageSize: 2, ...over, pageToken };
      const page = await unary(operator, admin.listDeliveries, request, asAdmin());
      for (const { channelId, state, violationId } of page.deliveries) {
        items.push(
          `${channelId} ${state === DeliveryState.DEAD ? 'DEAD' : 'PENDING'} ${violationId}`,
        );
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return items;
  };
  const pending = ['x PENDING 1', 'x PENDING 2', 'y PENDING 1', 'y PENDING 2', 'y PENDING 3'];
  expect(await list({})).toEqual([...pending, 'x DEAD 3']);
  expect(await list({ channelId: 'y' })).toEqual(pending.slice(2));
  expect(await list({ state: DeliveryState.DEAD })).toEqual(['x DEAD 3']);
  const dead = { state: DeliveryState.DEAD };
  const [letter] = (await unary(operator, admin.listDeliveries, dead, asAdmin())).deliveries;
  expect(letter).toMatchObject({
    id: deadId,
    eventKind: ViolationEventKind.OPENED,
    type: ViolationType.CUSTOM,
    severity: Severity.MEDIUM,
    agentId: 'a',
    poolId: 'p',
    attempts: 1,
    lastAttempt: { number: 1, status: 410, reason: 'answered with status 410', excerpt: 'gone' },
  });
  expect(letter?.nextAttemptTime).toBeUndefined();
  const { channel } = await unary(
    operator,
    admin.getNotificationChannel,
    { channelId: 'x' },
    asAdmin(),
  );
  expect(channel).toMatchObject({ pendingCount: 2n, deadLetterCount: 1n });

  const retry = { deliveryId: deadId, requestId: 'again', reason: 'mended' };
  const back = await unary(operator, admin.retryDelivery, retry, asAdmin());
  expect(back).toMatchObject({
    delivery: { id: deadId, state: DeliveryState.PENDING, attempts: 0 },
  });
  const { delivery, ...replay } = await unary(operator, admin.retryDelivery, retry, asAdmin());
  expect(replay).toMatchObject({ replayed: true, sequence: back.sequence });
  expect(delivery).toEqual(back.delivery);
  const nobody = { deliveryId: 'nobody' };
  expect(await failing(operator, admin.retryDelivery, nobody, asAdmin())).toMatchObject({
    code: 'NOT_FOUND',
    reason: 'DELIVERY_NOT_FOUND',
  });
});

describe('the listener of agents', () => {
  const methods = BudgetAdminService.methods.filter(({ name }) => /Channel|Deliver/.test(name));

  test('has none of these methods', () => {
    expect(methods).toHaveLength(8);
  });

  test.each(methods.map((method) => [method.name, method] as const))(
    '%s',
    async (_name, method) => {
      const call = failing(connect(harness.agent), method as DescMethodUnary, {}, asAdmin());
      expect((await call).code).toBe('UNIMPLEMENTED');
      const path = `http://${harness.agent}/${method.parent.typeName}/${method.name}`;
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(path, { method: 'POST', headers, body: '{}' });
      expect(response.status).toBe(501);
      await response.body?.cancel();
    },
  );
});

test('no answer and no line of the log holds a secret', async () => {
  const answers: unknown[] = [];
  const ask = async (method: DescMethodUnary, request: Record<string, unknown>) => {
    answers.push(
      await unary(operator, method, request, asAdmin()).catch((error: unknown) => error),
    );
  };
  await ask(admin.createNotificationChannel, REQUEST);
  await ask(admin.createNotificationChannel, REQUEST);
  await ask(admin.createNotificationChannel, { ...REQUEST, requestId: 'r-3' });
  await ask(admin.getNotificationChannel, { channelId: 'ops' });
  await ask(admin.listNotificationChannels, {});
  const channel = { id: 'ops', target: WEBHOOK };
  await ask(admin.updateNotificationChannel, {
    channel: { ...channel, target: { case: 'webhook', value: { secrets: [`${SECRET}-2`] } } },
    updateMask: { paths: ['webhook.secrets'] },
  });
  await ask(admin.testNotificationChannel, { channelId: 'ops' });
  const entries = [...memory.store.entries(0)].map(({ entry }) => entry);
  const all = JSON.stringify([answers, harness.lines, entries], (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  expect(all).toContain('hooks.example.com');
  for (const secret of SECRETS) expect(all).not.toContain(secret);
});
