/** Spends and reserves: what is granted, what is denied and with which words, what is malformed. */
import { formatAmount } from '../../src/domain/amount.js';
import type { SpendMode } from '../../src/domain/command.js';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  agentState,
  commit,
  createAgent,
  createPool,
  fundPool,
  poolState,
  reserve,
  spend,
  updateAgent,
} from '../fakes/commands.js';
import { disagreements, worldWithPool, type World } from '../fakes/world.js';
import { money } from '../support/seed.js';

let world: World;
beforeEach(() => {
  world = worldWithPool('1000');
  world.must(createAgent('a', 'p', '100'));
});

describe('a spend', () => {
  const rows: readonly (readonly [SpendMode, string, string, string, string])[] = [
    // mode, overdraft limit, amount: granted or denied, available after
    ['STRICT', '0', '100', '100', '0'],
    ['STRICT', '0', '100.000001', 'INSUFFICIENT_BUDGET', '100'],
    ['STRICT', '0', '0', '0', '100'],
    ['STRICT', '20', '120', '120', '0'],
    ['STRICT', '20', '120.000001', 'INSUFFICIENT_BUDGET', '120'],
    ['UP_TO', '0', '30', '30', '70'],
    ['UP_TO', '0', '500', '100', '0'],
    ['UP_TO', '20', '500', '120', '0'],
    ['FORCE', '0', '150', '150', '-50'],
    ['FORCE', '20', '150', '150', '-30'],
  ];

  test.each(rows)(
    '%s with an overdraft of %s: %s is %s',
    (mode, overdraft, amount, said, after) => {
      world.must(updateAgent('a', { overdraftLimit: money(overdraft) }));
      const decided = world.do(spend('a', amount, { mode }));
      if (decided.verdict === 'REJECTED') throw new Error(decided.reason);
      const { outcome } = decided;
      expect(outcome.denial?.reason ?? formatAmount(outcome.amount)).toBe(said);
      expect(world.budget('a').available).toBe(after);
      expect(disagreements(world)).toEqual([]);
    },
  );

  test('of nothing is denied to who is below zero, and what is left over is nothing', () => {
    world.must(spend('a', '150', { mode: 'FORCE' }));
    expect(world.verdict(spend('a', '0'))).toBe('INSUFFICIENT_BUDGET');
    expect(world.verdict(spend('a', '5', { mode: 'UP_TO' }))).toBe('INSUFFICIENT_BUDGET');
  });

  test('by force warns when it goes below zero, and not when it is covered', () => {
    expect(world.must(spend('a', '60', { mode: 'FORCE' })).warnings).toEqual([]);
    expect(world.must(spend('a', '60', { mode: 'FORCE' })).warnings).toEqual(['OVERSPENT']);
    world.must(updateAgent('a', { allowForce: false }));
    expect(world.verdict(spend('a', '1', { mode: 'FORCE' }))).toBe('NOT_PERMITTED');
  });

  test('while the wall clock is distrusted says so', () => {
    world.clockJumped = true;
    expect(world.must(spend('a', '1')).warnings).toEqual(['CLOCK_JUMPED']);
  });

  test('that is denied says by what, by how much and what would pass', () => {
    world.must(spend('a', '80'));
    world.must(reserve('a', '15'));
    const decided = world.do(spend('a', '7.5'));
    expect(decided).toMatchObject({
      outcome: {
        verdict: 'DENIED',
        sequence: 0,
        denial: {
          reason: 'INSUFFICIENT_BUDGET',
          ruleId: 'a',
          limit: money('100'),
          counted: money('95'),
          shortfall: money('2.5'),
          largestAmount: money('5'),
          message: 'Agent a asked for 7.5 USD and has 5 available',
        },
      },
      effects: undefined,
    });
  });

  test('is denied by the agent’s own freeze before its pool’s', () => {
    world.must(poolState('FREEZE_POOL', 'p'));
    expect(world.do(spend('a', '1'))).toMatchObject({
      outcome: { denial: { reason: 'POOL_FROZEN', ruleId: 'p', largestAmount: 0n } },
    });
    world.must(agentState('FREEZE_AGENT', 'a'));
    expect(world.do(spend('a', '1'))).toMatchObject({
      outcome: { denial: { reason: 'AGENT_FROZEN', ruleId: 'a', largestAmount: 0n } },
    });
  });

  test('that would take a balance to 10^24 is refused', () => {
    for (let times = 0; times < 20; times += 1) {
      world.must(spend('a', '999999999999999999', { mode: 'FORCE' }));
    }
    const [pool] = world.pools.values();
    world.pools.set(pool!.uid, { ...pool!, spent: 10n ** 36n - 1n });
    expect(world.verdict(spend('a', '1', { mode: 'FORCE' }))).toBe('BALANCE_OVERFLOW');
  });
});

describe.each([
  ['a spend', spend],
  ['a reserve', reserve],
] as const)('%s', (_name, make) => {
  test('with digits beyond the scale of the pool is refused, never rounded', () => {
    expect(world.do(make('a', '0.0000001'))).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: [{ field: 'amount' }],
    });
    world.must(make('a', '0.000001'));
  });

  test('in another unit than the pool’s is refused', () => {
    expect(world.verdict(make('a', '1', { unit: 'EUR' }))).toBe('UNIT_MISMATCH');
    world.must(make('a', '1', { unit: 'USD' }));
  });

  test('of nobody is not found', () => {
    expect(world.verdict(make('x', '1'))).toBe('AGENT_NOT_FOUND');
  });

  test('may name 64 quantities over the agent’s life, and no more', () => {
    const named = (count: number, from = 0) =>
      Array.from({ length: count }, (_, at) => ({ name: `q${at + from}`, amount: money('1') }));
    world.must(make('a', '0', { quantities: named(16) }));
    for (const from of [16, 32, 48]) world.must(make('a', '0', { quantities: named(16, from) }));
    world.must(make('a', '0', { quantities: named(16, 20) }));
    expect(world.do(make('a', '0', { quantities: named(1, 64) }))).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: [{ field: 'quantities' }],
    });
    expect(world.agentById('a')?.quantityNames).toHaveLength(64);
  });
});

describe('what was changed in between', () => {
  test('is not changed by who expected otherwise', () => {
    const expectedRevision = 1;
    world.must(updateAgent('a', { name: 'A' }, { expectedRevision }));
    expect(world.verdict(updateAgent('a', { name: 'B' }, { expectedRevision }))).toBe(
      'REVISION_STALE',
    );
    world.must(poolState('FREEZE_POOL', 'p', { expectedRevision }));
    expect(world.verdict(fundPool('p', '1', { expectedRevision }))).toBe('REVISION_STALE');
  });

  test('counts configuration and money apart', () => {
    const revisions = () => {
      const { revision, budgetRevision } = world.agentById('a')!;
      return [revision, budgetRevision];
    };
    expect(revisions()).toEqual([1, 1]);
    world.must(spend('a', '1'));
    expect(revisions()).toEqual([1, 2]);
    world.must(updateAgent('a', { priority: 7 }));
    expect(revisions()).toEqual([2, 2]);
    world.must(updateAgent('a', { priority: 7 }));
    expect(revisions()).toEqual([2, 2]);
  });
});

describe('a parent', () => {
  test('exists and is nobody’s own descendant', () => {
    world.must(createAgent('b', 'p', '0', { parentId: 'a' }));
    world.must(createAgent('c', 'p', '0', { parentId: 'b' }));
    expect(world.verdict(createAgent('d', 'p', '0', { parentId: 'x' }))).toBe('AGENT_NOT_FOUND');
    expect(world.verdict(createAgent('d', 'p', '0', { parentId: 'd' }))).toBe('INVALID_REQUEST');
    expect(world.do(updateAgent('a', { parentId: 'c' }))).toMatchObject({
      fields: [{ field: 'agent.parent_id' }],
    });
  });
});

describe('a hold’s quantities', () => {
  test('are the commit’s when it names some, and the held ones when it does not', () => {
    const tokens = (amount: string) => [{ name: 'tokens', amount: money(amount) }];
    const hold = () => world.must(reserve('a', '5', { quantities: tokens('100') })).reservation!.id;
    world.must(commit(hold(), '5', { quantities: tokens('80') }));
    expect(world.entries.at(-1)?.usage).toMatchObject({ entries: 1, quantities: tokens('80') });
    world.must(commit(hold(), '5'));
    expect(world.entries.at(-1)?.usage).toMatchObject({ requests: 0, quantities: tokens('100') });
  });

  test('posted in parts are never counted twice', () => {
    const tokens = (amount: string) => [{ name: 'tokens', amount: money(amount) }];
    const { reservation } = world.must(reserve('a', '9', { quantities: tokens('100') }));
    world.must(commit(reservation!.id, '3', { final: false, quantities: tokens('30') }));
    world.must(commit(reservation!.id, '3', { final: false }));
    world.must(commit(reservation!.id, '3'));
    const posted = world.entries.flatMap(({ usage }) => usage?.quantities ?? []);
    expect(formatAmount(posted.reduce((sum, { amount }) => sum + amount, 0n))).toBe('100');
  });
});

describe('a pool that was deleted', () => {
  test('keeps nothing of what is paid or refunded through it later', () => {
    world.must(createPool('q', '50'));
    world.must(createAgent('b', 'q', '50'));
    const { sequence } = world.must(spend('b', '10'));
    world.must({ ...DELETE_B });
    world.must(poolState('DELETE_POOL', 'q'));
    const deleted = () => [...world.pools.values()].find(({ id }) => id === 'q')!;
    expect(deleted().unallocated).toBe(0n);
    world.must(spend('b', '5', { mode: 'FORCE' }));
    expect(deleted()).toMatchObject({ unallocated: 0n, spent: money('15') });
    world.must({ method: 'REFUND', requestId: '', reason: '', sequence, amount: undefined });
    expect(deleted()).toMatchObject({ unallocated: 0n, spent: money('5') });
    expect(disagreements(world)).toEqual([]);
  });
});

const DELETE_B = {
  method: 'DELETE_AGENT',
  requestId: '',
  reason: '',
  agentId: 'b',
  releaseReservations: false,
  expectedRevision: undefined,
} as const;
