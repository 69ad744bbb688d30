/** Numbers in, numbers out: what a user of the guide would compute by hand. */
import { formatAmount, percentOf } from '../../src/domain/amount.js';
import { freeOf, poolRemainingOf } from '../../src/domain/budget.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  adjustBudget,
  commit,
  createAgent,
  createPool,
  deleteAgent,
  fundPool,
  moveAgent,
  poolState,
  refund,
  release,
  reserve,
  setBudget,
  spend,
  transfer,
  updatePool,
} from '../fakes/commands.js';
import { MINUTE } from '../fakes/manual-time.js';
import { disagreements, worldWithPool, type World } from '../fakes/world.js';

let world: World;
beforeEach(() => {
  world = worldWithPool('1000');
});
afterEach(() => {
  expect(disagreements(world)).toEqual([]);
});

function baseline(id: string): string {
  return formatAmount(world.agentById(id)!.baseline);
}

function percent(id: string): string {
  const { allocated, spent, reserved, baseline: whole } = world.agentById(id)!;
  return percentOf(allocated - spent - reserved, whole);
}

describe('pools', () => {
  test('three pools have what they were given and their priorities, 3500 in all', () => {
    const given = [
      ['critical_services', '1000', 9],
      ['standard_services', '2000', 5],
      ['background_tasks', '500', 2],
    ] as const;
    for (const [id, budget, priority] of given) world.must(createPool(id, budget, { priority }));
    const made = given.map(([id]) => world.poolById(id)!);
    expect(made.map((pool) => pool.priority)).toEqual([9, 5, 2]);
    expect(made.map((pool) => formatAmount(poolRemainingOf(pool)))).toEqual([
      '1000',
      '2000',
      '500',
    ]);
    const total = made.reduce((sum, pool) => sum + pool.funded, 0n);
    expect(formatAmount(total)).toBe('3500');
  });

  test('an id that is taken is refused', () => {
    expect(world.verdict(createPool('p', '5'))).toBe('POOL_ALREADY_EXISTS');
  });

  test('money and a minimum with too many digits are refused, both named at once', () => {
    const decided = world.do(createPool('q', '0.5', { scale: 0, minBalance: 1n }));
    expect(decided).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: [{ field: 'initial_budget' }, { field: 'min_balance' }],
    });
  });

  test('funding adds, withdrawing takes at most what is free', () => {
    world.must(createAgent('a', 'p', '300'));
    world.must(updatePool('p', { minBalance: 50_000_000_000_000n }));
    world.must(fundPool('p', '100'));
    expect(formatAmount(freeOf(world.poolById('p')!))).toBe('750');
    expect(world.verdict(fundPool('p', '-750.000001'))).toBe('INSUFFICIENT_POOL_BUDGET');
    world.must(fundPool('p', '-750'));
    expect(world.money('p')).toMatchObject({ funded: '350', unallocated: '50' });
  });

  test('a pool with agents is not deleted; an empty one gives its money back', () => {
    world.must(createAgent('a', 'p', '300'));
    expect(world.verdict(poolState('DELETE_POOL', 'p'))).toBe('POOL_NOT_EMPTY');
    world.must(spend('a', '100'));
    world.must(deleteAgent('a'));
    const { amount } = world.must(poolState('DELETE_POOL', 'p'));
    expect(formatAmount(amount)).toBe('900');
    expect(world.poolById('p')).toBeUndefined();
    world.must(createPool('p', '5'));
    expect(world.money('p')).toMatchObject({ funded: '5', spent: '0', unallocated: '5' });
  });

  test('the default pool mints what an operator allocates and is never deleted', () => {
    world.must(createPool('default', '0', { funding: 'ON_DEMAND' }));
    world.must(createAgent('a', '', '200'));
    expect(world.money('default')).toMatchObject({ funded: '200', unallocated: '0' });
    expect(world.verdict(spend('a', '201'))).toBe('INSUFFICIENT_BUDGET');
    world.must(deleteAgent('a'));
    expect(world.money('default')).toMatchObject({ funded: '200', unallocated: '200' });
    world.must(createAgent('b', '', '250'));
    expect(world.money('default')).toMatchObject({ funded: '250', unallocated: '0' });
    expect(world.verdict(poolState('DELETE_POOL', 'default'))).toBe('POOL_NOT_EMPTY');
  });
});

describe('agents', () => {
  test('100 less 30 is 70', () => {
    world.must(createAgent('a', 'p', '100'));
    world.must(spend('a', '30'));
    expect(world.budget('a')).toEqual({
      allocated: '100',
      spent: '30',
      reserved: '0',
      remaining: '70',
      available: '70',
    });
  });

  test('a budget of 2000 is refused in a fixed pool of 1000', () => {
    world.must(createAgent('a', 'p', '100'));
    expect(world.verdict(setBudget('a', '2000'))).toBe('INSUFFICIENT_POOL_BUDGET');
    expect(world.budget('a').remaining).toBe('100');
  });

  test('of ten agents with 500 in a fixed pool of 1000 two are made', () => {
    const ids = Array.from({ length: 10 }, (_, at) => `a${at}`);
    const verdicts = ids.map((id) => world.verdict(createAgent(id, 'p', '500')));
    expect(verdicts.filter((verdict) => verdict === 'OK')).toHaveLength(2);
    expect(new Set(verdicts)).toEqual(new Set(['OK', 'INSUFFICIENT_POOL_BUDGET']));
  });

  test('deleted and made again, its pool has as much unallocated as before', () => {
    world.must(createAgent('a', 'p', '100'));
    const before = world.money('p').unallocated;
    world.must(deleteAgent('a'));
    world.must(createAgent('a', 'p', '100'));
    expect(world.money('p').unallocated).toBe(before);
    expect(world.budget('a')).toMatchObject({ spent: '0', remaining: '100' });
    expect([...world.agents.values()].map((agent) => agent.state)).toEqual(['CLOSED', 'ACTIVE']);
  });

  test('100 set to 150 has used 0 and has 150', () => {
    world.must(createAgent('a', 'p', '100'));
    world.must(setBudget('a', '150'));
    expect(world.budget('a')).toMatchObject({ spent: '0', remaining: '150' });
    expect(percent('a')).toBe('100');
  });

  test('an adjustment takes at most what remains', () => {
    world.must(createAgent('a', 'p', '100'));
    world.must(reserve('a', '40'));
    expect(world.verdict(adjustBudget('a', '-60.000001'))).toBe('INSUFFICIENT_AGENT_BUDGET');
    world.must(adjustBudget('a', '-60'));
    expect(world.budget('a')).toMatchObject({ remaining: '0', reserved: '40' });
    world.must(adjustBudget('a', '10'));
    expect(world.budget('a').remaining).toBe('10');
  });

  test('open holds keep an agent from being deleted unless they are released with it', () => {
    world.must(createAgent('a', 'p', '100'));
    world.must(reserve('a', '40'));
    expect(world.verdict(deleteAgent('a'))).toBe('AGENT_HAS_RESERVATIONS');
    const { amount } = world.must(deleteAgent('a', { releaseReservations: true }));
    expect(formatAmount(amount)).toBe('100');
    expect(world.money('p')).toMatchObject({ reserved: '0', unallocated: '1000' });
  });
});

describe('a transfer', () => {
  beforeEach(() => {
    world.must(createAgent('a', 'p', '100'));
    world.must(createAgent('b', 'p', '50'));
  });

  test.each([
    ['agent a', 'agent b', '25', 'OK', '75', '75'],
    ['agent a', 'agent b', '100', 'OK', '0', '150'],
    ['agent a', 'agent b', '101', 'INSUFFICIENT_AGENT_BUDGET', '100', '50'],
    ['agent a', 'agent a', '1', 'INVALID_REQUEST', '100', '50'],
    ['pool p', 'agent a', '850', 'OK', '950', '50'],
    ['pool p', 'agent a', '851', 'INSUFFICIENT_POOL_BUDGET', '100', '50'],
    ['agent b', 'pool p', '50', 'OK', '100', '0'],
    ['agent b', 'agent x', '1', 'AGENT_NOT_FOUND', '100', '50'],
    ['agent b', 'pool x', '1', 'POOL_NOT_FOUND', '100', '50'],
    ['agent a', 'agent b', '0.0000001', 'INVALID_REQUEST', '100', '50'],
  ])('%s to %s, %s: %s', (source, destination, amount, verdict, a, b) => {
    expect(world.verdict(transfer(source, destination, amount))).toBe(verdict);
    expect([world.budget('a').remaining, world.budget('b').remaining]).toEqual([a, b]);
    expect(world.money('p')).toMatchObject({ funded: '1000', spent: '0' });
  });

  test('across pools the money moves with it', () => {
    world.must(createPool('q', '10'));
    world.must(createAgent('c', 'q', '10'));
    world.must(transfer('agent a', 'agent c', '40'));
    expect([world.budget('a').remaining, world.budget('c').remaining]).toEqual(['60', '50']);
    expect(world.money('p')).toMatchObject({ funded: '960', unallocated: '850' });
    expect(world.money('q')).toMatchObject({ funded: '50', unallocated: '0' });
  });

  test('to an agent that owes pays its debt first', () => {
    world.must(spend('b', '80', { mode: 'FORCE' }));
    expect(world.money('p').debt).toBe('30');
    world.must(transfer('agent a', 'agent b', '40'));
    expect(world.budget('b').remaining).toBe('10');
    expect(world.money('p').debt).toBe('0');
  });

  test('between units is refused', () => {
    world.must(createPool('q', '10', { unit: 'EUR' }));
    expect(world.verdict(transfer('agent a', 'pool q', '1'))).toBe('UNIT_MISMATCH');
  });
});

describe('holds on 100', () => {
  beforeEach(() => {
    world.must(createAgent('a', 'p', '100'));
  });

  function hold(amount: string): string {
    return world.must(reserve('a', amount, { ttlMs: MINUTE })).reservation!.id;
  }

  test('60 held leave 40; 50 more are denied; 45 committed leave 55', () => {
    const id = hold('60');
    expect(world.budget('a').available).toBe('40');
    const denied = world.do(reserve('a', '50'));
    expect(denied).toMatchObject({
      outcome: { denial: { reason: 'INSUFFICIENT_BUDGET', largestAmount: 40_000_000_000_000n } },
    });
    world.must(commit(id, '45'));
    expect(world.budget('a')).toMatchObject({ spent: '45', available: '55' });
    expect(world.verdict(commit(id, '1'))).toBe('RESERVATION_ALREADY_COMMITTED');
    expect(world.verdict(release(id))).toBe('RESERVATION_ALREADY_COMMITTED');
  });

  test('30 whose time has passed still post, late, and once', () => {
    const id = hold('30');
    world.now += MINUTE;
    const outcome = world.must(commit(id, '30'));
    expect(outcome).toMatchObject({ late: true, warnings: ['LATE_COMMIT'] });
    expect(world.hold(id)).toMatchObject({ state: 'EXPIRED', settledLate: true });
    expect(world.budget('a').spent).toBe('30');
    expect(world.verdict(commit(id, '30'))).toBe('RESERVATION_ALREADY_COMMITTED');
  });

  test('10 of 60 committed in part, then the time passes: 50 come back', () => {
    const id = hold('60');
    world.must(commit(id, '10', { final: false }));
    world.now += MINUTE;
    world.sweep();
    expect(world.hold(id).state).toBe('EXPIRED');
    expect(formatAmount(world.hold(id).committed)).toBe('10');
    expect(world.budget('a')).toMatchObject({ spent: '10', reserved: '0', available: '90' });
  });

  test('nothing committed settles it', () => {
    const id = hold('60');
    world.must(commit(id, '0'));
    expect(world.hold(id).state).toBe('COMMITTED');
    expect(world.budget('a')).toMatchObject({ spent: '0', available: '100' });
  });

  test('10 held, 25 spent with 5 left: 15 too much, 10 below zero, the next is denied', () => {
    const id = hold('10');
    world.must(spend('a', '85'));
    const outcome = world.must(commit(id, '25'));
    expect(formatAmount(outcome.amount)).toBe('25');
    expect(formatAmount(outcome.secondAmount)).toBe('15');
    expect(outcome.warnings).toEqual(['OVERSPENT']);
    expect(world.budget('a').available).toBe('-10');
    expect(world.verdict(spend('a', '0.000001'))).toBe('INSUFFICIENT_BUDGET');
  });

  test('the eleventh extension is refused', () => {
    const id = hold('10');
    const extendOnce = { method: 'EXTEND', requestId: 'x', reservationId: id, ttlMs: 1 } as const;
    for (let times = 0; times < 10; times += 1) world.must(extendOnce);
    expect(world.verdict(extendOnce)).toBe('EXTENSIONS_EXHAUSTED');
    expect(world.hold(id).expireTime).toBe(world.now + MINUTE);
  });

  test('as many as the bound allow, and then no more', () => {
    world.policy = { ...world.policy, openReservationsMax: 2 };
    hold('1');
    const second = hold('1');
    expect(world.verdict(reserve('a', '1'))).toBe('TOO_MANY_RESERVATIONS');
    world.must(release(second));
    world.must(reserve('a', '1'));
  });
});

describe('debt', () => {
  beforeEach(() => {
    world.must(createAgent('a', 'p', '100'));
    world.must(spend('a', '150', { mode: 'FORCE' }));
  });

  test('of 50 in a pool of 1000 leaves 850 for a new agent', () => {
    expect(world.verdict(createAgent('b', 'p', '850.000001'))).toBe('INSUFFICIENT_POOL_BUDGET');
    world.must(createAgent('b', 'p', '850'));
  });

  test('is paid by the pool when its agent is deleted', () => {
    world.must(deleteAgent('a'));
    expect(world.money('p')).toMatchObject({ debt: '0', unallocated: '850', spent: '150' });
  });

  test('is paid by topping up what was kept back for it', () => {
    world.must(createAgent('b', 'p', '850'));
    world.must(adjustBudget('a', '50'));
    expect(world.budget('a').available).toBe('0');
    expect(world.money('p')).toMatchObject({ debt: '0', unallocated: '0' });
    expect(world.verdict(adjustBudget('a', '1'))).toBe('INSUFFICIENT_POOL_BUDGET');
  });

  test('moves along with its agent and needs free money there', () => {
    world.must(createPool('poor', '49'));
    expect(world.verdict(moveAgent('a', 'poor'))).toBe('INSUFFICIENT_POOL_BUDGET');
    world.must(createPool('rich', '50'));
    world.must(moveAgent('a', 'rich'));
    expect(world.money('p')).toMatchObject({ debt: '0', spent: '150', unallocated: '900' });
    expect(world.money('rich')).toMatchObject({ debt: '50', unallocated: '50', funded: '0' });
  });
});

describe('the baseline', () => {
  beforeEach(() => {
    world.must(createAgent('a', 'p', '100'));
  });

  test('100, spent 80, set to 70 is 70 %', () => {
    world.must(spend('a', '80'));
    world.must(setBudget('a', '70'));
    expect(percent('a')).toBe('70');
  });

  test('is raised by a top-up to 290, and the next set to 100 reads 100 % of 100', () => {
    world.must(adjustBudget('a', '190'));
    expect([percent('a'), baseline('a')]).toEqual(['100', '290']);
    world.must(setBudget('a', '100'));
    expect([percent('a'), baseline('a')]).toEqual(['100', '100']);
  });

  test('is not lowered by an adjustment, a release or a refund', () => {
    const { sequence } = world.must(spend('a', '60'));
    world.must(adjustBudget('a', '-20'));
    expect(baseline('a')).toBe('100');
    world.must(refund(sequence, undefined));
    expect([baseline('a'), world.budget('a').remaining]).toEqual(['100', '80']);
  });

  test('a hundred daily budgets of 100 do not make the last one look empty', () => {
    for (let day = 0; day < 100; day += 1) {
      world.must(spend('a', '1'));
      world.must(setBudget('a', '100', { resetBaseline: true }));
    }
    expect(percent('a')).toBe('100');
  });

  test('set with a reset is what the agent has from then on, holds included', () => {
    world.must(reserve('a', '30'));
    world.must(setBudget('a', '10', { resetBaseline: true }));
    expect(baseline('a')).toBe('40');
    world.must(setBudget('a', '5'));
    expect(baseline('a')).toBe('40');
  });
});
