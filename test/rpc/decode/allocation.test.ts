import { describe, expect, test } from 'vitest';
import {
  AllocateByPriorityRequestSchema,
  AllocateDynamicRequestSchema,
  RebalancePoolRequestSchema,
} from '../../../src/gen/safeguards/v1/allocation_pb.js';
import {
  decodeAllocateByPriority,
  decodeAllocateDynamic,
  decodeRebalancePool,
} from '../../../src/rpc/decode/allocation.js';
import { decoding, refusedFields } from '../support/requests.js';
import { amount } from '../support/rows.js';

const dynamic = decoding(
  AllocateDynamicRequestSchema,
  { poolId: 'p', baseBudget: '50' },
  decodeAllocateDynamic,
);
const byPriority = decoding(
  AllocateByPriorityRequestSchema,
  { poolId: 'p' },
  decodeAllocateByPriority,
);
const rebalance = decoding(RebalancePoolRequestSchema, { poolId: 'p' }, decodeRebalancePool);

const common = {
  requestId: '',
  reason: '',
  poolId: 'p',
  agentIds: [],
  validateOnly: false,
  expectedRevision: undefined,
};
const DAY_MS = 86_400_000;

describe('what is left out', () => {
  test('means what the guide does', () => {
    expect(dynamic()).toEqual({
      method: 'ALLOCATE_DYNAMIC',
      ...common,
      baseBudget: amount('50'),
      usageMultiplier: amount('1.2'),
      maxBudget: undefined,
      statistic: 'MEAN_PER_ENTRY',
      windowMs: DAY_MS,
    });
    expect(byPriority()).toEqual({
      method: 'ALLOCATE_BY_PRIORITY',
      ...common,
      total: undefined,
      criticalPriority: 8,
      criticalMinimum: amount('50'),
      shortage: 'REJECT',
    });
    expect(rebalance()).toEqual({
      method: 'REBALANCE_POOL',
      ...common,
      total: undefined,
      priorityWeight: amount('0.7'),
      usageWeight: amount('0.3'),
      minPerAgent: 0n,
      normalization: 'SHARE',
      windowMs: DAY_MS,
    });
  });

  test('is not what was given as nothing', () => {
    expect(byPriority({ total: '0', criticalMinimum: '0' })).toMatchObject({
      total: 0n,
      criticalMinimum: 0n,
    });
    expect(dynamic({ baseBudget: '0', maxBudget: '0' })).toMatchObject({
      baseBudget: 0n,
      maxBudget: 0n,
    });
    expect(rebalance({ usageWeight: '0' })).toMatchObject({
      priorityWeight: amount('0.7'),
      usageWeight: 0n,
    });
  });
});

test('the agents are a set', () => {
  const named = { agentIds: ['b', 'a', 'b', 'B'] };
  for (const read of [dynamic(named), byPriority(named), rebalance(named)]) {
    expect(read).toMatchObject({ agentIds: ['B', 'a', 'b'] });
  }
});

const many = Array.from({ length: 10_001 }, (_, at) => `a${at}`);

test.each([
  [{ poolId: '' }, ['pool_id']],
  [{ agentIds: ['a', '', '?'] }, ['agent_ids[1]', 'agent_ids[2]']],
  [{ agentIds: many }, ['agent_ids']],
  [{ expectedRevision: 0n }, ['expected_revision']],
  [{ reason: 'x'.repeat(513) }, ['reason']],
])('every strategy refuses %o', (change, fields) => {
  for (const read of [dynamic(change), byPriority(change), rebalance(change)]) {
    expect(refusedFields(read)).toEqual(fields);
  }
});

test.each([
  [{ baseBudget: '' }, ['base_budget']],
  [
    { baseBudget: '-1', usageMultiplier: '0', maxBudget: 'x' },
    ['base_budget', 'usage_multiplier', 'max_budget'],
  ],
  [{ statistic: 9, window: { seconds: 59n, nanos: 0 } }, ['statistic', 'window']],
  [{ window: { seconds: 7_776_000n, nanos: 1 } }, ['window']],
])('a dynamic allocation refuses %o', (change, fields) => {
  expect(refusedFields(dynamic(change))).toEqual(fields);
});

test.each([
  [{ total: '-1', criticalMinimum: '1e3' }, ['total', 'critical_minimum']],
  [{ criticalPriority: 0 }, ['critical_priority']],
  [{ criticalPriority: 11, shortage: 3 }, ['critical_priority', 'shortage']],
])('an allocation by priority refuses %o', (change, fields) => {
  expect(refusedFields(byPriority(change))).toEqual(fields);
});

test.each([
  [{ priorityWeight: '0', usageWeight: '0.0' }, ['priority_weight']],
  [{ priorityWeight: '-1', usageWeight: 'half' }, ['priority_weight', 'usage_weight']],
  [{ minPerAgent: '-5', normalization: 3 }, ['min_per_agent', 'normalization']],
])('a rebalancing refuses %o', (change, fields) => {
  expect(refusedFields(rebalance(change))).toEqual(fields);
});

test.each([60n, 7_776_000n])('a window of %i seconds is taken', (seconds) => {
  const window = { seconds, nanos: 0 };
  expect(rebalance({ window })).toMatchObject({ windowMs: Number(seconds) * 1_000 });
});
