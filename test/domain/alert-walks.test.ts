/** Invariant I12: as many events as a naive reading of the rules says, over random walks. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AlertCondition, AlertThreshold } from '../../src/domain/alert.js';
import { formatAmount } from '../../src/domain/amount.js';
import { remainingOf } from '../../src/domain/budget.js';
import { SEVERITIES, type Severity } from '../../src/domain/violation.js';
import { adjustBudget, createAgent, refund, reserve, setBudget, spend } from '../fakes/commands.js';
import { createAlert } from '../fakes/rule-commands.js';
import { worldWithPool, type World } from '../fakes/world.js';
import { money, runs } from '../support/seed.js';

/** A number as a fraction of whole numbers, the lower one above 0. */
type Fraction = readonly [over: bigint, under: bigint];

const less = (a: Fraction, b: Fraction): boolean => a[0] * b[1] < b[0] * a[1];
const plus = (a: Fraction, b: Fraction): Fraction => [a[0] * b[1] + b[0] * a[1], a[1] * b[1]];
const times = (a: Fraction, b: Fraction): Fraction => [a[0] * b[0], a[1] * b[1]];
const ONE: Fraction = [1n, 1n];
const MINUS: Fraction = [-1n, 1n];
const STEPS = 10n ** 12n;

type Condition = Exclude<AlertCondition, 'EXHAUSTION_WITHIN' | 'SERVICE_LEVEL_AT_OR_BELOW'>;

interface Plan {
  readonly condition: Condition;
  readonly thresholds: readonly AlertThreshold[];
  readonly margin: bigint;
}

/** What the rules say, word by word: values that rise are bad for usage, values that fall for the rest. */
class Naive {
  readonly #plan: Plan;
  readonly #fired = new Map<bigint, Severity | undefined>();
  readonly #worse: (a: Fraction, b: Fraction) => boolean;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#worse = plan.condition.startsWith('USED') ? (a, b) => less(b, a) : less;
  }

  judge(before: Fraction | undefined, after: Fraction | undefined): readonly string[] {
    if (after === undefined) return [];
    const told: string[] = [];
    for (const [value, severity] of this.#fired) {
      const at: Fraction = [value, STEPS];
      if (!this.#worse(at, after) || this.#worse(after, this.#armedAt(at))) continue;
      this.#fired.delete(value);
      if (severity !== undefined) told.push(`RECOVERED ${severity}`);
    }
    if (before === undefined || !this.#worse(after, before)) return told.sort();
    const passed = this.#plan.thresholds.filter(({ value }) => {
      return !this.#worse([value, STEPS], after) && !this.#fired.has(value);
    });
    const most = Math.max(...passed.map(({ severity }) => SEVERITIES[severity]));
    // Of equals the one that was passed last.
    const worst = passed.findLast(({ severity }) => SEVERITIES[severity] === most);
    for (const each of passed) {
      this.#fired.set(each.value, each === worst ? each.severity : undefined);
    }
    if (worst !== undefined) told.push(`OPENED ${worst.severity}`);
    return told.sort();
  }

  #armedAt(at: Fraction): Fraction {
    const { condition, margin } = this.#plan;
    const sign = condition.startsWith('USED') ? MINUS : ONE;
    const share: Fraction = [margin, STEPS];
    const gap = condition.endsWith('PERCENT') ? share : times(at, times(share, [1n, 100n]));
    return plus(at, times(sign, gap));
  }
}

/** What the condition looks at, or undefined while there is no baseline. */
function valueOf(world: World, condition: Condition): Fraction | undefined {
  const agent = world.agentById('a')!;
  const { baseline } = agent;
  if (baseline === 0n) return undefined;
  const left = remainingOf(agent);
  switch (condition) {
    case 'REMAINING_AT_MOST_PERCENT':
      return [100n * left, baseline];
    case 'USED_AT_LEAST_PERCENT':
      return [100n * (baseline - left), baseline];
    case 'REMAINING_AT_MOST_AMOUNT':
      return [left, STEPS];
    case 'USED_AT_LEAST_AMOUNT':
      return [baseline - left, STEPS];
  }
}

const severity = fc.constantFrom<Severity>('LOW', 'MEDIUM', 'HIGH', 'CRITICAL');

const plan: fc.Arbitrary<Plan> = fc
  .record({
    condition: fc.constantFrom<Condition>(
      'REMAINING_AT_MOST_PERCENT',
      'USED_AT_LEAST_PERCENT',
      'REMAINING_AT_MOST_AMOUNT',
      'USED_AT_LEAST_AMOUNT',
    ),
    thresholds: fc.uniqueArray(
      fc.record({ value: fc.integer({ min: 1, max: 99_000 }), severity }),
      { minLength: 1, maxLength: 8, selector: ({ value }) => value },
    ),
    margin: fc.integer({ min: 0, max: 30_000 }),
  })
  .map(({ condition, thresholds, margin }) => {
    const order = condition.startsWith('USED') ? 1 : -1;
    const given = thresholds
      .map((each) => ({ ...each, value: (BigInt(each.value) * STEPS) / 1_000n }))
      .sort((a, b) => (a.value < b.value ? -order : order));
    // A percentage must be able to come back.
    const room = given.map(({ value }) => (order === 1 ? value : 100n * STEPS - value));
    const most = condition.endsWith('PERCENT')
      ? room.reduce((a, b) => (a < b ? a : b))
      : STEPS * 99n;
    const wanted = (BigInt(margin) * STEPS) / 1_000n;
    return { condition, thresholds: given, margin: wanted < most ? wanted : most };
  });

const step = fc.record({
  kind: fc.constantFrom('SPEND', 'SPEND', 'RESERVE', 'ADD', 'TAKE', 'REFUND', 'SET', 'RESET'),
  cents: fc.integer({ min: 0, max: 8_000 }),
});

function walk(world: World, { kind, cents }: { kind: string; cents: number }): void {
  const text = formatAmount((BigInt(cents) * STEPS) / 100n);
  if (kind === 'SPEND') world.do(spend('a', text, { mode: 'FORCE' }));
  if (kind === 'RESERVE') world.do(reserve('a', text, { mode: 'UP_TO' }));
  if (kind === 'ADD' && cents > 0) world.do(adjustBudget('a', text));
  if (kind === 'TAKE' && cents > 0) world.do(adjustBudget('a', `-${text}`));
  if (kind === 'REFUND') world.do(refund(world.entries.length, undefined));
  if (kind === 'SET') world.do(setBudget('a', text));
  if (kind === 'RESET') world.do(setBudget('a', text, { resetBaseline: true }));
}

test('there are as many events as crossings', () => {
  let events = 0;
  const check = fc.property(
    fc.array(plan, { minLength: 1, maxLength: 3 }),
    fc.array(step, { minLength: 1, maxLength: 40 }),
    (plans, moves) => {
      const world = worldWithPool('100000');
      world.must(createAgent('a', 'p', '100', { overdraftLimit: money('20') }));
      const naive = plans.map((each) => new Naive(each));
      for (const [at, { condition, thresholds, margin }] of plans.entries()) {
        const over = { condition, thresholds, rearmMargin: margin };
        world.must(createAlert(`alert-${at}`, 'AGENT a', over));
      }
      for (const move of moves) {
        const before = plans.map(({ condition }) => valueOf(world, condition));
        const from = world.events().length;
        walk(world, move);
        const told = world.events().slice(from);
        for (const [at, { condition }] of plans.entries()) {
          const own = told.filter(({ violation }) => violation.rule.id === `alert-${at}`);
          const expected = naive[at]!.judge(before[at], valueOf(world, condition));
          const actual = own.map(({ kind, violation }) => `${kind} ${violation.severity}`).sort();
          expect(actual).toEqual(expected);
          events += own.length;
        }
      }
    },
  );
  fc.assert(check, runs('alert walks', 400));
  expect(events).toBeGreaterThan(400);
});
