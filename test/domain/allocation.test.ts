/** The strategies, numbers in, numbers out, on a pool of scale 6. */
import { formatAmount, percentOf } from '../../src/domain/amount.js';
import { freeOf } from '../../src/domain/budget.js';
import type { AllocationCommand } from '../../src/domain/allocation/command.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentState,
  allocateByPriority,
  allocateDynamic,
  createAgent,
  createPool,
  deleteAgent,
  fundPool,
  poolState,
  rebalancePool,
  refund,
  reserve,
  setBudget,
  spend,
  updatePool,
} from '../fakes/commands.js';
import { DAY, HOUR, MINUTE } from '../fakes/manual-time.js';
import { disagreements, worldWithPool, type World } from '../fakes/world.js';
import { money } from '../support/seed.js';

let world: World;
beforeEach(() => {
  world = worldWithPool('1000');
});
afterEach(() => {
  expect(disagreements(world)).toEqual([]);
});

/** Makes agents a, b, c and so on, each with what it used, and nothing left to anybody. */
function agents(priorities: readonly number[], history: readonly (readonly string[])[] = []): void {
  priorities.forEach((priority, at) => {
    const id = String.fromCharCode(97 + at);
    world.must(createAgent(id, 'p', '0', { priority }));
    for (const amount of history[at] ?? []) {
      world.must(fundPool('p', amount));
      world.must(setBudget(id, amount));
      world.must(spend(id, amount));
    }
  });
}

/** What remains to each agent, in the order they were made. */
function remaining(): readonly string[] {
  return [...world.agents.values()].map((agent) => world.budget(agent.id).remaining);
}

function sum(amounts: readonly string[]): string {
  return formatAmount(amounts.reduce((total, amount) => total + money(amount), 0n));
}

describe('a dynamic budget (multiplier 1.2, base 50)', () => {
  test.each([
    ['100, 200, 300', {}, '240'],
    ['', {}, '50'],
    ['10, 20', {}, '50'],
    ['100, 200, 300', { maxBudget: money('200') }, '200'],
    ['', { maxBudget: money('20') }, '20'],
    ['100, 200, 300', { usageMultiplier: money('0.5') }, '100'],
    ['100, 200, 300', { statistic: 'MEAN_PER_HOUR', windowMs: 2 * HOUR }, '360'],
    ['100, 200, 300', { statistic: 'MEAN_PER_HOUR' }, '50'],
    ['', { statistic: 'MEAN_PER_HOUR' }, '50'],
    // 1000 x 1.2 / 7 = 171.428571 4..., 500 x 1.2 / 7 = 85.714285 7...
    ['400, 100, 100, 100, 100, 100, 100', {}, '171.428571'],
    ['200, 50, 50, 50, 50, 50, 50', {}, '85.714286'],
    // 100.000001 x 0.5 = 50.0000005: half up.
    ['100.000001', { usageMultiplier: money('0.5') }, '50.000001'],
    ['0, 0, 300', {}, '120'],
  ] as const)('of %s with %o is %s', (history, over, expected) => {
    agents([5], [history === '' ? [] : history.split(', ')]);
    world.must(allocateDynamic('p', '50', over));
    expect(remaining()).toEqual([expected]);
  });

  test('looks at the window only, and a refund takes nothing away', () => {
    agents([5], [['300']]);
    world.now += DAY + MINUTE;
    world.must(createAgent('b', 'p', '200'));
    const { sequence } = world.must(spend('b', '100'));
    world.must(refund(sequence, '40'));
    const { allocations } = world.must(allocateDynamic('p', '50'));
    expect(allocations.map(({ usage }) => usage)).toEqual([
      { amount: 0n, entries: 0 },
      { amount: money('100'), entries: 1 },
    ]);
    expect(remaining()).toEqual(['50', '120']);
  });

  test('beyond what the pool has free and the agents have is refused, and nothing changes', () => {
    agents([5, 5], [['1000'], ['1000']]);
    world.must(setBudget('a', '300'));
    const before = [remaining(), world.money('p'), world.entries.length];
    expect(world.do(allocateDynamic('p', '50'))).toMatchObject({
      reason: 'INSUFFICIENT_POOL_BUDGET',
      metadata: {
        pool_id: 'p',
        free: '700',
        agents_have: '300',
        needed: '2400',
        shortfall: '1400',
      },
    });
    expect([remaining(), world.money('p'), world.entries.length]).toEqual(before);
  });
});

describe('by priority (critical from 8 on, minimum 50)', () => {
  const five = { criticalMinimum: money('50') };
  test.each([
    [[9, 5, 3], '1000', five, ['552.941176', '279.411765', '167.647059']],
    [[5, 3, 2], '1000', five, ['500', '300', '200']],
    [[10, 9, 8, 5], '120', { shortage: 'SCALE' }, ['40', '40', '40', '0']],
    [[7, 7, 7], '100', five, ['33.333334', '33.333333', '33.333333']],
    [[3, 5, 9], '1000', five, ['167.647059', '279.411765', '552.941176']],
    [[9, 9, 9], '100', { shortage: 'SCALE' }, ['33.333334', '33.333333', '33.333333']],
    [[8, 5], '50', five, ['50', '0']],
    [[9, 5], '0', { criticalMinimum: 0n }, ['0', '0']],
    [[9, 9], '0.000001', { criticalMinimum: 0n }, ['0.000001', '0']],
    [[7, 5], '1000', { criticalPriority: 7 }, ['604.166667', '395.833333']],
  ] as const)('%j divide %s with %o: %j', (priorities, total, over, expected) => {
    agents(priorities);
    const outcome = world.must(allocateByPriority('p', total, over));
    expect(remaining()).toEqual(expected);
    expect(sum(remaining())).toBe(total);
    expect(formatAmount(outcome.amount)).toBe(total);
  });

  test('minimums above the total are a shortage, and nothing changes', () => {
    agents([10, 9, 8, 5]);
    expect(world.do(allocateByPriority('p', '120'))).toMatchObject({
      reason: 'ALLOCATION_SHORTAGE',
      metadata: { pool_id: 'p', total: '120', minimums: '150', shortfall: '30' },
    });
    expect(remaining()).toEqual(['0', '0', '0', '0']);
  });

  test('without a total everything that remains to the pool is divided', () => {
    agents([5, 3, 2]);
    world.must(setBudget('c', '100'));
    world.must(spend('c', '40'));
    world.must(allocateByPriority('p', undefined));
    expect(remaining()).toEqual(['480', '288', '192']);
    expect(world.money('p')).toMatchObject({ unallocated: '0', spent: '40' });
  });
});

describe('a rebalancing (70 / 30)', () => {
  const raw = { normalization: 'RAW' } as const;
  test.each([
    ['no history', raw, '0', ['517.54386', '333.333333', '149.122807']],
    ['no history', {}, '0', ['533.333334', '333.333333', '133.333333']],
    ['no history', {}, '100', ['480', '300', '120']],
    ['no history', { minPerAgent: money('100') }, '0', ['473.333334', '333.333333', '193.333333']],
    ['no history', { usageWeight: 0n }, '0', ['533.333334', '333.333333', '133.333333']],
    ['no history', { priorityWeight: 0n }, '0', ['533.333334', '333.333333', '133.333333']],
    ['no history', { ...raw, priorityWeight: 0n }, '0', ['333.333334', '333.333333', '333.333333']],
  ] as const)('of 8, 5, 2 with %s, %o, min_balance %s', (_history, over, minBalance, expected) => {
    world.must(updatePool('p', { minBalance: money(minBalance) }));
    agents([8, 5, 2]);
    world.must(rebalancePool('p', undefined, over));
    expect(remaining()).toEqual(expected);
    expect(freeOf(world.poolById('p')!)).toBe(0n);
  });

  test.each([
    [raw, ['138.990826', '461.009174']],
    [{}, ['300', '300']],
  ] as const)('of p8 [10, 20] and p5 [100] divides 600 with %o into %j', (over, expected) => {
    agents([8, 5], [['10', '20'], ['100']]);
    world.must(rebalancePool('p', '600', over));
    expect(remaining()).toEqual(expected);
  });

  test('whose usage was free of charge goes by priority alone', () => {
    agents([8, 2], [['0'], ['0']]);
    world.must(rebalancePool('p', '100', { ...raw, priorityWeight: 0n }));
    expect(remaining()).toEqual(['80', '20']);
  });

  test('with minimums above the total is a shortage', () => {
    agents([8, 5, 2]);
    expect(world.verdict(rebalancePool('p', '299', { minPerAgent: money('100') }))).toBe(
      'ALLOCATION_SHORTAGE',
    );
    world.must(rebalancePool('p', '300', { minPerAgent: money('100') }));
    expect(remaining()).toEqual(['100', '100', '100']);
  });
});

describe('every strategy', () => {
  test('lets a shrink later in the list fund a growth earlier', () => {
    agents([9, 1]);
    world.must(setBudget('b', '1000'));
    const { sequence } = world.must(allocateByPriority('p', '1000', { criticalMinimum: 0n }));
    expect(remaining()).toEqual(['900', '100']);
    expect(world.entries.at(-1)).toMatchObject({ kind: 'ALLOCATE', sequence });
    expect(world.entries.at(-1)!.accounts.map(({ kind }) => kind)).toEqual([
      'POOL',
      'AGENT',
      'AGENT',
    ]);
  });

  test('shows what was, what is, and what each was judged by', () => {
    agents([5, 8], [['10', '20']]);
    world.must(setBudget('b', '7'));
    const { allocations } = world.must(rebalancePool('p', '100', { agentIds: ['a', 'b'] }));
    expect(allocations).toEqual([
      {
        agentId: 'b',
        priority: 8,
        before: money('7'),
        after: money('43.076923'),
        baseline: money('43.076923'),
        usage: { amount: 0n, entries: 0 },
        leftOut: false,
      },
      {
        agentId: 'a',
        priority: 5,
        before: 0n,
        after: money('56.923077'),
        baseline: money('56.923077'),
        usage: { amount: money('30'), entries: 2 },
        leftOut: false,
      },
    ]);
  });

  test('leaves frozen agents and their money out, and says so, also when they are named', () => {
    agents([8, 5, 2]);
    world.must(setBudget('b', '400'));
    world.must(agentState('FREEZE_AGENT', 'b'));
    const command = allocateByPriority('p', undefined, { criticalMinimum: 0n });
    const { allocations, amount } = world.must(command);
    expect(remaining()).toEqual(['480', '400', '120']);
    expect(formatAmount(amount)).toBe('600');
    expect(allocations.map(({ agentId, leftOut }) => [agentId, leftOut])).toEqual([
      ['a', false],
      ['b', true],
      ['c', false],
    ]);
    const named = world.must(allocateByPriority('p', undefined, { agentIds: ['b'] }));
    expect(named).toMatchObject({ sequence: 0, amount: 0n, allocations: [{ leftOut: true }] });
  });

  test('takes only the agents that are named, and the others keep theirs', () => {
    agents([8, 5, 2]);
    world.must(setBudget('c', '400'));
    world.must(allocateByPriority('p', undefined, { agentIds: ['a', 'b'] }));
    expect(remaining()).toEqual(['388.461538', '211.538462', '400']);
  });

  test('leaves holds on top, and what each then has is the 100 percent', () => {
    agents([5, 5]);
    world.must(setBudget('a', '100'));
    world.must(reserve('a', '30'));
    world.must(rebalancePool('p', undefined));
    expect(remaining()).toEqual(['485', '485']);
    const { baseline, base, allocated } = world.agentById('a')!;
    expect([baseline, base, allocated].map(formatAmount)).toEqual(['515', '515', '515']);
    world.must(setBudget('a', '10'));
    expect(formatAmount(world.agentById('a')!.baseline)).toBe('515');
    world.must(rebalancePool('p', '20'));
    expect(percentOf(world.agentById('b')!.allocated, world.agentById('b')!.baseline)).toBe('100');
  });

  test('pays a debt first: 850 of 1000 are left when somebody owes 50 of its 100', () => {
    agents([5, 5]);
    world.must(setBudget('a', '100'));
    world.must(spend('a', '150', { mode: 'FORCE' }));
    expect(world.verdict(rebalancePool('p', '850.000001'))).toBe('INSUFFICIENT_POOL_BUDGET');
    const { amount } = world.must(rebalancePool('p', undefined));
    expect(formatAmount(amount)).toBe('850');
    expect(sum(remaining())).toBe('850');
    expect(world.money('p')).toMatchObject({ debt: '0', unallocated: '0' });
  });

  test('keeps back the debt of an agent that takes no part', () => {
    agents([5, 5]);
    world.must(setBudget('a', '100'));
    world.must(spend('a', '150', { mode: 'FORCE' }));
    world.must(allocateByPriority('p', undefined, { agentIds: ['b'] }));
    expect(remaining()).toEqual(['-50', '850']);
    expect(freeOf(world.poolById('p')!)).toBe(0n);
  });

  test('fills what is missing to the holds of an agent below zero', () => {
    agents([5]);
    world.must(setBudget('a', '100'));
    world.must(reserve('a', '60'));
    world.must(spend('a', '80', { mode: 'FORCE' }));
    expect(remaining()).toEqual(['-40']);
    world.must(allocateByPriority('p', undefined));
    expect(remaining()).toEqual(['860']);
    expect(world.money('p')).toMatchObject({ spent: '80', reserved: '60', unallocated: '0' });
  });

  test('mints in a pool on demand what its total lacks, and nothing without a total', () => {
    world.must(createPool('q', '0', { funding: 'ON_DEMAND' }));
    world.must(createAgent('x', 'q', '100', { priority: 6 }));
    world.must(createAgent('y', 'q', '60', { priority: 2 }));
    world.must(allocateByPriority('q', undefined));
    expect([world.budget('x').remaining, world.budget('y').remaining]).toEqual(['120', '40']);
    expect(world.money('q')).toMatchObject({ funded: '160', unallocated: '0' });
    world.must(allocateDynamic('q', '100'));
    expect(world.money('q')).toMatchObject({ funded: '200', unallocated: '0' });
  });

  test('has nothing to divide when the pool keeps back more than there is', () => {
    agents([5]);
    world.must(setBudget('a', '300'));
    world.must(updatePool('p', { minBalance: money('1000.5') }));
    for (const total of [undefined, '0', '300']) {
      expect(world.do(rebalancePool('p', total))).toMatchObject({
        reason: 'INSUFFICIENT_POOL_BUDGET',
        metadata: { free: '-300.5', agents_have: '300', needed: total ?? '0' },
      });
    }
  });

  test('of a pool without agents, or with nothing to change, writes nothing', () => {
    const nobody = world.must(rebalancePool('p', undefined));
    expect(nobody).toMatchObject({ sequence: 0, amount: 0n, allocations: [] });
    agents([5]);
    world.must(rebalancePool('p', undefined));
    expect(world.must(rebalancePool('p', undefined)).sequence).toBe(0);
  });

  test('works in a frozen pool: operators may', () => {
    agents([5]);
    world.must(poolState('FREEZE_POOL', 'p'));
    world.must(rebalancePool('p', undefined));
    expect(remaining()).toEqual(['1000']);
  });
});

const strategies: readonly (readonly [string, (over: object) => AllocationCommand])[] = [
  ['AllocateDynamic', (over) => allocateDynamic('p', '1', over)],
  ['AllocateByPriority', (over) => allocateByPriority('p', '100', over)],
  ['RebalancePool', (over) => rebalancePool('p', '100', over)],
];

describe.each(strategies)('%s refuses', (_name, strategy) => {
  beforeEach(() => {
    agents([5, 5]);
    world.must(createPool('q', '10'));
    world.must(createAgent('x', 'q', '10'));
    world.must(createAgent('gone', 'p', '10'));
    world.must(deleteAgent('gone'));
  });

  test.each([
    ['a pool that is not there', { poolId: 'none' }, 'POOL_NOT_FOUND'],
    ['an agent that is not there', { agentIds: ['a', 'none'] }, 'AGENT_NOT_FOUND'],
    ['an agent that was deleted', { agentIds: ['a', 'gone'] }, 'AGENT_CLOSED'],
    ['an agent of another pool', { agentIds: ['a', 'x'] }, 'INVALID_REQUEST'],
    ['another revision', { expectedRevision: 7 }, 'REVISION_STALE'],
  ])('%s', (_what, over, reason) => {
    expect(world.verdict(strategy(over))).toBe(reason);
    expect(world.verdict(strategy({}))).toBe('OK');
  });

  test('more agents than it takes', () => {
    const pool = world.poolById('p')!;
    world.pools.set(pool.uid, { ...pool, agentCount: 10_001 });
    expect(world.do(strategy({}))).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: [
        { field: 'agent_ids', description: 'pool p has 10001 agents; name at most 10000 of them' },
      ],
    });
    world.pools.set(pool.uid, pool);
  });
});

test('digits beyond the scale of the pool are refused, all at once', () => {
  agents([5]);
  const tiny = money('0.0000001');
  const refused = [
    allocateDynamic('p', '0.0000001', { maxBudget: tiny }),
    allocateByPriority('p', '0.0000001', { criticalMinimum: tiny }),
    rebalancePool('p', '0.0000001', { minPerAgent: tiny }),
  ].map((command) => world.do(command));
  expect(refused).toMatchObject([
    { fields: [{ field: 'base_budget' }, { field: 'max_budget' }] },
    { fields: [{ field: 'total' }, { field: 'critical_minimum' }] },
    { fields: [{ field: 'total' }, { field: 'min_per_agent' }] },
  ]);
});
