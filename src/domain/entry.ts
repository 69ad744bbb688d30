import type { Amount } from './amount.js';
import type { Instant, Metadata, Method, Quantities, Uid } from './model.js';

/** Which mutation wrote an entry. The number is on disk: never reuse one. */
export const ENTRY_KINDS = {
  SPEND: 1,
  RESERVE: 2,
  COMMIT: 3,
  RELEASE: 4,
  EXPIRE: 5,
  EXTEND: 6,
  REFUND: 7,
  POOL_CREATE: 8,
  POOL_UPDATE: 9,
  POOL_DELETE: 10,
  FUND: 11,
  AGENT_CREATE: 12,
  AGENT_UPDATE: 13,
  AGENT_MOVE: 14,
  AGENT_DELETE: 15,
  SET_BUDGET: 16,
  ADJUST_BUDGET: 17,
  TRANSFER: 18,
  CONFIGURE: 20,
  ALLOCATE: 19,
  EMERGENCY: 21,
  ANNOTATE: 22,
  CUT: 23,
} as const;

/** The name of an entry's kind. */
export type EntryKind = keyof typeof ENTRY_KINDS;

/** What an account belongs to. Numbers 3..6 are kept for parents, runs, shared pools and grants. */
export const ACCOUNT_KINDS = { POOL: 1, AGENT: 2 } as const;

/** The name of an account's kind. */
export type AccountKind = keyof typeof ACCOUNT_KINDS;

/** The balances that postings change. The number is on disk: never reuse one. */
export const BALANCE_FIELDS = {
  allocated: 1,
  spent: 2,
  reserved: 3,
  funded: 4,
  unallocated: 5,
  debt: 6,
  base: 7,
  baseline: 8,
} as const;

/** The name of a balance. */
export type BalanceField = keyof typeof BALANCE_FIELDS;

/** One change of one balance. */
export interface Posting {
  readonly field: BalanceField;
  readonly delta: Amount;
  readonly after: Amount;
}

/** What an entry did to one account. */
export interface AccountChange {
  readonly kind: AccountKind;
  readonly uid: Uid;
  /** The entry before this one that touched the account, or 0. */
  readonly previousSequence: number;
  readonly postings: readonly Posting[];
  /** `remaining` after the entry; agents only. */
  readonly remaining: Amount | undefined;
}

/** One change of configuration. */
export interface FieldChange {
  readonly field: string;
  readonly before: string;
  readonly after: string;
}

/** What decisions read of an entry, written already or by an earlier command of the same group. */
export type EntryBody = Pick<
  Entry,
  'sequence' | 'kind' | 'accounts' | 'amount' | 'reservationId' | 'category' | 'runId'
> & {
  /** Undefined while it is not written. */
  readonly time?: Instant;
};

/** One immutable line of the ledger, without its hash. */
export interface Entry {
  /** From 1, without gaps (invariant I9). */
  readonly sequence: number;
  readonly time: Instant;
  readonly kind: EntryKind;
  /** 32 bytes; zeros for the first entry. */
  readonly previousHash: Uint8Array;
  /** The account the entry is about first. */
  readonly accounts: readonly AccountChange[];
  /** Undefined where the mutation has none. */
  readonly amount: Amount | undefined;
  readonly changes: readonly FieldChange[];
  readonly requestId: string;
  /** Undefined for what the sidecar does by itself. */
  readonly method: Method | undefined;
  readonly principal: string;
  readonly reason: string;
  readonly reservationId: string;
  /** 0 unless a refund. */
  readonly refundedSequence: number;
  readonly category: string;
  readonly quantities: Quantities;
  readonly runId: string;
  readonly traceId: string;
  readonly metadata: Metadata;
}
