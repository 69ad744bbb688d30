import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAmount } from '../../src/domain/amount.js';
import type { Evaluated } from '../../src/domain/expression.js';
import { compileExpression } from '../../src/ledger/expression.js';
import { expressionInput, type Request } from '../fakes/expression-input.js';
import { money, runs } from '../support/seed.js';

const settings = runs('expression values', 500);

function evaluated(source: string, request: Request = {}): Evaluated {
  const compiled = compileExpression(source);
  if (compiled.kind === 'REFUSED') throw new Error(`${source}: ${compiled.message}`);
  return compiled.expression.evaluate(expressionInput(request));
}

/** true, false, or what failed. */
function answer(source: string, request: Request = {}): boolean | string {
  const found = evaluated(source, request);
  return found.kind === 'VALUE' ? found.value : found.message;
}

const rich: Request = {
  amount: '2.5',
  category: 'llm/größe🙂',
  quantities: { tokens: '1834', images: '0' },
  agentMetadata: { env: 'prod', cap: '2.50', constructor: 'mine', empty: '' },
  now: '2026-03-29T00:59:59.250Z',
};

/** True of the request above. */
const truths = [
  'decimal("0.1") + decimal("0.2") == decimal("0.3")',
  'decimal("0.10") == decimal("0.1")',
  'decimal("1.0") == 1 && 1 == decimal("1")',
  'decimal("0.1") * 3 == decimal("0.3") && 3 * decimal("0.1") == decimal("0.3")',
  'decimal("0.000001") * decimal("0.000001") == decimal("0.000000000001")',
  'decimal("-0.5") * decimal("0.5") == decimal("-0.25")',
  'amount - 3 == decimal("-0.5") && 3 - amount == decimal("0.5") && -amount < 0',
  'decimal("999999999999999999") * 1000000 < decimal("999999999999999999") * 1000000 + 1',
  '-7 / 2 == -3 && -7 % 2 == -1 && 7 / -2 == -3',
  '9223372036854775807 == 0x7fffffffffffffff',
  'amount in [1, decimal("2.5")] && !(amount in [2, 3]) && 1 in [decimal("1.0")]',
  'amount in [agent.priority, amount]',
  '(true ? 1 : decimal("0.5")) == decimal("1")',
  'agent.id == "writer-1" && agent.name == "Writer" && agent.pool_id == "research"',
  'agent.state == "ACTIVE" && agent.priority == 5 && agent.open_reservation_count == 2',
  'agent.overdraft_limit == 5',
  'pool.id == "research" && pool.name == "Research" && pool.unit == "USD"',
  'pool.priority == 6 && pool.remaining == 700 && pool.unallocated == 300',
  'pool.min_balance == 50 && pool.metadata.size() == 0',
  'budget.allocated == 100 && budget.spent == 40 && budget.reserved == 10',
  'budget.remaining == 50 && budget.available == 55 && budget.baseline == 100',
  'budget.remaining_percent == 50 && budget.remaining_percent <= decimal("50.0000")',
  'has(quantities.tokens) && !has(quantities.words) && "images" in quantities',
  'quantities.tokens == 1834 && quantities["images"] == 0 && quantities.size() == 2',
  'agent.metadata["constructor"] == "mine" && !has(agent.metadata.__proto__)',
  'has(agent.metadata.empty) && agent.metadata.empty == "" && !("toString" in agent.metadata)',
  'decimal(agent.metadata.cap) == amount',
  'category.size() == 10 && size(category) == 10',
  'category.startsWith("llm/") && category.endsWith("🙂") && category.contains("größe")',
  'category == \'llm/größe\\U0001F642\' && category in ["x", category]',
  'now == timestamp("2026-03-29T01:59:59.250+01:00")',
  'now.getFullYear() == 2026 && now.getMonth() == 2 && now.getDate() == 29',
  'now.getDayOfMonth() == 28 && now.getDayOfWeek() == 0 && now.getDayOfYear() == 87',
  'now.getHours() == 0 && now.getMinutes() == 59 && now.getSeconds() == 59',
  'now.getMilliseconds() == 250 && now.getMilliseconds("Asia/Tokyo") == 250',
  // A second before Vienna's clocks go from 2 to 3, and after.
  'now.getHours("Europe/Vienna") == 1',
  '(now + duration("1s")).getHours("Europe/Vienna") == 3',
  'now.getDate("America/New_York") == 28 && now.getDayOfWeek("America/New_York") == 6',
  'now.getMinutes("Asia/Kolkata") == 29 && now.getHours("Asia/Kolkata") == 6',
  'now - timestamp("2026-03-29T00:00:00Z") == duration("59m59s250ms")',
  'duration("1h") > duration("59m") && duration("-1s") < duration("0s")',
  'false && 1 / 0 > 0 || true',
  '1 / 0 > 0 || true',
  '!(quantities.words > 0 && false)',
  'true ? true : 1 / 0 > 0',
];

const failures: readonly (readonly [source: string, message: string])[] = [
  ['quantities.words > 0', 'There is no key words (line 1 column 12)'],
  ['true &&\n quantities["words"] > 0', 'There is no key words (line 2 column 12)'],
  ['agent.metadata["a=b"] == ""', 'There is no key like that (line 1 column 15)'],
  ['agent.metadata.__proto__ == ""', 'There is no key __proto__ (line 1 column 16)'],
  ['quantities.words > 0 || quantities.tokens > 9999', 'There is no key words (line 1 column 12)'],
  ['1 / (1 - 1) == 1', 'Division by zero (line 1 column 3)'],
  ['1 % 0 == 1', 'Division by zero (line 1 column 3)'],
  ['9223372036854775807 + 1 > 0', 'The int is beyond 64 bits (line 1 column 21)'],
  ['-9223372036854775807 - 2 < 0', 'The int is beyond 64 bits (line 1 column 22)'],
  ['-(-9223372036854775807 - 1) > 0', 'The int is beyond 64 bits (line 1 column 1)'],
  ['(-9223372036854775807 - 1) / -1 > 0', 'The int is beyond 64 bits (line 1 column 28)'],
  [
    'decimal("999999999999999999") * 1000000 > 0 && decimal("999999999999999999") * 1000001 > 0',
    'The amount is not below 10^24 (line 1 column 78)',
  ],
  [
    'decimal("0.0000001") * decimal("0.000001") == 0',
    'The product has more than 12 decimals (line 1 column 22)',
  ],
  ['decimal(category) > 0', 'decimal was given a text that is not an amount (line 1 column 1)'],
  [
    'now - duration("999999h") > now',
    'The timestamp is not between 1970 and 9999 (line 1 column 5)',
  ],
  [
    'duration("70000000h") + duration("70000000h") > duration("1s")',
    'The duration is longer than 8000 years (line 1 column 23)',
  ],
];

describe('an expression', () => {
  test.each(truths)('finds true: %s', (source) => {
    expect(evaluated(source, rich)).toEqual({ kind: 'VALUE', value: true });
  });

  test.each(failures)('has no value: %j', (source, message) => {
    expect(evaluated(source, rich)).toEqual({ kind: 'FAILED', message });
  });

  test('sees no category and no quantities where there are none', () => {
    expect(answer('category == "" && quantities.size() == 0')).toBe(true);
    expect(answer('quantities.tokens < 5')).toBe('There is no key tokens (line 1 column 12)');
  });

  test('counts a percentage of nothing as 0', () => {
    expect(answer('budget.remaining_percent == 0', { agent: { baseline: 0n } })).toBe(true);
    expect(
      answer('budget.remaining_percent == decimal("-33.3333")', {
        agent: { baseline: money('3'), allocated: money('49') },
      }),
    ).toBe(true);
  });

  test('looks for a bounded text only', () => {
    const source = 'category.contains(agent.metadata.part)';
    const part = (length: number) => ({ agentMetadata: { part: 'x'.repeat(length) } });
    expect(answer(source, part(256))).toBe(false);
    expect(answer(source, part(257))).toBe(
      'contains was to look for more than 256 characters (line 1 column 10)',
    );
  });

  test('shows every second of a zone as the zone’s own clock does', () => {
    const compiled = compileExpression('now.getHours("Australia/Lord_Howe") == agent.priority');
    if (compiled.kind === 'REFUSED') throw new Error(compiled.message);
    const format = new Intl.DateTimeFormat('en-GB', {
      timeZone: 'Australia/Lord_Howe',
      hour: 'numeric',
      hourCycle: 'h23',
    });
    const moment = fc.integer({ min: Date.UTC(1970, 0, 2), max: Date.UTC(2100, 0, 1) });
    fc.assert(
      fc.property(moment, (now) => {
        const priority = Number(format.format(now));
        const input = expressionInput({ agent: { priority } });
        expect(compiled.expression.evaluate({ ...input, now })).toEqual({
          kind: 'VALUE',
          value: true,
        });
      }),
      settings,
    );
  });

  const steps = fc.oneof(
    fc.bigInt({ min: -(10n ** 30n) + 1n, max: 10n ** 30n - 1n }),
    fc.bigInt({ min: -20n, max: 20n }).map((units) => units * 10n ** 12n),
  );

  test('compares, adds and multiplies amounts as bigints do', () => {
    fc.assert(
      fc.property(steps, steps, fc.bigInt({ min: -9n, max: 9n }), (a, b, n) => {
        const [x, y] = [a, b].map((amount) => `decimal("${formatAmount(amount)}")`);
        const scaled = n * 10n ** 12n;
        const claims: readonly (readonly [string, boolean])[] = [
          ...(
            [
              ['==', (l, r) => l === r],
              ['!=', (l, r) => l !== r],
              ['<', (l, r) => l < r],
              ['<=', (l, r) => l <= r],
              ['>', (l, r) => l > r],
              ['>=', (l, r) => l >= r],
            ] as const satisfies readonly (readonly [string, (l: bigint, r: bigint) => boolean])[]
          ).flatMap(([name, judge]): (readonly [string, boolean])[] => [
            [`${x} ${name} ${y}`, judge(a, b)],
            [`${x} ${name} ${n}`, judge(a, scaled)],
            [`${n} ${name} ${y}`, judge(scaled, b)],
          ]),
          [`${x} + ${y} == amount`, true],
          [`amount - ${y} == ${x}`, true],
          [`${x} - ${n} + ${n} == ${x}`, true],
          [`${x} * ${n} == ${n} * ${x}`, true],
          [`${x} * ${n} == ${x} * decimal("${n}")`, true],
        ];
        const input = { ...expressionInput(), amount: a + b };
        for (const [source, expected] of claims) {
          const compiled = compileExpression(source);
          if (compiled.kind === 'REFUSED') throw new Error(`${source}: ${compiled.message}`);
          expect([source, compiled.expression.evaluate(input)]).toEqual([
            source,
            { kind: 'VALUE', value: expected },
          ]);
        }
      }),
      settings,
    );
  });
});
