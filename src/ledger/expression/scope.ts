import { percentOf, storedAmount } from '../../domain/amount.js';
import { availableOf, poolRemainingOf, remainingOf } from '../../domain/budget.js';
import type { ExpressionInput } from '../../domain/expression.js';
import { Refusal } from './syntax.js';
import type { Term, Type, Value, ValueOf } from './term.js';

interface Name {
  readonly type: Type;
  readonly read: (input: ExpressionInput) => Value;
}

interface Field {
  readonly type: Type;
  readonly read: (owner: Value, input: ExpressionInput) => Value;
}

// Maps, not objects: a name such as constructor or __proto__ must find nothing.
const names: ReadonlyMap<string, Name> = new Map([
  variable('agent', 'agent', (input) => input.agent),
  variable('pool', 'pool', (input) => input.pool),
  variable('amount', 'Amount', (input) => input.amount),
  variable('category', 'string', (input) => input.category),
  variable('quantities', 'map<string, Amount>', (input) => input.quantities),
  variable('budget', 'budget', (input) => input.agent),
  variable('now', 'timestamp', (input) => input.now),
]);

const fields: ReadonlyMap<Type, ReadonlyMap<string, Field>> = new Map([
  [
    'agent',
    new Map([
      field('agent', 'id', 'string', (agent) => agent.id),
      field('agent', 'name', 'string', (agent) => agent.name),
      field('agent', 'pool_id', 'string', (_, input) => input.pool.id),
      field('agent', 'priority', 'int', (agent) => BigInt(agent.priority)),
      field('agent', 'state', 'string', (agent) => agent.state),
      field('agent', 'overdraft_limit', 'Amount', (agent) => agent.overdraftLimit),
      field('agent', 'open_reservation_count', 'int', (agent) => BigInt(agent.openReservations)),
      field('agent', 'metadata', 'map<string, string>', (agent) => agent.metadata),
    ]),
  ],
  [
    'pool',
    new Map([
      field('pool', 'id', 'string', (pool) => pool.id),
      field('pool', 'name', 'string', (pool) => pool.name),
      field('pool', 'unit', 'string', (pool) => pool.unit),
      field('pool', 'priority', 'int', (pool) => BigInt(pool.priority)),
      field('pool', 'remaining', 'Amount', (pool) => poolRemainingOf(pool)),
      field('pool', 'unallocated', 'Amount', (pool) => pool.unallocated),
      field('pool', 'min_balance', 'Amount', (pool) => pool.minBalance),
      field('pool', 'metadata', 'map<string, string>', (pool) => pool.metadata),
    ]),
  ],
  [
    'budget',
    new Map([
      field('budget', 'allocated', 'Amount', (agent) => agent.allocated),
      field('budget', 'spent', 'Amount', (agent) => agent.spent),
      field('budget', 'reserved', 'Amount', (agent) => agent.reserved),
      field('budget', 'remaining', 'Amount', (agent) => remainingOf(agent)),
      field('budget', 'available', 'Amount', (agent) => availableOf(agent)),
      field('budget', 'baseline', 'Amount', (agent) => agent.baseline),
      field('budget', 'remaining_percent', 'Amount', (agent) =>
        storedAmount(percentOf(remainingOf(agent), agent.baseline)),
      ),
    ]),
  ],
]);

/** Every variable that an expression sees, with its type and, where it has some, its fields. */
export const SCOPE: ReadonlyMap<string, { type: Type; fields: ReadonlyMap<string, Type> }> =
  new Map(
    [...names].map(([name, { type }]) => [
      name,
      {
        type,
        fields: new Map([...(fields.get(type) ?? [])].map(([key, value]) => [key, value.type])),
      },
    ]),
  );

/** The term of a variable. Refuses what is none. */
export function nameTerm(name: string, start: number): Term {
  const found = names.get(name);
  if (found !== undefined) return { type: found.type, run: found.read, start };
  throw new Refusal(`There is no ${name} here. There are ${listed(names)}`, start);
}

/** The term of a field, or undefined for a type that has no fields. Refuses an unknown field. */
export function fieldTerm(owner: Term, name: string, at: number): Term | undefined {
  const known = fields.get(owner.type);
  if (known === undefined) return undefined;
  const found = known.get(name);
  if (found === undefined) {
    throw new Refusal(`${owner.type} has no field ${name}. It has ${listed(known)}`, at);
  }
  const { read } = found;
  const { run, start } = owner;
  return { type: found.type, run: (input) => read(run(input), input), start };
}

function listed(known: ReadonlyMap<string, unknown>): string {
  return [...known.keys()].join(', ').replace(/, (\w+)$/, ' and $1');
}

function variable<T extends keyof ValueOf>(
  name: string,
  type: T,
  read: (input: ExpressionInput) => ValueOf[T],
): [string, Name] {
  return [name, { type, read }];
}

function field<O extends keyof ValueOf, T extends keyof ValueOf>(
  _owner: O,
  name: string,
  type: T,
  read: (owner: ValueOf[O], input: ExpressionInput) => ValueOf[T],
): [string, Field] {
  return [name, { type, read: read as unknown as Field['read'] }];
}
