/** The strategies through the wire, on a real ledger. */
import type { Client } from '@grpc/grpc-js';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { toJson, type DescMethodUnary } from '@bufbuild/protobuf';
import {
  AllocateByPriorityResponseSchema,
  AllocationShortagePolicy,
  RebalanceNormalization,
  UsageStatistic,
} from '../../src/gen/safeguards/v1/allocation_pb.js';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { MetricsService } from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import { EntryKind } from '../../src/gen/safeguards/v1/entry_pb.js';
import { agentState, createAgent, createPool, setBudget, spend } from '../fakes/commands.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { asAdmin, connect, drain, failing, serverStream, unary } from './support/grpc.js';
import { serve, type Harness } from './support/harness.js';

const { allocateDynamic, allocateByPriority, rebalancePool, getPool } = BudgetAdminService.method;

let memory: MemoryLedger;
let harness: Harness;
let operator: Client;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  onTestFinished(() => memory.ledger.close());
  await memory.must(createPool('p', '1000'));
  for (const [id, priority] of [
    ['a', 8],
    ['b', 5],
    ['c', 2],
  ] as const) {
    await memory.must(createAgent(id, 'p', '0', { priority }));
  }
  harness = await serve({ ledger: memory.ledger });
  operator = connect(harness.admin);
});

/** What each agent had and has. */
function changes(response: {
  readonly allocations: readonly {
    readonly agentId: string;
    readonly oldRemaining: string;
    readonly newRemaining: string;
  }[];
}): readonly string[] {
  return response.allocations.map((row) => {
    return `${row.agentId} ${row.oldRemaining} -> ${row.newRemaining}`;
  });
}

test('RebalancePool divides what the pool has, and a retry is answered from memory', async () => {
  const request = { requestId: 'r-1', poolId: 'p', reason: 'monday' };
  const first = await unary(operator, rebalancePool, request, asAdmin());
  expect(changes(first)).toEqual(['a 0 -> 533.333334', 'b 0 -> 333.333333', 'c 0 -> 133.333333']);
  expect(first).toMatchObject({ replayed: false, total: '1000', pool: { id: 'p', free: '0' } });
  expect(first.sequence).toBe(BigInt(memory.head));
  const again = await unary(operator, rebalancePool, request, asAdmin());
  expect(again).toEqual({ ...first, replayed: true });
});

test('RebalancePool takes every field', async () => {
  await memory.must(setBudget('b', '30'));
  await memory.must(spend('b', '10'));
  const request = {
    poolId: 'p',
    agentIds: ['b', 'a', 'b'],
    total: '600',
    priorityWeight: '1',
    usageWeight: '0.5',
    minPerAgent: '50',
    normalization: RebalanceNormalization.RAW,
    window: { seconds: 3_600n, nanos: 0 },
    validateOnly: true,
  };
  const response = await unary(operator, rebalancePool, request, asAdmin());
  // 50 each, then 500 by 8 + 0.5 and 5 + 5.
  expect(changes(response)).toEqual(['a 0 -> 279.72973', 'b 20 -> 320.27027']);
  expect(response.allocations[1]).toMatchObject({ usageAmount: '10', usageEntryCount: 1n });
  expect(response.sequence).toBe(0n);
  expect(memory.ledger.agent('a')?.agent.allocated).toBe(0n);
});

test('AllocateByPriority shows the table of the guide, with what it left out', async () => {
  await memory.must(setBudget('c', '7'));
  await memory.must(agentState('FREEZE_AGENT', 'c'));
  const request = { poolId: 'p', total: '650', criticalMinimum: '0' };
  const response = await unary(operator, allocateByPriority, request, asAdmin());
  const { allocations, total } = toJson(AllocateByPriorityResponseSchema, response, {
    alwaysEmitImplicit: true,
  }) as { readonly allocations: unknown; readonly total: string };
  const row = { usageAmount: '', usageEntryCount: '0', leftOut: false };
  expect(total).toBe('650');
  expect(allocations).toEqual([
    {
      ...row,
      ...{ agentId: 'a', priority: 8, oldRemaining: '0', newRemaining: '400' },
      ...{ changeAmount: '400', baseline: '400' },
    },
    {
      ...row,
      ...{ agentId: 'b', priority: 5, oldRemaining: '0', newRemaining: '250' },
      ...{ changeAmount: '250', baseline: '250' },
    },
    {
      ...row,
      ...{ agentId: 'c', priority: 2, oldRemaining: '7', newRemaining: '7' },
      ...{ changeAmount: '0', baseline: '7', leftOut: true },
    },
  ]);
});

test('AllocateByPriority refuses minimums above the total, or scales them', async () => {
  const request = { poolId: 'p', total: '30', criticalPriority: 5 };
  expect(await failing(operator, allocateByPriority, request, asAdmin())).toMatchObject({
    code: 'FAILED_PRECONDITION',
    reason: 'ALLOCATION_SHORTAGE',
    metadata: { pool_id: 'p', total: '30', minimums: '100', shortfall: '70' },
  });
  const scaled = { ...request, shortage: AllocationShortagePolicy.SCALE };
  const response = await unary(operator, allocateByPriority, scaled, asAdmin());
  expect(changes(response)).toEqual(['a 0 -> 15', 'b 0 -> 15', 'c 0 -> 0']);
});

test('AllocateDynamic follows usage, and its entry is the pool’s', async () => {
  for (const amount of ['100', '200', '300']) {
    await memory.must(setBudget('a', amount));
    await memory.must(spend('a', amount));
  }
  const request = { poolId: 'p', baseBudget: '50', agentIds: ['a', 'b'], maxBudget: '240' };
  const response = await unary(operator, allocateDynamic, request, asAdmin());
  expect(changes(response)).toEqual(['a 0 -> 240', 'b 0 -> 50']);
  expect(response.total).toBe('290');
  const hourly = { ...request, statistic: UsageStatistic.MEAN_PER_HOUR, usageMultiplier: '2' };
  const rehearsed = { ...hourly, validateOnly: true };
  const second = await unary(operator, allocateDynamic, rehearsed, asAdmin());
  expect(changes(second)).toEqual(['a 240 -> 50', 'b 50 -> 50']);

  const { exportLedger, listBudgetChanges } = MetricsService.method;
  const after = { afterSequence: response.sequence - 1n };
  const { messages } = await drain(serverStream(operator, exportLedger, after, asAdmin()));
  expect(messages[0]?.entry).toMatchObject({
    kind: EntryKind.ALLOCATE,
    agentId: '',
    poolId: 'p',
    amount: '290',
  });
  const filter = { agentId: 'b', kinds: [EntryKind.ALLOCATE] };
  const { changes: listed } = await unary(operator, listBudgetChanges, filter, asAdmin());
  expect(listed).toMatchObject([{ oldBudget: '0', newBudget: '50', changeAmount: '50' }]);
});

const METHODS: readonly DescMethodUnary[] = [allocateDynamic, allocateByPriority, rebalancePool];

test.each(METHODS)('$name does not exist for agents', async (method) => {
  const failure = await failing(connect(harness.agent), method, {});
  expect(failure.code).toBe('UNIMPLEMENTED');
});

test('agents and pools are refused by name', async () => {
  const unknown = Array.from({ length: 25 }, (_, at) => `x${String(at).padStart(2, '0')}`);
  const failures = await Promise.all(
    [
      { poolId: 'none' },
      { poolId: 'p', agentIds: unknown },
      { poolId: 'default', agentIds: ['a', 'b'] },
      { poolId: 'p', expectedRevision: 9n },
      { poolId: 'p', total: '1000.000001' },
    ].map((request) => failing(operator, rebalancePool, request, asAdmin())),
  );
  expect(failures).toMatchObject([
    { code: 'NOT_FOUND', reason: 'POOL_NOT_FOUND' },
    {
      code: 'NOT_FOUND',
      reason: 'AGENT_NOT_FOUND',
      metadata: { agent_ids: unknown.slice(0, 20).join(' '), agent_ids_omitted: '5' },
    },
    { reason: 'INVALID_REQUEST', fields: ['agent_ids', 'agent_ids'] },
    { code: 'ABORTED', reason: 'REVISION_STALE' },
    { code: 'FAILED_PRECONDITION', reason: 'INSUFFICIENT_POOL_BUDGET' },
  ]);
  const { pool } = await unary(operator, getPool, { poolId: 'p' }, asAdmin());
  expect(pool?.free).toBe('1000');
});
