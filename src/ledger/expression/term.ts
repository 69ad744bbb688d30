import { AMOUNT_DECIMALS, type Amount } from '../../domain/amount.js';
import type { ExpressionInput } from '../../domain/expression.js';
import type { Agent, Metadata, Pool, Quantities } from '../../domain/model.js';
import { Refusal } from './syntax.js';

/** What the values of each type are. There are no doubles, so that no amount meets one. */
export interface ValueOf {
  readonly bool: boolean;
  /** 64 bits. */
  readonly int: bigint;
  readonly string: string;
  /** Exact, in steps of 10^-12, below 10^24 in magnitude. */
  readonly Amount: Amount;
  /** Milliseconds since 1970 UTC. */
  readonly timestamp: number;
  /** Milliseconds. */
  readonly duration: number;
  readonly 'map<string, string>': Metadata;
  readonly 'map<string, Amount>': Quantities;
  readonly agent: Agent;
  readonly pool: Pool;
  /** The agent it is the budget of. */
  readonly budget: Agent;
}

/** The types that a list can have elements of. */
export type ElementType = 'bool' | 'int' | 'string' | 'Amount' | 'timestamp' | 'duration';

/** The type of a part of an expression. Every part has one when it is compiled. */
export type Type = keyof ValueOf | `list<${ElementType}>`;

/** The value of any part. */
export type Value = ValueOf[keyof ValueOf] | readonly Value[];

/** A part of an expression, checked and ready to run. */
export interface Term {
  readonly type: Type;
  /** Throws Failure, nothing else. */
  readonly run: (input: ExpressionInput) => Value;
  /** Its value when that is known without an input. */
  readonly constant?: Value;
  /** Where the part begins in the source: UTF-16 offset. */
  readonly start: number;
}

/** A term that needs no input. */
export function constantTerm<T extends keyof ValueOf>(
  type: T,
  constant: ValueOf[T],
  start: number,
): Term {
  return { type, constant, run: () => constant, start };
}

/** The element type of a list type, or undefined. */
export function elementOf(type: Type): ElementType | undefined {
  return type.startsWith('list<') ? (type.slice(5, -1) as ElementType) : undefined;
}

/** Whether a type can stand in a list. */
export function isElement(type: Type): type is ElementType {
  return (ELEMENTS as ReadonlySet<Type>).has(type);
}

const ELEMENTS: ReadonlySet<ElementType> = new Set<ElementType>([
  'bool',
  'int',
  'string',
  'Amount',
  'timestamp',
  'duration',
]);

const STEPS_PER_INT = 10n ** BigInt(AMOUNT_DECIMALS);

/** The term as an Amount, when it is an int: exact, and never out of range. Others stay. */
export function widened(term: Term): Term {
  if (term.type === 'int') {
    if (term.constant !== undefined) {
      return constantTerm('Amount', (term.constant as bigint) * STEPS_PER_INT, term.start);
    }
    const run = term.run as (input: ExpressionInput) => bigint;
    return { type: 'Amount', run: (input) => run(input) * STEPS_PER_INT, start: term.start };
  }
  if (term.type !== 'list<int>') return term;
  const run = term.run as (input: ExpressionInput) => readonly bigint[];
  const widen = (values: readonly bigint[]) => values.map((value) => value * STEPS_PER_INT);
  const type = 'list<Amount>';
  if (term.constant === undefined) {
    return { type, run: (input) => widen(run(input)), start: term.start };
  }
  const constant = widen(term.constant as readonly bigint[]);
  return { type, constant, run: () => constant, start: term.start };
}

/**
 * The terms in one common type: their own when it is the same, Amount when some are ints.
 * Otherwise refuses the first that differs, with `what` naming the whole.
 */
export function unified(terms: readonly Term[], what: string): readonly Term[] {
  const widen = terms.some(({ type }) => type === 'Amount' || type === 'list<Amount>');
  const common = widen ? terms.map(widened) : terms;
  const type = common[0]?.type;
  const other = common.find((term) => term.type !== type);
  if (other === undefined) return common;
  const types = `${type ?? ''} and ${other.type}`;
  throw new Refusal(`${what} must have one type. These are ${types}`, other.start);
}
