import type { Amount } from './amount.js';
import type { AccountKind, BalanceField, Entry } from './entry.js';
import type { Instant, Uid } from './model.js';

/**
 * What one account had come to when retention cut its oldest entries: every balance of the account is
 * the fold of this row and the entries that are kept (invariant I4). There is none of an account whose
 * entries were never cut.
 */
export interface Opening {
  readonly kind: AccountKind;
  readonly uid: Uid;
  /** The newest entry that was cut and touched the account. */
  readonly lastSequence: number;
  /** Of an agent: the pool it was in after that entry. 0 for pools. */
  readonly poolUid: Uid;
  /** By field. */
  readonly balances: readonly (readonly [field: BalanceField, balance: Amount])[];
  /** The configuration as the cut entries last made it, by name. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** How far retention has cut the ledger: one row, written with every CUT entry. */
export interface Retention {
  /** The newest CUT entry; 0 before the first. */
  readonly cutSequence: number;
  /** The newest entry that was cut; 0 before the first. What follows it is kept. */
  readonly throughSequence: number;
  /** Its hash, 32 bytes: the entry after it is chained to this. Zeros before the first. */
  readonly throughHash: Uint8Array;
  /** When it was written; 0 before the first. */
  readonly throughTime: Instant;
  /** The sum, modulo 2^256, of the digests of all opening rows: 32 bytes. */
  readonly openingsDigest: Uint8Array;
  /** The first hour (since 1970) whose minutes are kept. */
  readonly minutesFrom: number;
  /** The first day (since 1970) whose hours are kept. */
  readonly hoursFrom: number;
  /** The first month (since 1970) whose days are kept. */
  readonly daysFrom: number;
}

/** The key of the row that says how far retention has cut. */
export const RETENTION_KEY = 'retention';

/** Nothing was cut yet. */
export const NOTHING_CUT: Retention = {
  cutSequence: 0,
  throughSequence: 0,
  throughHash: new Uint8Array(32),
  throughTime: 0,
  openingsDigest: new Uint8Array(32),
  minutesFrom: 0,
  hoursFrom: 0,
  daysFrom: 0,
};

/** The names under which a CUT entry says, in its `changes`, what it is the proof of. */
export const CUT_FIELDS = {
  through: 'through_sequence',
  hash: 'through_hash',
  digest: 'openings_digest',
} as const;

/** An opening row that grows: what folding works on. */
export interface OpeningDraft {
  readonly kind: AccountKind;
  readonly uid: Uid;
  lastSequence: number;
  poolUid: Uid;
  readonly balances: Map<BalanceField, Amount>;
  readonly fields: Map<string, string>;
}

/** An account's row to fold into; `before` is the stored one. */
export function openingDraft(kind: AccountKind, uid: Uid, before: Opening | undefined) {
  return {
    kind,
    uid,
    lastSequence: before?.lastSequence ?? 0,
    poolUid: before?.poolUid ?? 0,
    balances: new Map(before?.balances),
    fields: new Map(before?.fields),
  } satisfies OpeningDraft;
}

/** The row that a draft came to. Balances of 0 are left out. */
export function openingOf(draft: OpeningDraft): Opening {
  const { kind, uid, lastSequence, poolUid } = draft;
  return {
    kind,
    uid,
    lastSequence,
    poolUid,
    balances: [...draft.balances].filter(([, balance]) => balance !== 0n).sort(byName),
    fields: [...draft.fields].sort(byName),
  };
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

/**
 * Folds an entry into the rows of its accounts. Returns what disagrees with them, or undefined: an
 * entry that does not fit is never folded, since that would take the proof away.
 */
export function foldEntry(
  entry: Entry,
  draftOf: (kind: AccountKind, uid: Uid) => OpeningDraft,
): string | undefined {
  for (const { kind, uid, previousSequence, postings } of entry.accounts) {
    const draft = draftOf(kind, uid);
    if (draft.lastSequence !== previousSequence) {
      return `entry ${entry.sequence} names ${previousSequence} as the last entry of ${kind} ${uid}`;
    }
    draft.lastSequence = entry.sequence;
    for (const { field, delta, after } of postings) {
      const balance = (draft.balances.get(field) ?? 0n) + delta;
      if (balance !== after) return `entry ${entry.sequence}: ${field} does not add up`;
      draft.balances.set(field, balance);
    }
  }
  const [subject] = entry.accounts;
  if (subject === undefined) return undefined;
  const configured = draftOf(subject.kind, subject.uid);
  for (const { field, after } of entry.changes) configured.fields.set(field, after);
  if (entry.kind === 'AGENT_CREATE' || entry.kind === 'AGENT_MOVE') followPool(entry, draftOf);
  return undefined;
}

/** An agent is created in the first pool that its entry names and moves to the last. */
function followPool(entry: Entry, draftOf: (kind: AccountKind, uid: Uid) => OpeningDraft): void {
  const agent = entry.accounts.find(({ kind }) => kind === 'AGENT');
  const pool = entry.accounts.findLast(({ kind }) => kind === 'POOL');
  if (agent !== undefined && pool !== undefined) draftOf('AGENT', agent.uid).poolUid = pool.uid;
}
