import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Compiled, RefusedExpression } from '../../src/domain/expression.js';
import { compileExpression, EXPRESSION_LIMITS } from '../../src/ledger/expression.js';
import { expressionInput } from '../fakes/expression-input.js';
import { runs } from '../support/seed.js';

const settings = runs('expressions', 1_000);

/** `message at line:column (offset)` of a refusal, or COMPILED. */
function verdict(source: string): string {
  const compiled: Compiled = compileExpression(source);
  if (compiled.kind === 'COMPILED') return 'COMPILED';
  const { message, line, column, offset } = compiled;
  return `${message} at ${line}:${column} (${offset})`;
}

const loops = 'There are no loops, so that the cost is bounded';
const pattern = 'The cost of a pattern is not bounded. Use startsWith, endsWith or contains';
const doubles = 'There are no doubles. An amount is written decimal("0.1")';
const written = '. An amount is written decimal("0.1")';
const rounded = ', because the result would have to be rounded. Multiply the other side instead';
const parts = '. Compare the parts by themselves';

const accepted = [
  'true',
  'amount > 0',
  '5 < amount',
  'amount == decimal("-0.000000000001")',
  'agent.metadata["env"] == "prod"',
  'agent.metadata.constructor == "x"',
  'has(agent.metadata.__proto__) || "toString" in pool.metadata',
  '-amount < -5 && -(1 + 2) * 3 % 2 == -1',
  'amount * 2 + 1 - decimal("0.5") <= budget.available',
  'amount in [1, decimal("0.5")] || 1 in [amount]',
  '(agent.priority > 5 ? 100 : decimal("0.5")) >= amount',
  '(true ? agent.metadata : pool.metadata).size() == 0',
  'size(quantities) == 0 && [1, 2].size() == 2 && size(category) < 5 && category.size() > 1',
  'now - timestamp("2026-01-01T00:00:00Z") < duration("1h30m") + duration("-5s")',
  'now + duration("24h") > duration("24h") + now && now - duration("1s") != now',
  'now.getDayOfYear("America/St_Johns") == 0 && now.getMilliseconds() == 0',
  'category.startsWith(agent.id) || category.endsWith("x") || category.contains("/")',
  'decimal(agent.metadata.cap) >= amount',
  'amount > 0 // the rest is a comment that says: all(x, y)',
  '"map(" == category || r"\\d" == \'\\n\' || """a\nb""" == category',
  '9223372036854775807 > 0 && 0xff == 255',
  `${'('.repeat(31)}true${')'.repeat(31)}`,
  Array.from({ length: 100 }, () => 'true').join('||'),
  `${'!'.repeat(199)}true`,
  `true //${' '.repeat(2_048 - 7)}`,
];

/** Source, message, place. */
const refused: readonly (readonly [source: string, verdict: string])[] = [
  ['', 'The expression is empty at 1:1 (0)'],
  [' \n', 'The expression is empty at 1:1 (0)'],
  ['amount >', 'The expression breaks off here at 1:9 (8)'],
  ['amount > 1 amount', 'Unexpected amount here at 1:12 (11)'],
  ['amount > > 1', 'Unexpected > here at 1:10 (9)'],
  ['true &&\n  @', 'Unexpected @ here at 2:3 (10)'],
  ['true \u0000', 'Unexpected U+0000 here at 1:6 (5)'],
  ['"🙂" == category && 🙂', 'Unexpected U+1F642 here at 1:20 (19)'],
  ['"🙂" == category\n&& cost > 1', names('cost', '2:4 (19)')],
  ['category == "abc', 'Unterminated string at 1:13 (12)'],
  ['while', 'Reserved identifier: while at 1:1 (0)'],
  ['__proto__', 'Reserved identifier: __proto__ at 1:1 (0)'],
  ['cost > 1', names('cost', '1:1 (0)')],
  ['constructor == 1', names('constructor', '1:1 (0)')],
  ['math.abs(1) == 1', names('math', '1:1 (0)')],
  ['int == int', names('int', '1:1 (0)')],
  [
    'true && pool.free > 0',
    'pool has no field free. It has id, name, unit, priority, remaining, unallocated, ' +
      'min_balance and metadata at 1:14 (13)',
  ],
  ['agent.constructor == "x"', agentHas('constructor', '1:7 (6)')],
  ['agent.__proto__ == "x"', agentHas('__proto__', '1:7 (6)')],
  ['has(agent.prioriti)', agentHas('prioriti', '1:11 (10)')],
  ['agent["id"] == "x"', 'agent has no keys at 1:6 (5)'],
  ['amount.steps > 1', 'Amount has no fields at 1:8 (7)'],
  ['category[0] == "a"', 'string has no keys at 1:9 (8)'],
  ['has(agent.id)', 'agent always has id. has is for keys of a map at 1:11 (10)'],
  ['has(quantities)', 'has takes one key of a map, as in has(quantities.tokens) at 1:1 (0)'],
  ['quantities[1] > 0', 'A key is a string, not int at 1:12 (11)'],
  ['1 in quantities', membership('int', 'map<string, Amount>', '1:3 (2)')],
  ['"a" in "abc"', membership('string', 'string', '1:5 (4)')],
  ['amount in ["1"]', membership('Amount', 'list<string>', '1:8 (7)')],
  ['amount', result('Amount', '1:1 (0)')],
  ['true ? (1 + 2) : 3', result('int', '1:6 (5)')],
  ['budget', result('budget', '1:1 (0)')],
  ['amount < 0.10', 'There are no doubles. Write decimal("0.10") at 1:10 (9)'],
  ['amount < 1e3', 'There are no doubles. Write decimal("0.1") at 1:10 (9)'],
  ['double("1") > 1', withheld('double', doubles, '1:1 (0)')],
  ['1u == 1', 'There are no unsigned ints. Leave out the u at 1:1 (0)'],
  ['category == null', 'There is no null. Ask with has whether a key is there at 1:13 (12)'],
  [
    '{"a": 1}.size() > 0',
    'Maps are not written in expressions. Use ?: to choose a value at 1:1 (0)',
  ],
  [
    '9223372036854775808 > 0',
    'The int is beyond 64 bits. An amount is written decimal("1") at 1:1 (0)',
  ],
  ['amount == "5"', operator('==', 'Amount', 'string', '1:8 (7)', written)],
  ['(amount) /* 2', 'Unexpected * here at 1:11 (10)'],
  ['(amount)\n / 2 > 1', operator('/', 'Amount', 'int', '2:2 (10)', rounded)],
  ['amount // why\n % 2 > 1', operator('%', 'Amount', 'int', '2:2 (15)', rounded)],
  ['category + "x" == "x"', operator('+', 'string', 'string', '1:10 (9)', parts)],
  ['[1] + [2] == [3]', operator('+', 'list<int>', 'list<int>', '1:5 (4)')],
  ['category < "b"', operator('<', 'string', 'string', '1:10 (9)')],
  ['now > 5', operator('>', 'timestamp', 'int', '1:5 (4)')],
  ['agent == agent', operator('==', 'agent', 'agent', '1:7 (6)')],
  ['!amount', 'There is no operator ! for Amount at 1:1 (0)'],
  ['true && -category == "x"', 'There is no operator - for string at 1:9 (8)'],
  ['true && (amount)', '&& takes a bool here, not Amount at 1:10 (9)'],
  ['amount ? true : false', '? takes a bool here, not Amount at 1:1 (0)'],
  ['(true ? 1 : "a") == 1', unlike('Both branches of ?:', 'int', 'string', '1:13 (12)')],
  ['1 in [1, "a"]', unlike('The elements of a list', 'int', 'string', '1:10 (9)')],
  ['[] == []', 'The list is empty at 1:1 (0)'],
  ['1 in [[1]]', 'A list has no elements of type list<int> at 1:7 (6)'],
  ['foo(1)', 'There is no function foo at 1:1 (0)'],
  ['toString() == 1', 'There is no function toString at 1:1 (0)'],
  ['category.foo()', 'string has no method foo at 1:10 (9)'],
  ['category.constructor("x")', 'string has no method constructor at 1:10 (9)'],
  ['amount.size() > 1', 'Amount has no method size at 1:8 (7)'],
  ['startsWith("a")', 'There is no function startsWith at 1:1 (0)'],
  ['category.startsWith()', 'startsWith takes 1 argument at 1:10 (9)'],
  ['category.startsWith(1)', 'startsWith takes a string, not int at 1:21 (20)'],
  ['size(1) > 0', 'size takes a string, a list or a map, not int at 1:6 (5)'],
  ['decimal(1) > 0', 'decimal takes a string, not int at 1:9 (8)'],
  ['amount > decimal("1e3")', notAmount('1:18 (17)')],
  ['amount > decimal("01")', notAmount('1:18 (17)')],
  ['amount > decimal("0.0000000000001")', notAmount('1:18 (17)')],
  [
    'now > timestamp("2026-02-30T00:00:00Z")',
    'This is not a timestamp: one is written "2026-01-31T08:00:00Z", from 1970 on at 1:17 (16)',
  ],
  ['now > timestamp(category)', 'timestamp takes a string that is written here at 1:17 (16)'],
  [
    'now - now > duration("1.5h")',
    'This is not a duration: one is written "1h30m", "45s" or "500ms" at 1:22 (21)',
  ],
  ['now.getHours("Mars/Base") > 1', noZone('1:14 (13)')],
  ['now.getHours("+02:00") > 1', noZone('1:14 (13)')],
  ['now.getHours(category) > 1', 'getHours takes a zone that is written here at 1:14 (13)'],
  [
    ['UTC', 'Europe/Vienna', 'Asia/Tokyo', 'Asia/Kolkata', 'America/Lima']
      .map((zone) => `now.getHours("${zone}") > 1`)
      .join('&&'),
    'An expression names at most 4 zones at 1:140 (139)',
  ],
  ['category.matches("a+")', withheld('matches', pattern, '1:10 (9)')],
  ['[1, 2].all(x, x > 1)', withheld('all', loops, '1:8 (7)')],
  ['[1].exists(x, x > 1)', withheld('exists', loops, '1:5 (4)')],
  ['[1].exists_one(x, true)', withheld('exists_one', loops, '1:5 (4)')],
  ['[1] . filter (x, true).size() > 0', withheld('filter', loops, '1:7 (6)')],
  ['[1].map(x, true, 1).size() > 0', withheld('map', loops, '1:5 (4)')],
  ['[1].map(1, true).size() > 0', withheld('map', loops, '1:5 (4)')],
  ['cel.bind(x, 1, x > 0)', withheld('bind', 'Write the value where it is used', '1:5 (4)')],
  [
    `category.contains("${'x'.repeat(257)}")`,
    'contains looks for at most 256 characters at 1:19 (18)',
  ],
  ['decimal("1", "2", "3", "4", "5") > 1', 'No function takes that many arguments at 1:29 (28)'],
  [`true //${' '.repeat(2_048 - 6)}`, 'An expression has at most 2048 bytes at 1:1 (0)'],
  [`category == "${'é'.repeat(1_024)}"`, 'An expression has at most 2048 bytes at 1:1 (0)'],
  [`${'!'.repeat(200)}true`, 'An expression has at most 200 nodes at 1:1 (0)'],
  [Array(101).fill('true').join('||'), 'An expression has at most 200 nodes at 1:1 (0)'],
  [
    `${'('.repeat(32)}true${')'.repeat(32)}`,
    'An expression is nested at most 32 deep at 1:33 (32)',
  ],
  ['('.repeat(2_048), 'An expression is nested at most 32 deep at 1:33 (32)'],
  [`1 in [${Array(65).fill('1').join()}]`, 'A list has at most 64 elements at 1:135 (134)'],
  ['!'.repeat(2_048), 'The expression breaks off here at 1:2049 (2048)'],
];

function names(name: string, at: string): string {
  const known = 'agent, pool, amount, category, quantities, budget and now';
  return `There is no ${name} here. There are ${known} at ${at}`;
}

function agentHas(name: string, at: string): string {
  const known = 'id, name, pool_id, priority, state, overdraft_limit, open_reservation_count';
  return `agent has no field ${name}. It has ${known} and metadata at ${at}`;
}

function operator(name: string, left: string, right: string, at: string, advice = ''): string {
  return `There is no operator ${name} for ${left} and ${right}${advice} at ${at}`;
}

function membership(left: string, right: string, at: string): string {
  return operator('in', left, right, at, '. It asks for an element of a list or a key of a map');
}

function unlike(what: string, left: string, right: string, at: string): string {
  return `${what} must have one type. These are ${left} and ${right} at ${at}`;
}

function result(type: string, at: string): string {
  const want = 'The expression must come to a bool, true when the request may pass';
  return `${want}, and it is ${type} at ${at}`;
}

function withheld(name: string, why: string, at: string): string {
  return `${name} is not for monitors. ${why} at ${at}`;
}

function notAmount(at: string): string {
  const grammar = 'at most 18 digits, a point and at most 12 decimals, as in "0.1"';
  return `This is not an amount: ${grammar} at ${at}`;
}

function noZone(at: string): string {
  return `There is no such zone. Zones are named as in "Europe/Vienna" at ${at}`;
}

describe('an expression', () => {
  test.each(accepted)('is accepted: %s', (source) => {
    expect(verdict(source)).toBe('COMPILED');
  });

  test.each(refused)('is refused: %j', (source, expected) => {
    expect(verdict(source)).toBe(expected);
  });

  test('has a node for each literal, name, field, operator, call and list', () => {
    const nodes = (count: number) => `${'!'.repeat(count - 7)}(amount in [1, decimal(agent.id)])`;
    expect(verdict(nodes(200))).toBe('COMPILED');
    expect(verdict(nodes(201))).toBe('An expression has at most 200 nodes at 1:1 (0)');
    expect(EXPRESSION_LIMITS.nodes).toBe(200);
  });

  test('never throws, whatever is written, and answers fast', () => {
    const tokens =
      'agent pool amount category quantities budget now has decimal size timestamp duration all ' +
      'map filter exists matches contains startsWith getHours metadata tokens priority remaining ' +
      '__proto__ constructor true false null in ( ) [ ] { } . , ? : ! - + * / % == != < <= > >= ' +
      '&& || 0 1 7 9223372036854775807 0.5 1e9 1u 0xff "" "0.1" "a" \'b\' r"\\" b"x" """ // \\u0041';
    const token = fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...tokens.split(' '), '\n') },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 3 }) },
    );
    const soup = fc.oneof(
      fc.array(token, { maxLength: 300 }).map((words) => words.join(' ')),
      fc.array(token, { maxLength: 12 }).map((words) => words.join('')),
      fc.string({ unit: 'binary', maxLength: 200 }),
    );
    const input = expressionInput({ category: 'a', quantities: { tokens: '1' } });
    let slowest = 0;
    fc.assert(
      fc.property(soup, (source) => {
        const begun = performance.now();
        const compiled = compileExpression(source);
        if (compiled.kind === 'COMPILED') compiled.expression.evaluate(input);
        else placed(compiled, source);
        slowest = Math.max(slowest, performance.now() - begun);
      }),
      settings,
    );
    expect(slowest).toBeLessThan(1_000);
  });

  test('never throws nor mutates, whatever is well formed', () => {
    const { text } = fc.letrec<{ text: string; number: string; flag: string }>((tie) => ({
      text: fc.oneof({ maxDepth: 5 }, tie('flag'), tie('flag')),
      number: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom('amount', 'budget.remaining', 'decimal(category)', 'quantities.tokens'),
        fc.constantFrom('agent.priority', '0', '7', '9223372036854775807', 'decimal("0.3")'),
        fc
          .tuple(tie('number'), fc.constantFrom('+', '-', '*', '/', '%'), tie('number'))
          .map(([left, name, right]) => `(${left} ${name} ${right})`),
      ),
      flag: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom('true', 'has(quantities.tokens)', 'agent.metadata.a == "b"'),
        fc
          .tuple(tie('number'), fc.constantFrom('==', '<', '>=', '!='), tie('number'))
          .map(([left, name, right]) => `${left} ${name} ${right}`),
        fc
          .tuple(tie('flag'), fc.constantFrom('&&', '||'), tie('flag'))
          .map(([left, name, right]) => `(${left} ${name} ${right})`),
        fc
          .tuple(tie('flag'), tie('flag'), tie('flag'))
          .map((three) => `(${three[0]} ? ${three[1]} : ${three[2]})`),
      ),
    }));
    const input = expressionInput({ category: '12.5', quantities: { tokens: '4' } });
    const before = structuredClone(input);
    let values = 0;
    fc.assert(
      fc.property(text, (source) => {
        const compiled = compileExpression(source);
        if (compiled.kind === 'REFUSED') {
          placed(compiled, source);
          return;
        }
        const answer = compiled.expression.evaluate(input);
        if (answer.kind === 'VALUE') values += 1;
        else expect(answer.message).toMatch(/^[^,;/?:@&=+$#]+ \(line \d+ column \d+\)$/);
        expect(compiled.expression.evaluate(input)).toEqual(answer);
      }),
      settings,
    );
    expect(input).toEqual(before);
    expect(values).toBeGreaterThan(0);
  });
});

/** A refusal is printable and points into the source, at the line and column it says. */
function placed(refusal: RefusedExpression, source: string): void {
  const { message, line, column, offset } = refusal;
  expect(message).toMatch(/^[\x20-\x7e]+$/);
  const points = Array.from(source);
  expect(offset).toBeLessThanOrEqual(points.length);
  const before = points.slice(0, offset);
  expect(line).toBe(before.filter((point) => point === '\n').length + 1);
  expect(column).toBe(offset - before.lastIndexOf('\n'));
}
