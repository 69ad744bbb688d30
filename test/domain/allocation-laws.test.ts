/** What holds for every division, whoever takes part, in whatever order, at every scale. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { divideByPriority } from '../../src/domain/allocation/by-priority.js';
import { dynamicBudget } from '../../src/domain/allocation/dynamic.js';
import { rebalance } from '../../src/domain/allocation/rebalance.js';
import { splitByWeight } from '../../src/domain/allocation/split.js';
import { fitsScale, stepOf, type Amount } from '../../src/domain/amount.js';
import type { AllocationCommand } from '../../src/domain/allocation/command.js';
import {
  agentState,
  allocateByPriority,
  allocateDynamic,
  createAgent,
  createPool,
  rebalancePool,
  reserve,
  spend,
} from '../fakes/commands.js';
import { disagreements, World } from '../fakes/world.js';
import { runs } from '../support/seed.js';

const scale = fc.integer({ min: 0, max: 12 });
const priority = fc.integer({ min: 1, max: 10 });
/** Whole steps of a scale: often few, sometimes as many as a pool can hold. */
const steps = fc.oneof(
  fc.bigInt({ min: 0n, max: 20n }),
  fc.bigInt({ min: 0n, max: 10n ** 9n }),
  fc.bigInt({ min: 0n, max: 10n ** 24n - 1n }),
);
/** Any amount, also one with more digits than the pool's scale: usage comes from other days. */
const amount = fc.oneof(fc.constantFrom(0n, 1n), fc.bigInt({ min: 0n, max: 10n ** 30n }));

const claimants = fc.uniqueArray(
  fc.record({
    id: fc.stringMatching(/^[a-c][a-z0-9.]{0,2}$/),
    priority,
    usage: fc
      .record({ amount, entries: fc.integer({ min: 0, max: 1_000_000 }) })
      .map((usage) => (usage.entries === 0 ? { amount: 0n, entries: 0 } : usage)),
    place: fc.nat(),
  }),
  { minLength: 1, maxLength: 30, selector: ({ id }) => id },
);
type Claimants = typeof claimants extends fc.Arbitrary<infer T> ? T : never;

const sum = (parts: readonly Amount[]): Amount => parts.reduce((total, part) => total + part, 0n);

const rules = {
  split: (who: Claimants, total: Amount, digits: number) =>
    splitByWeight(
      total,
      who,
      who.map(({ usage }) => usage.amount + 1n),
      stepOf(digits),
    ),
  'by priority': (who: Claimants, total: Amount, digits: number) =>
    divideByPriority(
      { criticalPriority: 6, criticalMinimum: 3n * stepOf(digits), shortage: 'SCALE' },
      total,
      who,
      digits,
    ),
  'rebalance by share': (who: Claimants, total: Amount, digits: number) =>
    rebalance(weighted('SHARE', digits), total, who, digits),
  'rebalance raw': (who: Claimants, total: Amount, digits: number) =>
    rebalance(weighted('RAW', digits), total, who, digits),
} as const;

function weighted(normalization: 'SHARE' | 'RAW', digits: number) {
  const weights = { priorityWeight: 7n * 10n ** 11n, usageWeight: 3n * 10n ** 11n };
  return { ...weights, normalization, minPerAgent: 2n * stepOf(digits) };
}

describe.each(Object.entries(rules))('%s', (name, rule) => {
  test('has parts that sum to the whole, none below zero, each whole steps', () => {
    const law = fc.property(claimants, steps, scale, (who, whole, digits) => {
      const total = whole * stepOf(digits);
      const parts = rule(who, total, digits);
      if ('minimums' in parts) {
        expect(parts.minimums).toBeGreaterThan(total);
        return;
      }
      expect(parts).toHaveLength(who.length);
      expect(sum(parts)).toBe(total);
      expect(parts.every((part) => part >= 0n && fitsScale(part, digits))).toBe(true);
    });
    fc.assert(law, runs(`${name} conserves`, 400));
  });

  test('gives everybody the same, in whatever order they stand', () => {
    const law = fc.property(claimants, steps, scale, (who, whole, digits) => {
      const shuffled = who.toSorted((a, b) => a.place - b.place);
      const byId = (list: Claimants) => {
        const parts = rule(list, whole * stepOf(digits), digits);
        if ('minimums' in parts) return parts.minimums;
        return new Map(list.map(({ id }, at) => [id, parts[at]]));
      };
      expect(byId(shuffled)).toEqual(byId(who));
    });
    fc.assert(law, runs(`${name} is independent of order`, 300));
  });
});

test('a part is less than one step from the exact share, and nothing for no weight', () => {
  const law = fc.property(claimants, steps, scale, (who, whole, digits) => {
    const step = stepOf(digits);
    const weights = who.map(({ usage }) => usage.amount);
    const all = sum(weights);
    if (all === 0n) return;
    splitByWeight(whole * step, who, weights, step).forEach((part, at) => {
      const off = part * all - whole * step * weights[at]!;
      expect(off < step * all && off > -step * all).toBe(true);
      if (weights[at] === 0n) expect(part).toBe(0n);
    });
  });
  fc.assert(law, runs('parts are fair', 300));
});

test('a dynamic budget is whole steps, at least the base, at most the maximum', () => {
  const law = fc.property(
    claimants,
    steps,
    fc.option(steps, { nil: undefined }),
    scale,
    fc.integer({ min: 60_000, max: 90 * 86_400_000 }),
    (who, base, max, digits, windowMs) => {
      const step = stepOf(digits);
      const baseBudget = base * step;
      const maxBudget = max === undefined ? undefined : max * step;
      for (const statistic of ['MEAN_PER_ENTRY', 'MEAN_PER_HOUR'] as const) {
        const rule = { baseBudget, maxBudget, statistic, windowMs, usageMultiplier: 10n ** 12n };
        for (const { usage } of who) {
          const budget = dynamicBudget(rule, usage, digits);
          expect(fitsScale(budget, digits)).toBe(true);
          if (maxBudget !== undefined) expect(budget <= maxBudget).toBe(true);
          if (maxBudget === undefined || maxBudget > baseBudget) {
            expect(budget >= baseBudget).toBe(true);
          }
          if (usage.entries === 0 && maxBudget === undefined) expect(budget).toBe(baseBudget);
        }
      }
    },
  );
  fc.assert(law, runs('dynamic budgets', 300));
});

const crew = fc.array(
  fc.record({
    priority,
    initial: fc.integer({ min: 0, max: 40 }),
    spent: fc.integer({ min: 0, max: 60 }),
    held: fc.integer({ min: 0, max: 10 }),
    frozen: fc.boolean(),
  }),
  { maxLength: 12 },
);

const strategies: readonly ((total: string | undefined) => AllocationCommand)[] = [
  (total) => allocateDynamic('p', total ?? '3'),
  (total) => allocateByPriority('p', total, { shortage: 'SCALE' }),
  (total) => rebalancePool('p', total),
  (total) => rebalancePool('p', total, { normalization: 'RAW' }),
];

test('a strategy moves money and neither makes nor loses any, with debts, holds and frozen agents', () => {
  const law = fc.property(
    crew,
    fc.constantFrom(...strategies),
    fc.option(fc.constantFrom('0', '7', '100', '500'), { nil: undefined }),
    fc.constantFrom('FIXED', 'ON_DEMAND'),
    (people, strategy, total, funding) => {
      const world = new World();
      world.must(createPool('p', '500', { scale: 3, minBalance: 20n * 10n ** 12n, funding }));
      people.forEach(({ priority: own, initial, spent, held, frozen }, at) => {
        const id = `a${at}`;
        world.must(createAgent(id, 'p', String(initial), { priority: own }));
        world.do(reserve(id, String(held)));
        world.must(spend(id, String(spent), { mode: 'FORCE' }));
        if (frozen) world.must(agentState('FREEZE_AGENT', id));
      });
      const before = world.money('p');
      const others = people.map(({ frozen }, at) => frozen && world.budget(`a${at}`));
      const decided = world.do(strategy(total));
      expect(disagreements(world)).toEqual([]);
      people.forEach(({ frozen }, at) => {
        const now = world.budget(`a${at}`);
        if (frozen) expect(now).toEqual(others[at]);
        else if (decided.verdict === 'JUDGED') expect(now.remaining).not.toMatch(/^-/);
      });
      const after = world.money('p');
      expect([after.spent, after.reserved]).toEqual([before.spent, before.reserved]);
      if (funding === 'FIXED') expect(after.funded).toBe(before.funded);
    },
  );
  fc.assert(law, runs('strategies conserve', 300));
});
