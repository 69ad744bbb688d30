import type { Amount } from '../domain/amount.js';
import type { AccountChange, AccountKind, BalanceField, Entry } from '../domain/entry.js';
import type { Uid } from '../domain/model.js';
import { RETENTION_KEY } from '../domain/opening.js';
import { sequenceKey } from '../domain/violation.js';
import type { Finding } from '../ledger/api.js';
import type { StoredEntry, StoreReader } from '../ledger/store.js';
import type { VerificationScope } from './verify.js';

/** Findings that a report lists. */
const FINDINGS_MAX = 100;

/** The balances of one account as its postings make them. */
export interface FoldedAccount {
  readonly kind: AccountKind;
  readonly uid: Uid;
  readonly balances: Map<BalanceField, Amount>;
  /** The newest entry that touched the account. */
  lastSequence: number;
  /** Of an agent: the pool it is in. */
  poolUid: Uid;
  /** The configuration as its entries last made it. */
  readonly fields: Map<string, string>;
}

/** What a verification has walked and found so far. */
export interface Fold {
  sequence: number;
  hash: Uint8Array;
  /** The sequence behind which the walk began: the entry there was not read. */
  begun: number;
  time: number;
  entries: number;
  balancesCompared: number;
  readonly accounts: Map<string, FoldedAccount>;
  /** What was refunded, by the sequence of the refunded entry. */
  readonly refunds: Map<number, Amount>;
  readonly findings: Finding[];
  /** The newest CUT entry that was walked. */
  lastCut: StoredEntry | undefined;
  /** Begins behind an entry that is known to be sound, or that retention cut: anew. */
  begin(sequence: number, hash: Uint8Array): void;
  find(sequence: number, account: string, message: string): void;
}

/** Begins a fold at the first entry. */
export function makeFold(): Fold {
  const findings: Finding[] = [];
  return {
    sequence: 0,
    hash: new Uint8Array(32),
    begun: 0,
    time: 0,
    entries: 0,
    balancesCompared: 0,
    accounts: new Map(),
    refunds: new Map(),
    findings,
    lastCut: undefined,
    begin(sequence, hash) {
      this.sequence = sequence;
      this.begun = sequence;
      if (sequence > 0) this.hash = hash;
      this.accounts.clear();
      this.refunds.clear();
    },
    find: (sequence, account, message) => {
      if (findings.length < FINDINGS_MAX) findings.push({ sequence, account, message });
    },
  };
}

/**
 * Folds up to `limit` entries after the fold's position. Returns whether there may be more. The walk
 * ends at the first broken link: what follows a break proves nothing.
 */
export function foldEntries(
  reader: StoreReader,
  fold: Fold,
  scope: VerificationScope,
  limit: number,
): boolean {
  let folded = 0;
  beginBehindCut(reader, fold);
  for (const stored of reader.entries(fold.sequence)) {
    if (!checkLink(reader, fold, stored)) return false;
    if (scope === 'ALL') {
      for (const account of stored.entry.accounts) post(reader, fold, stored.entry, account);
      followPool(fold, stored.entry);
      foldFacts(fold, stored.entry);
    }
    if (stored.entry.kind === 'CUT') fold.lastCut = stored;
    fold.sequence = stored.entry.sequence;
    fold.hash = stored.hash;
    fold.time = stored.entry.time;
    fold.entries += 1;
    folded += 1;
    if (folded === limit) return true;
  }
  return false;
}

/**
 * Retention may have cut what comes next, before this walk began or while it goes on: then it goes on
 * behind the cut, and what it had folded lies in the opening rows.
 */
function beginBehindCut(reader: StoreReader, fold: Fold): void {
  const cut = reader.row('retention', RETENTION_KEY);
  if (cut !== undefined && fold.sequence < cut.throughSequence) {
    fold.begin(cut.throughSequence, cut.throughHash);
  }
}

/**
 * What is folded of an account. One that no kept entry touched so far is as its opening row says: in the
 * snapshot in which it is first met, that holds all that was before.
 */
export function accountOf(reader: StoreReader, fold: Fold, uid: Uid): FoldedAccount | undefined {
  const known = fold.accounts.get(`AGENT ${uid}`) ?? fold.accounts.get(`POOL ${uid}`);
  if (known !== undefined) return known;
  const opening = reader.row('openings', sequenceKey(uid));
  if (opening === undefined) return undefined;
  const { kind, lastSequence, poolUid } = opening;
  const account: FoldedAccount = {
    kind,
    uid,
    balances: new Map(opening.balances),
    lastSequence,
    poolUid,
    fields: new Map(opening.fields),
  };
  fold.accounts.set(`${kind} ${uid}`, account);
  return account;
}

function checkLink(reader: StoreReader, fold: Fold, stored: StoredEntry): boolean {
  const { entry } = stored;
  if (entry.sequence !== fold.sequence + 1) {
    fold.find(fold.sequence + 1, '', `entry ${fold.sequence + 1} is missing`);
    return false;
  }
  if (Buffer.compare(entry.previousHash, fold.hash) !== 0) {
    // An entry that what follows is chained to is as it was written, so the one before it is not.
    if (fold.sequence > fold.begun && isChainedTo(reader, stored)) {
      fold.find(fold.sequence, '', `it is not the one that entry ${entry.sequence} is chained to`);
    } else {
      const message = `the entry before ${entry.sequence} is not the one it was chained to`;
      fold.find(entry.sequence, '', message);
    }
    return false;
  }
  if (entry.time < fold.time) {
    fold.find(entry.sequence, '', 'its time is before that of the entry before');
  }
  return true;
}

/** Whether the entry after one, or the header after the newest, names its hash. */
function isChainedTo(reader: StoreReader, { entry, hash }: StoredEntry): boolean {
  const { headSequence, headHash } = reader.header();
  if (entry.sequence === headSequence) return Buffer.compare(headHash, hash) === 0;
  try {
    const next = reader.entry(entry.sequence + 1)?.entry;
    return next !== undefined && Buffer.compare(next.previousHash, hash) === 0;
  } catch {
    return false;
  }
}

function post(reader: StoreReader, fold: Fold, entry: Entry, change: AccountChange): void {
  const key = `${change.kind} ${change.uid}`;
  const account = accountOf(reader, fold, change.uid) ?? newAccount(change);
  fold.accounts.set(key, account);
  if (account.lastSequence !== change.previousSequence) {
    fold.find(entry.sequence, key, `names ${change.previousSequence} as the account's last entry`);
  }
  account.lastSequence = entry.sequence;
  for (const { field, delta, after } of change.postings) {
    const sum = (account.balances.get(field) ?? 0n) + delta;
    account.balances.set(field, sum);
    if (sum !== after) fold.find(entry.sequence, key, `its ${field} does not add up`);
  }
  if (change.remaining !== undefined && change.remaining !== remainingIn(account)) {
    fold.find(entry.sequence, key, 'its remaining does not add up');
  }
}

function newAccount({ kind, uid }: AccountChange): FoldedAccount {
  return { kind, uid, balances: new Map(), lastSequence: 0, poolUid: 0, fields: new Map() };
}

function remainingIn(account: FoldedAccount): Amount {
  const of = (field: BalanceField): Amount => account.balances.get(field) ?? 0n;
  return of('allocated') - of('spent') - of('reserved');
}

/** What an entry changes beside balances: the configuration of its first account, or a refund. */
function foldFacts(fold: Fold, entry: Entry): void {
  const [subject] = entry.accounts;
  const account = subject && fold.accounts.get(`${subject.kind} ${subject.uid}`);
  for (const { field, after } of entry.changes) account?.fields.set(field, after);
  if (entry.refundedSequence > 0) {
    const earlier = fold.refunds.get(entry.refundedSequence) ?? 0n;
    fold.refunds.set(entry.refundedSequence, earlier + (entry.amount ?? 0n));
  }
}

/** An agent is created in the first pool its entry names and moves to the last. */
function followPool(fold: Fold, entry: Entry): void {
  if (entry.kind !== 'AGENT_CREATE' && entry.kind !== 'AGENT_MOVE') return;
  const agent = entry.accounts.find(({ kind }) => kind === 'AGENT');
  const pool = entry.accounts.findLast(({ kind }) => kind === 'POOL');
  const account = agent && fold.accounts.get(`AGENT ${agent.uid}`);
  if (account !== undefined && pool !== undefined) account.poolUid = pool.uid;
}
