import type { Machine, Operation } from './checker.js';

/** What is asked of one agent's budget. Amounts are whole numbers of the smallest step. */
export type Input =
  | {
      readonly kind: 'spend' | 'reserve';
      readonly requestId: string;
      readonly amount: bigint;
      /** As much as there is, instead of all or nothing. */
      readonly upTo: boolean;
    }
  | {
      readonly kind: 'commit';
      readonly requestId: string;
      /** The request_id that made the hold. */
      readonly hold: string;
      /** Undefined: what is held. */
      readonly amount: bigint | undefined;
      readonly final: boolean;
    }
  | { readonly kind: 'release'; readonly requestId: string; readonly hold: string }
  | { readonly kind: 'get' };

/** A budget as an answer shows it. */
export interface Balance {
  readonly spent: bigint;
  readonly reserved: bigint;
}

/** What was answered. */
export interface Output {
  /** `APPROVED`, `DENIED`, or the reason of an error. */
  readonly verdict: string;
  /** Granted, committed or released. */
  readonly amount: bigint;
  readonly replayed: boolean;
  /** The budget right after it. Undefined where the answer tells none, as replays do. */
  readonly balance: Balance | undefined;
}

interface Hold {
  readonly held: bigint;
  readonly state: 'OPEN' | 'COMMITTED' | 'RELEASED';
}

interface Recorded {
  readonly content: string;
  readonly amount: bigint;
}

/** A budget between two operations. */
export interface Budget {
  readonly spent: bigint;
  readonly holds: ReadonlyMap<string, Hold>;
  /** What each request_id did. */
  readonly records: ReadonlyMap<string, Recorded>;
  /** The records of operations whose answer nobody saw. */
  readonly unseen: readonly string[];
}

interface Effect {
  readonly state: Budget;
  readonly output: Output;
}

/** One agent's budget, done one thing at a time: ledger.md's rules for money, in its smallest form. */
export function budgetMachine(allocated: bigint): Machine<Budget, Input, Output> {
  return {
    initial: { spent: 0n, holds: new Map(), records: new Map(), unseen: [] },
    step(state, operation) {
      const { state: after, output } = perform(state, operation.input, allocated);
      if (operation.output === undefined) return withUnseen(state, after, operation);
      return agrees(output, operation.output) ? after : undefined;
    },
    key: ({ spent, holds, unseen }) => {
      const open = [...holds].map(([id, { held, state }]) => `${id}:${held}:${state}`);
      return [String(spent), ...open.sort(), ...unseen].join(' ');
    },
  };
}

function withUnseen(before: Budget, after: Budget, { input }: Operation<Input, Output>): Budget {
  if (input.kind === 'get' || after.records.size === before.records.size) return after;
  const made = after.records.get(input.requestId);
  const unseen = [...after.unseen, `${input.requestId}=${made?.amount}=${made?.content}`];
  return { ...after, unseen: unseen.sort() };
}

function agrees(expected: Output, seen: Output): boolean {
  return (
    expected.verdict === seen.verdict &&
    expected.amount === seen.amount &&
    expected.replayed === seen.replayed &&
    (seen.balance === undefined ||
      (expected.balance?.spent === seen.balance.spent &&
        expected.balance.reserved === seen.balance.reserved))
  );
}

function perform(state: Budget, input: Input, allocated: bigint): Effect {
  if (input.kind === 'get') return { state, output: told(state, 'APPROVED', 0n) };
  const record = state.records.get(input.requestId);
  if (record !== undefined) {
    if (record.content !== contentOf(input)) return refused(state, 'REQUEST_ID_REUSED');
    const output = { ...told(state, 'APPROVED', record.amount), replayed: true };
    return { state, output };
  }
  switch (input.kind) {
    case 'spend':
    case 'reserve': {
      const available = allocated - state.spent - reservedIn(state);
      const granted = input.upTo && input.amount > available ? available : input.amount;
      if (granted > available || granted <= 0n) return refused(state, 'DENIED');
      const after =
        input.kind === 'spend'
          ? { ...state, spent: state.spent + granted }
          : withHold(state, input.requestId, { held: granted, state: 'OPEN' });
      return done(after, input, granted);
    }
    case 'commit': {
      const hold = state.holds.get(input.hold);
      if (hold?.state !== 'OPEN') return refused(state, ENDED[hold?.state ?? 'NONE']);
      const amount = input.amount ?? hold.held;
      const rest = amount > hold.held ? 0n : hold.held - amount;
      const next: Hold = input.final
        ? { held: 0n, state: 'COMMITTED' }
        : { held: rest, state: 'OPEN' };
      const after = withHold({ ...state, spent: state.spent + amount }, input.hold, next);
      return done(after, input, amount);
    }
    case 'release': {
      const hold = state.holds.get(input.hold);
      if (hold?.state === 'RELEASED') return { state, output: told(state, 'APPROVED', 0n) };
      if (hold?.state !== 'OPEN') return refused(state, ENDED[hold?.state ?? 'NONE']);
      const after = withHold(state, input.hold, { held: 0n, state: 'RELEASED' });
      return done(after, input, hold.held);
    }
  }
}

const ENDED = {
  COMMITTED: 'RESERVATION_ALREADY_COMMITTED',
  RELEASED: 'RESERVATION_ALREADY_RELEASED',
  NONE: 'RESERVATION_NOT_FOUND',
} as const;

function done(after: Budget, input: Exclude<Input, { kind: 'get' }>, amount: bigint): Effect {
  const records = new Map(after.records);
  records.set(input.requestId, { content: contentOf(input), amount });
  const state = { ...after, records };
  return { state, output: told(state, 'APPROVED', amount) };
}

function refused(state: Budget, verdict: string): Effect {
  return { state, output: told(state, verdict, 0n) };
}

function told(state: Budget, verdict: string, amount: bigint): Output {
  const balance = { spent: state.spent, reserved: reservedIn(state) };
  return { verdict, amount, replayed: false, balance };
}

function withHold(state: Budget, id: string, hold: Hold): Budget {
  return { ...state, holds: new Map(state.holds).set(id, hold) };
}

function reservedIn({ holds }: Budget): bigint {
  let sum = 0n;
  for (const { held } of holds.values()) sum += held;
  return sum;
}

/** Everything of a request but its request_id. */
function contentOf(input: Exclude<Input, { kind: 'get' }>): string {
  return Object.entries(input)
    .filter(([name]) => name !== 'requestId')
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
