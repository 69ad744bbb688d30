import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { AgentState } from '../../src/gen/safeguards/v1/agent_pb.js';
import { MetricsService } from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import { PoolState } from '../../src/gen/safeguards/v1/pool_pb.js';
import { T0 } from '../fakes/manual-time.js';
import { commandLine } from './command-line.js';
import { FakeSidecar } from './fake-sidecar.js';

const { method } = MetricsService;

let fake: FakeSidecar;
beforeAll(async () => {
  fake = await FakeSidecar.start();
});
beforeEach(() => fake.reset());
afterAll(() => fake.close());

async function printed(words: string): Promise<string> {
  const environment = {
    SAFEGUARDS_ADDRESS: fake.address,
    SAFEGUARDS_ADMIN_ADDRESS: fake.address,
    SAFEGUARDS_ADMIN_TOKEN: 'token-token-token-token',
  };
  const { code, out, err } = await commandLine(words.split(' '), { environment });
  expect([code, err]).toEqual([0, '']);
  return out;
}

const WRITER = {
  agentId: 'writer',
  poolId: 'research',
  unit: 'USD',
  initialBudget: '200',
  usedBudget: '160',
  remainingBudget: '40',
  reserved: '0',
  usagePercent: '80',
  burnRateLastHour: '2.5',
  burnRateLastDay: '0.104167',
  spendCount: 12n,
  state: AgentState.ACTIVE,
  serviceLevel: { name: 'standard' },
};

test('an agent is shown as the guide does', async () => {
  fake.answer(method.getAgentMetrics, { metrics: WRITER });
  expect(await printed('metrics agent writer')).toBe(
    [
      'Agent writer budget usage:',
      '  Initial: 200 USD',
      '  Used: 160 (80.00%)',
      '  Remaining: 40',
      '  Burn rate: 2.5 per hour in the last hour, 0.104167 in the last day',
      '  Spends: 12',
      '  Denials: 0',
      '  Service level: standard\n',
    ].join('\n'),
  );
  expect(fake.calls.at(-1)?.request).toMatchObject({ agentId: 'writer' });
});

test('an agent of high usage is shown with a warning, its holds and its end', async () => {
  const more = {
    usedBudget: '150.1',
    reserved: '10',
    remainingBudget: '39.9',
    usagePercent: '80.05',
    highUsage: true,
    lastSpendTime: timestampFromMs(T0),
    denialCount: 3n,
    lastDenialTime: timestampFromMs(T0 + 1_000),
    projectedExhaustionTime: timestampFromMs(T0 + 3_600_000),
  };
  fake.answer(method.getAgentMetrics, { metrics: { ...WRITER, ...more } });
  expect(await printed('metrics agent writer')).toBe(
    [
      'Agent writer budget usage:',
      '  Initial: 200 USD',
      '  Used: 150.1 (80.05%)',
      '  Held: 10, which counts as used',
      '  Remaining: 39.9',
      '  Burn rate: 2.5 per hour in the last hour, 0.104167 in the last day',
      '  Spends: 12, the last at 2026-01-01T08:00:00.000Z',
      '  Denials: 3, the last at 2026-01-01T08:00:01.000Z',
      '  Exhausted by: 2026-01-01T09:00:00.000Z',
      '  Service level: standard',
      '  WARNING: Budget usage high (>80%)\n',
    ].join('\n'),
  );
});

test('agents are a table, and can be those of high usage only', async () => {
  fake.answer(method.listAgentMetrics, {
    metrics: [WRITER, { ...WRITER, agentId: 'b', usagePercent: '80.05', highUsage: true }],
  });
  const columns = (await printed('metrics agents --pool research --only-high-usage'))
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  expect(columns).toEqual([
    [
      ...['AGENT', 'POOL', 'INITIAL', 'USED', 'HELD', 'REMAINING', 'UNIT', 'USED %', 'PER HOUR'],
      ...['EXHAUSTED BY', 'STATE', 'WARNING'],
    ],
    ['writer', 'research', '200', '160', '0', '40', 'USD', '80.00', '2.5', 'ACTIVE'],
    [
      ...['b', 'research', '200', '160', '0', '40', 'USD', '80.05', '2.5', 'ACTIVE'],
      'usage high (>80%)',
    ],
  ]);
  expect(fake.calls.at(-1)?.request).toMatchObject({ poolId: 'research', onlyHighUsage: true });
});

const RESEARCH = {
  poolId: 'research',
  unit: 'USD',
  initialBudget: '1000',
  funded: '1000',
  usedBudget: '250',
  remainingBudget: '740',
  assigned: '50',
  unallocated: '700',
  free: '600',
  debt: '50',
  reserved: '10',
  minBalance: '50',
  agentCount: 2,
  remainingPercent: '74',
  burnRateLastHour: '0.75',
  burnRateLastDay: '10',
  state: PoolState.ACTIVE,
};

test('a pool is shown line by line, pools are a table', async () => {
  fake.answer(method.getPoolMetrics, { metrics: RESEARCH });
  expect(await printed('metrics pool research')).toBe(
    [
      'Pool research budget usage:',
      '  Initial: 1000 USD',
      '  Funded: 1000',
      '  Used: 250',
      '  Held: 10',
      '  Remaining: 740 (74.00%)',
      '  Assigned: 50 to 2 agent(s)',
      '  Unallocated: 700, debt 50, kept 50, free 600',
      '  Burn rate: 0.75 per hour in the last hour, 10 in the last day\n',
    ].join('\n'),
  );
  fake.answer(method.listPoolMetrics, { metrics: [RESEARCH] });
  expect(await printed('metrics pools')).toBe(
    'POOL      FUNDED  USED  HELD  REMAINING  UNIT  LEFT %  FREE  AGENTS  PER HOUR  STATE\n' +
      'research  1000    250   10    740        USD   74.00   600   2       0.75      ACTIVE\n',
  );
});

test('the store is counted, and its money summed by unit', async () => {
  fake.answer(method.getSystemMetrics, {
    metrics: {
      poolCount: 2n,
      activeAgentCount: 3n,
      frozenAgentCount: 1n,
      openReservationCount: 4n,
      spendCountLastHour: 5n,
      spendCountLastDay: 60n,
      headSequence: 99n,
      entryCount: 99n,
      storeTime: timestampFromMs(T0),
      storeSizeBytes: 40_960n,
      units: [{ unit: 'EUR', poolCount: 1n, funded: '20', spent: '3', remaining: '17' }],
    },
  });
  const out = await printed('metrics system');
  expect(out).toContain('agents                   3 active, 1 frozen, 0 closed\n');
  expect(out).toContain('store size               40960 bytes\n');
  expect(out).toMatch(/^EUR +1 +20 +3 +17$/m);
});
