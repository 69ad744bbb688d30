import { AMOUNT_DECIMALS, BALANCE_LIMIT, inRange, type Amount } from '../../domain/amount.js';
import { Failure, Refusal, type BinaryOperator } from './syntax.js';
import { elementOf, widened, type Term, type Type, type Value, type ValueOf } from './term.js';

interface Overload {
  readonly type: Type;
  readonly apply: (left: Value, right: Value, at: number) => Value;
}

const INT_MAX = 2n ** 63n - 1n;
const STEPS_PER_UNIT = 10n ** BigInt(AMOUNT_DECIMALS);
/** The last moment that a timestamp can be: the end of the year 9999. */
export const TIMESTAMP_MAX = 253_402_300_799_999;

const overloads: ReadonlyMap<string, Overload> = new Map([
  ...(['bool', 'string', 'int', 'Amount', 'timestamp', 'duration'] as const).flatMap((type) => [
    overload(type, '==', type, 'bool', (left, right) => left === right),
    overload(type, '!=', type, 'bool', (left, right) => left !== right),
  ]),
  ...(['int', 'Amount', 'timestamp', 'duration'] as const).flatMap((type) => [
    overload(type, '<', type, 'bool', (left, right) => left < right),
    overload(type, '<=', type, 'bool', (left, right) => left <= right),
    overload(type, '>', type, 'bool', (left, right) => left > right),
    overload(type, '>=', type, 'bool', (left, right) => left >= right),
  ]),
  overload('int', '+', 'int', 'int', (left, right, at) => int(left + right, at)),
  overload('int', '-', 'int', 'int', (left, right, at) => int(left - right, at)),
  overload('int', '*', 'int', 'int', (left, right, at) => int(left * right, at)),
  overload('int', '/', 'int', 'int', (left, right, at) => int(left / divisor(right, at), at)),
  overload('int', '%', 'int', 'int', (left, right, at) => left % divisor(right, at)),
  overload('Amount', '+', 'Amount', 'Amount', (left, right, at) => amount(left + right, at)),
  overload('Amount', '-', 'Amount', 'Amount', (left, right, at) => amount(left - right, at)),
  overload('Amount', '*', 'Amount', 'Amount', (left, right, at) => product(left, right, at)),
  overload('Amount', '*', 'int', 'Amount', (left, right, at) => amount(left * right, at)),
  overload('int', '*', 'Amount', 'Amount', (left, right, at) => amount(left * right, at)),
  overload('timestamp', '-', 'timestamp', 'duration', (left, right) => left - right),
  overload('timestamp', '+', 'duration', 'timestamp', (left, right, at) => time(left + right, at)),
  overload('duration', '+', 'timestamp', 'timestamp', (left, right, at) => time(left + right, at)),
  overload('timestamp', '-', 'duration', 'timestamp', (left, right, at) => time(left - right, at)),
  overload('duration', '+', 'duration', 'duration', (left, right, at) => span(left + right, at)),
  overload('duration', '-', 'duration', 'duration', (left, right, at) => span(left - right, at)),
]);

/** The term of an operator between two terms. Refuses types that it does not join. */
export function binaryTerm(operator: BinaryOperator, left: Term, right: Term, at: number): Term {
  if (operator === 'in') return membershipTerm(left, right, at);
  const mixed = operator !== '*' && [left.type, right.type].sort().join() === 'Amount,int';
  const [l, r] = mixed ? [widened(left), widened(right)] : [left, right];
  const found = overloads.get(`${l.type} ${operator} ${r.type}`);
  if (found === undefined) {
    const message = `There is no operator ${operator} for ${left.type} and ${right.type}`;
    throw new Refusal(`${message}${advice(operator, left.type, right.type)}`, at);
  }
  const { type, apply } = found;
  const a = l.run;
  const b = r.run;
  return { type, run: (input) => apply(a(input), b(input), at), start: left.start };
}

/** The term of `!` or `-` before a term. */
export function unaryTerm(operator: '!' | '-', of: Term, start: number): Term {
  const { run, type } = of;
  if (operator === '!' && type === 'bool') {
    return { type, run: (input) => run(input) === false, start };
  }
  if (operator === '-' && type === 'int') {
    return { type, run: (input) => int(-(run(input) as bigint), start), start };
  }
  if (operator === '-' && type === 'Amount') {
    return { type, run: (input) => -(run(input) as Amount), start };
  }
  throw new Refusal(`There is no operator ${operator} for ${type}`, start);
}

function membershipTerm(left: Term, right: Term, at: number): Term {
  const { start } = left;
  if (left.type === 'string' && right.type.startsWith('map<')) {
    const entry = entryOf(right.type);
    return {
      type: 'bool',
      run: (input) => {
        const key = left.run(input) as string;
        return entry(right.run(input), key) !== undefined;
      },
      start,
    };
  }
  const widen = left.type === 'Amount' || right.type === 'list<Amount>';
  const [one, many] = widen ? [widened(left), widened(right)] : [left, right];
  const element = elementOf(many.type);
  if (element !== undefined && element === one.type) {
    return {
      type: 'bool',
      run: (input) => {
        const sought = one.run(input);
        return (many.run(input) as readonly Value[]).includes(sought);
      },
      start,
    };
  }
  throw new Refusal(
    `There is no operator in for ${left.type} and ${right.type}. It asks for an element of a ` +
      'list or a key of a map',
    at,
  );
}

/** How a map's value is found: undefined when the key is absent. At most 64 pairs are looked at. */
export function entryOf(type: Type): (map: Value, key: string) => Value | undefined {
  return type === 'map<string, Amount>'
    ? (map, key) => (map as ValueOf['map<string, Amount>']).find(({ name }) => name === key)?.amount
    : (map, key) => (map as ValueOf['map<string, string>']).find(([name]) => name === key)?.[1];
}

function advice(operator: BinaryOperator, left: Type, right: Type): string {
  const types = [left, right];
  if (types.includes('Amount') && types.includes('string')) {
    return '. An amount is written decimal("0.1")';
  }
  if (types.includes('Amount') && (operator === '/' || operator === '%')) {
    return ', because the result would have to be rounded. Multiply the other side instead';
  }
  if (left === 'string' && operator === '+') return '. Compare the parts by themselves';
  return '';
}

function int(value: bigint, at: number): bigint {
  if (value <= INT_MAX && value >= -INT_MAX - 1n) return value;
  throw new Failure('The int is beyond 64 bits', at);
}

function divisor(value: bigint, at: number): bigint {
  if (value !== 0n) return value;
  throw new Failure('Division by zero', at);
}

function amount(value: Amount, at: number): Amount {
  if (inRange(value)) return value;
  throw new Failure(`The amount is not below 10^${limitDigits}`, at);
}

const limitDigits = (BALANCE_LIMIT / STEPS_PER_UNIT).toString().length - 1;

function product(left: Amount, right: Amount, at: number): Amount {
  const steps = left * right;
  if (steps % STEPS_PER_UNIT === 0n) return amount(steps / STEPS_PER_UNIT, at);
  throw new Failure(`The product has more than ${AMOUNT_DECIMALS} decimals`, at);
}

function time(value: number, at: number): number {
  if (value >= 0 && value <= TIMESTAMP_MAX) return value;
  throw new Failure('The timestamp is not between 1970 and 9999', at);
}

function span(value: number, at: number): number {
  if (Math.abs(value) <= TIMESTAMP_MAX) return value;
  throw new Failure('The duration is longer than 8000 years', at);
}

function overload<L extends keyof ValueOf, R extends keyof ValueOf, T extends keyof ValueOf>(
  left: L,
  operator: BinaryOperator,
  right: R,
  type: T,
  apply: (left: ValueOf[L], right: ValueOf[R], at: number) => ValueOf[T],
): [string, Overload] {
  return [`${left} ${operator} ${right}`, { type, apply: apply as unknown as Overload['apply'] }];
}
