/** The metrics as a client reads them, of a ledger that really keeps them. */
import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import type { Client } from '@grpc/grpc-js';
import { beforeEach, describe, expect, test } from 'vitest';
import { AgentState } from '../../src/gen/safeguards/v1/agent_pb.js';
import type { AgentMetrics } from '../../src/gen/safeguards/v1/metrics_pb.js';
import { MetricsService } from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import { PoolState } from '../../src/gen/safeguards/v1/pool_pb.js';
import * as order from '../fakes/commands.js';
import { DAY, HOUR, MINUTE, SECOND, T0 } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { money } from '../support/seed.js';
import { asAdmin, connect, failing, unary } from './support/grpc.js';
import { serve } from './support/harness.js';
import { post } from './support/http.js';

const method = MetricsService.method;

let memory: MemoryLedger;
let agents: Client;
let operators: Client;
let agentAddress: string;

beforeEach(async () => {
  memory = await MemoryLedger.open();
  const server = await serve({ ledger: memory.ledger });
  agentAddress = server.agent;
  agents = connect(server.agent);
  operators = connect(server.admin);
  await memory.must(order.createPool('p', '1000', { minBalance: money('50'), priority: 7 }));
  const overdraft = { overdraftLimit: money('2'), priority: 8 };
  await memory.must(order.createAgent('a', 'p', '200', overdraft));
  memory.time.pass(MINUTE);
});

const fields = (message: { readonly $typeName: string } | undefined) => {
  const { $typeName: _, ...rest } = message ?? { $typeName: '' };
  return Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [
      name,
      isTimestamp(value) ? timestampMs(value) - T0 : value,
    ]),
  );
};

function isTimestamp(value: unknown): value is Timestamp {
  return (value as { $typeName?: string } | undefined)?.$typeName === 'google.protobuf.Timestamp';
}

const agentMetrics = async (agentId = 'a'): Promise<AgentMetrics> =>
  (await unary(agents, method.getAgentMetrics, { agentId })).metrics!;

describe('the metrics of an agent', () => {
  test('are all there, with amounts in canonical form', async () => {
    await memory.must(order.spend('a', '30.500'));
    memory.time.pass(2 * HOUR);
    await memory.must(order.spend('a', '9.5'));
    await memory.must(order.reserve('a', '10'));
    await memory.do(order.spend('a', '1000'));
    memory.time.pass(SECOND);
    expect(fields(await agentMetrics())).toEqual({
      agentId: 'a',
      poolId: 'p',
      unit: 'USD',
      initialBudget: '200',
      allocated: '200',
      usedBudget: '40',
      remainingBudget: '150',
      reserved: '10',
      available: '152',
      baseline: '200',
      usagePercent: '25',
      highUsage: false,
      spendCount: 2n,
      denialCount: 1n,
      serviceLevel: {
        $typeName: 'safeguards.v1.ServiceLevel',
        name: 'full',
        features: ['high_quality', 'all_capabilities'],
        remainingPercent: '75',
        nextLower: {
          $typeName: 'safeguards.v1.NextServiceLevel',
          name: 'standard',
          atPercent: '50',
        },
      },
      burnRateLastHour: '9.5',
      // 40 in 2 h 1 min 1 s.
      burnRateLastDay: '19.831979',
      projectedExhaustionTime: 2 * HOUR + MINUTE + SECOND + 16 * HOUR,
      lastSpendTime: 2 * HOUR + MINUTE,
      lastDenialTime: 2 * HOUR + MINUTE,
      priority: 8,
      state: AgentState.ACTIVE,
      updateTime: 2 * HOUR + MINUTE,
    });
  });

  test('of one that did nothing have neither spends nor an end', async () => {
    expect(fields(await agentMetrics())).toMatchObject({
      usagePercent: '0',
      spendCount: 0n,
      denialCount: 0n,
      burnRateLastHour: '0',
      burnRateLastDay: '0',
    });
    const { lastSpendTime, lastDenialTime, projectedExhaustionTime } = await agentMetrics();
    const times = [lastSpendTime, lastDenialTime, projectedExhaustionTime];
    expect(times).toEqual([undefined, undefined, undefined]);
  });

  test('say that usage is high strictly above 80 percent', async () => {
    await memory.must(order.spend('a', '160'));
    const of = async () => {
      const { remainingBudget, usagePercent, highUsage } = await agentMetrics();
      return [remainingBudget, usagePercent, highUsage];
    };
    expect(await of()).toEqual(['40', '80', false]);
    await memory.must(order.spend('a', '0.1'));
    expect(await of()).toEqual(['39.9', '80.05', true]);
  });

  test('are refused for who is unknown or has no id', async () => {
    expect(await failing(agents, method.getAgentMetrics, { agentId: 'x' })).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'AGENT_NOT_FOUND',
      metadata: { agent_id: 'x' },
    });
    expect(await failing(agents, method.getAgentMetrics, { agentId: '' })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      fields: ['agent_id'],
    });
  });

  test('come as JSON too', async () => {
    await memory.must(order.spend('a', '1'));
    const path = '/safeguards.v1.MetricsService/GetAgentMetrics';
    const response = await post(agentAddress, path, { agentId: 'a' });
    expect(response.json).toMatchObject({
      metrics: { usedBudget: '1', usagePercent: '0.5', spendCount: '1', burnRateLastHour: '1' },
    });
  });
});

test('the metrics of a pool are all there', async () => {
  await memory.must(order.spend('a', '250', { mode: 'FORCE' }));
  await memory.must(order.createAgent('b', 'p', '100'));
  await memory.must(order.reserve('b', '10'));
  memory.time.pass(DAY - MINUTE);
  await memory.must(order.spend('b', '0.75'));
  await memory.must(order.poolState('FREEZE_POOL', 'p'));
  const { metrics } = await unary(operators, method.getPoolMetrics, { poolId: 'p' }, asAdmin());
  expect(fields(metrics)).toEqual({
    poolId: 'p',
    unit: 'USD',
    initialBudget: '1000',
    funded: '1000',
    usedBudget: '250.75',
    remainingBudget: '749.25',
    assigned: '49.25',
    unallocated: '700',
    free: '600',
    debt: '50',
    reserved: '0',
    minBalance: '50',
    agentCount: 2,
    baseline: '1000',
    remainingPercent: '74.925',
    burnRateLastHour: '0.75',
    burnRateLastDay: '10.447917',
    priority: 7,
    state: PoolState.FROZEN,
  });
  const unknown = await failing(operators, method.getPoolMetrics, { poolId: 'x' }, asAdmin());
  expect(unknown).toMatchObject({ code: 'NOT_FOUND', reason: 'POOL_NOT_FOUND' });
});

test('lists go page by page, and a token is of its filter only', async () => {
  for (const id of ['b', 'c', 'd']) await memory.must(order.createAgent(id, 'p', '10'));
  await memory.must(order.spend('c', '9'));
  const list = (request: object) =>
    unary(operators, method.listAgentMetrics, { poolId: 'p', ...request }, asAdmin());
  const first = await list({ pageSize: 3 });
  expect(first.metrics.map(({ agentId }) => agentId)).toEqual(['a', 'b', 'c']);
  const { nextPageToken: pageToken } = first;
  const second = await list({ pageSize: 3, pageToken });
  expect(second.metrics.map(({ agentId }) => agentId)).toEqual(['d']);
  expect(second.nextPageToken).toBe('');
  expect((await list({ onlyHighUsage: true })).metrics.map(({ agentId }) => agentId)).toEqual([
    'c',
  ]);
  for (const other of [{ poolId: '' }, { onlyHighUsage: true }]) {
    const request = { poolId: 'p', ...other, pageToken };
    expect(await failing(operators, method.listAgentMetrics, request, asAdmin())).toMatchObject({
      reason: 'PAGE_TOKEN_INVALID',
    });
  }
  const pools = await unary(operators, method.listPoolMetrics, { pageSize: 1 }, asAdmin());
  expect(pools.metrics.map(({ poolId }) => poolId)).toEqual(['default']);
  const rest = { pageSize: 5, pageToken: pools.nextPageToken };
  const others = await unary(operators, method.listPoolMetrics, rest, asAdmin());
  expect(others.metrics.map(({ poolId }) => poolId)).toEqual(['p']);
});

test('the metrics of the store are all there', async () => {
  await memory.must(order.createPool('e', '20', { unit: 'EUR' }));
  await memory.must(order.createAgent('b', 'e', '5'));
  await memory.must(order.agentState('FREEZE_AGENT', 'b'));
  await memory.must(order.spend('a', '1'));
  await memory.must(order.reserve('a', '2.5'));
  const { metrics } = await unary(operators, method.getSystemMetrics, {}, asAdmin());
  const { units, ...counts } = fields(metrics);
  expect(counts).toEqual({
    poolCount: 3n,
    activeAgentCount: 1n,
    frozenAgentCount: 1n,
    closedAgentCount: 0n,
    openReservationCount: 1n,
    spendCountLastHour: 1n,
    spendCountLastDay: 1n,
    headSequence: BigInt(memory.head),
    entryCount: BigInt(memory.head),
    storeTime: MINUTE,
    storeSizeBytes: 0n,
  });
  expect(metrics!.units.map(fields)).toEqual([
    {
      unit: 'EUR',
      poolCount: 1n,
      funded: '20',
      spent: '0',
      reserved: '0',
      remaining: '20',
      assigned: '5',
      unallocated: '15',
      debt: '0',
    },
    {
      unit: 'USD',
      poolCount: 2n,
      funded: '1000',
      spent: '1',
      reserved: '2.5',
      remaining: '996.5',
      assigned: '199',
      unallocated: '800',
      debt: '0',
    },
  ]);
  expect(units).toHaveLength(2);
});
