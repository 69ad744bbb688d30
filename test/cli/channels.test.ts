import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { toJson } from '@bufbuild/protobuf';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BodyPreset, DeliveryState } from '../../src/gen/safeguards/v1/channel_pb.js';
import { Severity } from '../../src/gen/safeguards/v1/severity_pb.js';
import { ViolationEventKind } from '../../src/gen/safeguards/v1/violation_pb.js';
import { VERBS } from '../../src/cli/verbs/table.js';
import { commandLine } from './command-line.js';
import { FakeSidecar } from './fake-sidecar.js';

const admin = BudgetAdminService.method;

const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-channels-'));
const URL_FILE = path.join(folder, 'url.txt');
const SECRET_FILE = path.join(folder, 'secret.txt');

let fake: FakeSidecar;
beforeAll(async () => {
  writeFileSync(URL_FILE, 'https://hooks.example.com/x\n');
  writeFileSync(SECRET_FILE, 'a-secret-of-the-receiver\n');
  fake = await FakeSidecar.start();
});
beforeEach(() => fake.reset());
afterAll(() => {
  rmSync(folder, { recursive: true });
  fake.close();
});

function call(words: string) {
  const environment = { SAFEGUARDS_ADMIN_ADDRESS: fake.address, SAFEGUARDS_ADMIN_TOKEN: 't' };
  return commandLine(words.split(' '), { environment });
}

test.each([
  ['channel create log --log', { channelId: 'log', log: {} }],
  [
    `channel create ops --url @${URL_FILE} --preset slack --min-severity high --agent-ids a ` +
      '--agent-ids b --types low-budget --cooldown 1m --no-enabled',
    {
      channelId: 'ops',
      webhook: { url: 'https://hooks.example.com/x', body: { preset: 'BODY_PRESET_SLACK' } },
      minSeverity: 'SEVERITY_HIGH',
      agentIds: ['a', 'b'],
      types: ['VIOLATION_TYPE_LOW_BUDGET'],
      cooldown: '60s',
      enabled: false,
    },
  ],
  [
    `channel create ops --url http://a/ --headers Authorization=@${SECRET_FILE} --headers a=b=c ` +
      `--secrets @${SECRET_FILE} --secrets plain --template {{kind}} --preset custom ` +
      '--content-type text',
    {
      channelId: 'ops',
      webhook: {
        url: 'http://a/',
        headers: [
          { name: 'Authorization', value: 'a-secret-of-the-receiver' },
          { name: 'a', value: 'b=c' },
        ],
        secrets: ['a-secret-of-the-receiver', 'plain'],
        body: {
          preset: 'BODY_PRESET_CUSTOM',
          template: '{{kind}}',
          contentType: 'BODY_CONTENT_TYPE_TEXT',
        },
      },
    },
  ],
  [
    `channel update ops --secrets @${SECRET_FILE} --min-severity low --no-enabled --reason r`,
    {
      channel: {
        id: 'ops',
        minSeverity: 'SEVERITY_LOW',
        webhook: { secrets: ['a-secret-of-the-receiver'] },
      },
      updateMask: 'enabled,minSeverity,webhook.secrets',
      reason: 'r',
    },
  ],
  ['channel delete ops --expected-revision 3', { channelId: 'ops', expectedRevision: '3' }],
  ['channel test ops', { channelId: 'ops' }],
  ['delivery list --state dead --channel ops', { state: 'DELIVERY_STATE_DEAD', channelId: 'ops' }],
  ['delivery retry d-1', { deliveryId: 'd-1' }],
])('%s', async (words, expected) => {
  await call(words);
  const { method, request } = fake.calls.at(-1)!;
  const verb = VERBS.find((each) => each.method.name === method)!;
  const { requestId: _, ...rest } = toJson(verb.method.input, request) as Record<string, unknown>;
  if (rest['updateMask'] !== undefined) {
    rest['updateMask'] = (rest['updateMask'] as string).split(',').sort().join(',');
  }
  expect(rest).toEqual(expected);
});

test.each([
  ['channel create ops --log --url http://a/', 'Choose one of --log and --url'],
  ['channel create ops --url @/nowhere/at/all', '/nowhere/at/all cannot be read'],
  ['channel create ops --url http://a/ --headers x', 'write NAME=VALUE'],
  ['channel update ops', 'Nothing to update'],
])('%s is refused', async (words, why) => {
  const { code, err } = await call(words);
  expect(code).toBe(2);
  expect(err).toContain(why);
  expect(fake.calls).toEqual([]);
});

test('a test that fails is told by its exit code', async () => {
  fake.answer(admin.testNotificationChannel, { delivered: true, status: 204 });
  expect(await call('channel test ops')).toMatchObject({
    code: 0,
    out: 'Delivered with status 204.\n',
  });
  const reason = 'answered with status 410';
  fake.answer(admin.testNotificationChannel, { status: 410, reason, excerpt: 'gone' });
  expect(await call('channel test ops')).toMatchObject({
    code: 3,
    out: 'Not delivered: answered with status 410.\n  gone\n',
  });
});

test('channels and deliveries are shown', async () => {
  const channel = {
    id: 'ops',
    target: {
      case: 'webhook',
      value: { origin: 'https://hooks.example.com', body: { preset: BodyPreset.SLACK } },
    } as const,
    minSeverity: Severity.MEDIUM,
    enabled: true,
    pendingCount: 2n,
    deadLetterCount: 1n,
    revision: 4n,
  };
  fake.answer(admin.listNotificationChannels, { channels: [channel] });
  expect((await call('channel list')).out).toBe(
    [
      'CHANNEL  TARGET                     BODY   SEVERITY  ENABLED  PENDING  DEAD  REVISION',
      'ops      https://hooks.example.com  SLACK  MEDIUM    yes      2        1     4',
      '',
    ].join('\n'),
  );
  fake.answer(admin.updateNotificationChannel, { sequence: 9n, channel });
  expect((await call('channel update ops --enabled')).out).toBe(
    'Updated (entry 9). Channel ops to https://hooks.example.com: MEDIUM and above.\n',
  );
  const delivery = {
    id: 'd-1',
    channelId: 'ops',
    state: DeliveryState.DEAD,
    eventSequence: 7n,
    eventKind: ViolationEventKind.OPENED,
    violationId: '7',
    severity: Severity.HIGH,
    attempts: 1,
    lastAttempt: { reason: 'answered with status 410' },
  };
  fake.answer(admin.listDeliveries, { deliveries: [delivery] });
  expect((await call('delivery list')).out).toBe(
    [
      'DELIVERY  CHANNEL  STATE  EVENT     VIOLATION  TRIES  NEXT  LAST',
      'd-1       ops      DEAD   7 OPENED  7 HIGH     1            answered with status 410',
      '',
    ].join('\n'),
  );
});
