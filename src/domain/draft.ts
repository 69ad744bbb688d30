import { inRange, type Amount } from './amount.js';
import { reject, type Rejection } from './answer.js';
import { debtOf, remainingOf } from './budget.js';
import { changeRow, type CollectionName, type Collections, type RowChanges } from './collection.js';
import { copyAgent, copyPool, type Unfinished } from './copy.js';
import type {
  AccountChange,
  AccountKind,
  BalanceField,
  EntryKind,
  FieldChange,
  Posting,
} from './entry.js';
import type { Agent, Instant, Metadata, Pool, Quantities, Reservation, Uid } from './model.js';
import type { State } from './state.js';
import { addToRow, cellOf, hourOf, minuteOf, NO_QUANTITIES, type UsageDelta } from './usage.js';

/** An entry before the request it belongs to, its hash and its time are put to it. */
export interface EntryDraft {
  readonly sequence: number;
  readonly kind: EntryKind;
  readonly accounts: readonly AccountChange[];
  readonly amount: Amount | undefined;
  readonly changes: readonly FieldChange[];
  readonly reservationId: string;
  readonly refundedSequence: number;
  readonly category: string;
  readonly quantities: Quantities;
  readonly runId: string;
  readonly metadata: Metadata;
  readonly usage: UsageDelta | undefined;
}

/** Everything a decision changes: whole rows as they shall be, and the entries that say why. */
export interface Effects {
  readonly entries: readonly EntryDraft[];
  readonly agents: ReadonlyMap<Uid, Agent>;
  readonly pools: ReadonlyMap<Uid, Pool>;
  /** The last one of an id counts. */
  readonly reservations: readonly Reservation[];
  /** What was refunded of an entry, by its sequence. The last one counts. */
  readonly refunds: readonly (readonly [sequence: number, refunded: Amount])[];
  readonly rows: RowChanges;
  /** Keys of open episodes that went on: counted in memory, see Episode. */
  readonly repeats: readonly string[];
  /** The newest violation event's sequence. */
  readonly violationSequence: number;
  readonly nextUid: Uid;
}

/** Effects in the making. The state is only read: a row of it is replaced before anything of it changes. */
export interface Draft {
  readonly state: State;
  readonly now: Instant;
  readonly entries: EntryDraft[];
  readonly agents: Map<Uid, Agent>;
  readonly pools: Map<Uid, Pool>;
  readonly reservations: Reservation[];
  readonly refunds: (readonly [sequence: number, refunded: Amount])[];
  readonly rows: RowChanges;
  readonly repeats: string[];
  violationSequence: number;
  nextUid: Uid;
  /** The accounts of the entry in the making. */
  accounts: AccountDraft[];
  /** The same by key, once there are many. */
  accountsByKey: Map<string, AccountDraft> | undefined;
  /** Whether a balance left its range. */
  overflowed: boolean;
}

interface AccountDraft {
  readonly kind: AccountKind;
  readonly uid: Uid;
  readonly previousSequence: number;
  readonly postings: Posting[];
}

/** The changes of one agent's money; what is left out is 0. */
export interface MoneyMove {
  readonly allocated?: Amount;
  readonly spent?: Amount;
  readonly reserved?: Amount;
}

/** Begins a draft on a state. */
export function beginDraft(state: State, now: Instant): Draft {
  return {
    state,
    now,
    entries: [],
    agents: new Map(),
    pools: new Map(),
    reservations: [],
    refunds: [],
    rows: {},
    repeats: [],
    violationSequence: state.violationSequence,
    nextUid: state.nextUid,
    accounts: [],
    accountsByKey: undefined,
    overflowed: false,
  };
}

/** The agent as the draft leaves it so far. The uid must exist. */
export function draftAgent(draft: Draft, uid: Uid): Agent {
  const agent = draft.agents.get(uid) ?? draft.state.agent(uid);
  if (agent === undefined) throw new Error(`no agent row ${uid}`);
  return agent;
}

/** The pool as the draft leaves it so far. The uid must exist. */
export function draftPool(draft: Draft, uid: Uid): Pool {
  const pool = draft.pools.get(uid) ?? draft.state.pool(uid);
  if (pool === undefined) throw new Error(`no pool row ${uid}`);
  return pool;
}

/** A row of a collection as the draft leaves it so far. */
export function draftRow<C extends CollectionName>(
  draft: Draft,
  collection: C,
  key: string,
): Collections[C] | undefined {
  const changed = draft.rows[collection];
  return changed?.has(key) ? changed.get(key) : draft.state.row(collection, key);
}

/** Writes a row of a collection. */
export function putRow<C extends CollectionName>(
  draft: Draft,
  collection: C,
  key: string,
  row: Collections[C],
): void {
  changeRow(draft.rows, collection, key, row);
}

/** Takes a row of a collection away. */
export function removeRow(draft: Draft, collection: CollectionName, key: string): void {
  changeRow(draft.rows, collection, key, undefined);
}

/**
 * Moves an agent's money and its pool's with it: the pool's spent, reserved, unallocated and debt
 * follow from the agent's allocated, spent and reserved, so conservation (I2, I3) holds by form.
 */
export function moveMoney(draft: Draft, uid: Uid, move: MoneyMove): Agent {
  const before = draftAgent(draft, uid);
  const allocated = move.allocated ?? 0n;
  const spent = move.spent ?? 0n;
  const reserved = move.reserved ?? 0n;
  const after = copyAgent(before);
  after.allocated += allocated;
  after.spent += spent;
  after.reserved += reserved;
  const account = touch(draft, 'AGENT', uid, before.lastSequence);
  record(draft, account, 'allocated', allocated, after.allocated);
  record(draft, account, 'spent', spent, after.spent);
  record(draft, account, 'reserved', reserved, after.reserved);
  draft.agents.set(uid, after);
  movePool(draft, after.poolUid, {
    spent,
    reserved,
    unallocated: -allocated,
    debt: debtOf(after) - debtOf(before),
  });
  return after;
}

/** Counts an agent's open reservations. */
export function countHold(draft: Draft, uid: Uid, step: 1 | -1): Agent {
  const own = ownAgent(draft, uid);
  own.openReservations += step;
  return own;
}

/** The agent's row for this draft to change: its own, copied where the state's was not replaced yet. */
function ownAgent(draft: Draft, uid: Uid): Unfinished<Agent> {
  const row = draftAgent(draft, uid);
  if (row !== draft.state.agent(uid)) return row;
  const own = copyAgent(row);
  draft.agents.set(uid, own);
  return own;
}

/** The pool's row, as `ownAgent`. */
function ownPool(draft: Draft, uid: Uid): Unfinished<Pool> {
  const row = draftPool(draft, uid);
  if (row !== draft.state.pool(uid)) return row;
  const own = copyPool(row);
  draft.pools.set(uid, own);
  return own;
}

/** The changes of a pool's own balances; what is left out is 0. */
export interface PoolMove {
  readonly funded?: Amount;
  readonly spent?: Amount;
  readonly reserved?: Amount;
  readonly unallocated?: Amount;
  readonly debt?: Amount;
}

/** Changes a pool's balances alone: for funding, refunds to a pool and moves between pools. */
export function movePool(draft: Draft, uid: Uid, move: PoolMove): Pool {
  const before = draftPool(draft, uid);
  const funded = move.funded ?? 0n;
  const spent = move.spent ?? 0n;
  const reserved = move.reserved ?? 0n;
  const unallocated = move.unallocated ?? 0n;
  const debt = move.debt ?? 0n;
  const after = copyPool(before);
  after.funded += funded;
  after.spent += spent;
  after.reserved += reserved;
  after.unallocated += unallocated;
  after.debt += debt;
  const account = touch(draft, 'POOL', uid, before.lastSequence);
  record(draft, account, 'funded', funded, after.funded);
  record(draft, account, 'spent', spent, after.spent);
  record(draft, account, 'reserved', reserved, after.reserved);
  record(draft, account, 'unallocated', unallocated, after.unallocated);
  record(draft, account, 'debt', debt, after.debt);
  draft.pools.set(uid, after);
  return after;
}

/** Sets an agent's base and baseline. */
export function setAgentBaseline(draft: Draft, uid: Uid, base: Amount, baseline: Amount): void {
  const before = draftAgent(draft, uid);
  if (before.base === base && before.baseline === baseline) return;
  const account = touch(draft, 'AGENT', uid, before.lastSequence);
  record(draft, account, 'base', base - before.base, base);
  record(draft, account, 'baseline', baseline - before.baseline, baseline);
  draft.agents.set(uid, { ...before, base, baseline });
}

/** Sets a pool's base and baseline. */
export function setPoolBaseline(draft: Draft, uid: Uid, base: Amount, baseline: Amount): void {
  const before = draftPool(draft, uid);
  if (before.base === base && before.baseline === baseline) return;
  const account = touch(draft, 'POOL', uid, before.lastSequence);
  record(draft, account, 'base', base - before.base, base);
  record(draft, account, 'baseline', baseline - before.baseline, baseline);
  draft.pools.set(uid, { ...before, base, baseline });
}

/** Names an account in the entry in the making, once, in order of first mention. */
export function touch(
  draft: Draft,
  kind: AccountKind,
  uid: Uid,
  previousSequence: number,
): AccountDraft {
  const found = accountIn(draft, kind, uid);
  if (found !== undefined) return found;
  const account: AccountDraft = { kind, uid, previousSequence, postings: [] };
  draft.accounts.push(account);
  draft.accountsByKey?.set(`${kind} ${uid}`, account);
  return account;
}

/** Accounts that are looked through one by one: a spend has two, an allocation thousands. */
const SCANNED_MAX = 16;

function accountIn(draft: Draft, kind: AccountKind, uid: Uid): AccountDraft | undefined {
  if (draft.accounts.length <= SCANNED_MAX) {
    for (const account of draft.accounts) {
      if (account.uid === uid && account.kind === kind) return account;
    }
    return undefined;
  }
  draft.accountsByKey ??= new Map(draft.accounts.map((each) => [`${each.kind} ${each.uid}`, each]));
  return draft.accountsByKey.get(`${kind} ${uid}`);
}

/**
 * Adds a posting; a second one of the same field of the same entry is folded into the first, and what
 * comes to nothing is left out.
 */
function record(
  draft: Draft,
  account: AccountDraft,
  field: BalanceField,
  delta: Amount,
  after: Amount,
): void {
  if (delta === 0n) return;
  if (!inRange(after)) draft.overflowed = true;
  const index = account.postings.findIndex((posting) => posting.field === field);
  const earlier = account.postings[index];
  if (earlier === undefined) account.postings.push({ field, delta, after });
  else if (earlier.delta + delta === 0n) account.postings.splice(index, 1);
  else account.postings[index] = { field, delta: earlier.delta + delta, after };
}

/** What an entry is about, beside its postings; what is left out is empty. */
export interface EntryFacts {
  readonly amount?: Amount | undefined;
  readonly changes?: readonly FieldChange[];
  readonly reservationId?: string;
  readonly refundedSequence?: number;
  readonly category?: string;
  readonly quantities?: Quantities;
  readonly runId?: string;
  readonly metadata?: Metadata;
  readonly usage?: UsageDelta | undefined;
}

const NO_METADATA: Metadata = [];
const NO_CHANGES: readonly FieldChange[] = [];

/** Closes the entry in the making: its accounts' rows get their new revision and chain position. */
export function closeEntry(draft: Draft, kind: EntryKind, facts: EntryFacts): void {
  const sequence = draft.state.headSequence + draft.entries.length + 1;
  const usage = facts.usage;
  const accounts = draft.accounts.map((account): AccountChange => {
    const { kind: accountKind, uid, previousSequence, postings } = account;
    if (accountKind === 'POOL') {
      const pool = ownPool(draft, uid);
      pool.lastSequence = sequence;
      // The one pool of an entry with usage is the one that paid.
      if (usage !== undefined) use(pool, usage, draft.now, NO_QUANTITIES);
      return { kind: accountKind, uid, previousSequence, postings, remaining: undefined };
    }
    const agent = ownAgent(draft, uid);
    agent.lastSequence = sequence;
    if (postings.length > 0) {
      agent.budgetRevision += 1;
      agent.budgetTime = draft.now;
    }
    if (usage?.agentUid === uid) {
      use(agent, usage, draft.now, usage.quantities);
      agent.spendCount += usage.entries;
      if (usage.entries > 0) agent.lastSpendTime = draft.now;
    }
    const remaining = remainingOf(agent);
    return { kind: accountKind, uid, previousSequence, postings, remaining };
  });
  draft.accounts = [];
  draft.accountsByKey = undefined;
  draft.entries.push({
    sequence,
    kind,
    accounts,
    amount: facts.amount,
    changes: facts.changes ?? NO_CHANGES,
    reservationId: facts.reservationId ?? '',
    refundedSequence: facts.refundedSequence ?? 0,
    category: facts.category ?? '',
    quantities: facts.quantities ?? NO_QUANTITIES,
    runId: facts.runId ?? '',
    metadata: facts.metadata ?? NO_METADATA,
    usage,
  });
}

/**
 * Adds to the minutes of an account. Those of an earlier hour leave its row: see endHour. A pool's have no
 * quantities, since the names of all its agents together have no bound.
 */
function use(
  account: Unfinished<Agent> | Unfinished<Pool>,
  usage: UsageDelta,
  now: Instant,
  quantities: Quantities,
): void {
  const hour = hourOf(now);
  const minute = cellOf(minuteOf(now), usage, quantities);
  account.usage = account.usageHour === hour ? addToRow(account.usage, minute) : [minute];
  account.usageHour = hour;
}

/** The rejection of a draft that drove a balance to 10^24 or beyond, or undefined. */
export function overflowOf(draft: Draft): Rejection | undefined {
  return draft.overflowed
    ? reject('BALANCE_OVERFLOW', 'A balance would reach 10^24. Use a smaller amount')
    : undefined;
}
