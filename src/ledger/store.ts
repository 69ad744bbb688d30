import type { AllocationRow } from '../domain/allocation/row.js';
import type { Amount } from '../domain/amount.js';
import type { CollectionName, Collections, RowRange } from '../domain/collection.js';
import type { ConfigurationChange, ObjectName, Rejection, WarningCode } from '../domain/answer.js';
import type { EmergencyPolicy } from '../domain/emergency/policy.js';
import type { EmergencyRequest } from '../domain/emergency/request.js';
import type { NamedLevels } from '../domain/effective-levels.js';
import type { Entry } from '../domain/entry.js';
import type {
  Agent,
  AgentState,
  Instant,
  Method,
  Pool,
  Reservation,
  Uid,
} from '../domain/model.js';
import type { UsageCell } from '../domain/usage.js';
import type { Violation } from '../domain/violation.js';
import type { BackupReport, VerificationReport } from './api.js';

/** The one row about the store itself, rewritten in every transaction. */
export interface Header {
  readonly storeId: string;
  /** The process that may write. */
  readonly owner: string;
  /** 0 before the first entry. */
  readonly headSequence: number;
  /** 32 bytes; zeros before the first entry. */
  readonly headHash: Uint8Array;
  /** The store's time: it never goes back. */
  readonly time: Instant;
  readonly nextUid: Uid;
  /** The newest entry known to be sound: a start checks what comes after it. */
  readonly verifiedSequence: number;
  readonly verifiedHash: Uint8Array;
  /** The newest entry whose idempotency record was purged. */
  readonly purgedSequence: number;
  readonly createTime: Instant;
  /** The newest violation event, 0 before the first. */
  readonly violationSequence: number;
  /** Agents that are FROZEN; undefined in a store where nobody counted them yet. */
  readonly frozenAgents: number | undefined;
  /** The hour since 1970 in which anybody last used anything, 0 before the first. */
  readonly usageHour: number;
  /** The minutes of that hour, without amounts and quantities. */
  readonly usage: readonly UsageCell[];
}

/** What an agent-plane answer shows of the agent's row. */
export interface BalanceSnapshot {
  readonly allocated: Amount;
  readonly spent: Amount;
  readonly reserved: Amount;
  readonly overdraftLimit: Amount;
  readonly initialBudget: Amount;
  readonly baseline: Amount;
  readonly state: AgentState;
  readonly budgetRevision: number;
  readonly poolUid: Uid;
  readonly budgetTime: Instant;
  /** The name of the level of service; empty in records of before there were levels. */
  readonly serviceLevel: string;
}

/** What a request_id in its scope was answered. */
export interface IdempotencyRecord {
  /** SHA-256 of the canonical request. */
  readonly fingerprint: Uint8Array;
  /** The last entry it wrote, 0 when none: see the collection `request_times`. */
  readonly sequence: number;
  readonly time: Instant;
  readonly amount: Amount;
  readonly secondAmount: Amount;
  readonly warnings: readonly WarningCode[];
  readonly late: boolean;
  /** Agent plane: the agent's balance after it. */
  readonly balance: BalanceSnapshot | undefined;
  readonly reservation: Reservation | undefined;
  /** Operator plane: the rows after it. */
  readonly agent: Agent | undefined;
  readonly pool: Pool | undefined;
  readonly otherAgent: Agent | undefined;
  readonly otherPool: Pool | undefined;
  readonly changes: readonly ConfigurationChange[];
  readonly allocations: readonly AllocationRow[];
  readonly object: ObjectName | undefined;
  /** The emergency request after it. */
  readonly emergency: EmergencyRequest | undefined;
  /** The emergency policy after it. */
  readonly emergencyPolicy: EmergencyPolicy | undefined;
  /** As it was reported, escalated or resolved. */
  readonly violation: Violation | undefined;
  /** The levels of service that counted after it, as they were. */
  readonly effectiveLevels: NamedLevels | undefined;
}

/** Names an idempotency record: the agent (0: the operator plane), the method and the client's id. */
export interface IdempotencyScope {
  readonly uid: Uid;
  readonly method: Method;
  readonly requestId: string;
}

/** The minutes of an hour, the hours of a day, the days of a month. */
export type UsageLevel = 'MINUTE' | 'HOUR' | 'DAY';

/** Names a usage row. `slot` counts hours, days or months since 1970, by level. */
export interface UsageRow {
  readonly slot: number;
  readonly uid: Uid;
}

/** Queues of reservations by time: holds to expire, rows to purge. */
export type DueQueue = 'EXPIRE' | 'PURGE';

/** One reservation in a queue. */
export interface Due {
  readonly time: Instant;
  readonly id: string;
}

/** An entry as stored. */
export interface StoredEntry {
  readonly entry: Entry;
  /** The exact bytes. hash = SHA-256(previousHash, bytes). */
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
}

/** How much a store holds. */
export interface StoreTotals {
  /** Agents of every incarnation, closed ones too. */
  readonly agents: number;
  readonly openReservations: number;
  /** Entries that are kept. */
  readonly entries: number;
  /** Bytes that they take in the store. */
  readonly entryBytes: number;
  readonly sizeBytes: number;
}

/** Reads durable rows. Iterables must be consumed at once. */
export interface StoreReader {
  header(): Header;
  agent(uid: Uid): Agent | undefined;
  /** The living incarnation of an id, or else its newest closed one. */
  agentUid(id: string): Uid | undefined;
  pool(uid: Uid): Pool | undefined;
  /** The living incarnation of an id. */
  poolUid(id: string): Uid | undefined;
  reservation(id: string): Reservation | undefined;
  entry(sequence: number): StoredEntry | undefined;
  refunded(sequence: number): Amount;
  idempotency(scope: IdempotencyScope): IdempotencyRecord | undefined;
  usage(level: UsageLevel, slot: number, uid: Uid): readonly UsageCell[];
  /** Usage rows of a level before a slot, oldest first, after a row. */
  usageRows(
    level: UsageLevel,
    after: UsageRow | undefined,
    before: number,
    limit: number,
  ): readonly UsageRow[];
  /** What is due before a time, oldest first. */
  due(queue: DueQueue, before: Instant, limit: number): readonly Due[];
  /** Ids and uids of agents, of one pool or of all, by id, after a key. */
  agentIds(
    after: string | undefined,
    poolUid: Uid | undefined,
  ): Iterable<readonly [id: string, uid: Uid]>;
  /** Living pools, by id, after a key. */
  pools(after?: string): Iterable<Pool>;
  /** Reservations by id, after a key. */
  reservations(after: string | undefined): Iterable<Reservation>;
  /** Ids of an agent's reservations, open or ended, by id, after a key. */
  reservationIds(uid: Uid, after: string | undefined): Iterable<string>;
  /** Ids of an agent's open reservations, by id. */
  openReservationIds(uid: Uid): Iterable<string>;
  /** Entries after a sequence, oldest first. */
  entries(after: number): Iterable<StoredEntry>;
  /** A row of a collection. */
  row<C extends CollectionName>(collection: C, key: string): Collections[C] | undefined;
  /** Rows of a collection by key. */
  rows<C extends CollectionName>(
    collection: C,
    range: RowRange,
  ): Iterable<readonly [key: string, row: Collections[C]]>;
  /** The oldest entry that is kept, 0 when there is none. */
  oldestSequence(): number;
  /** Takes no time by the number of rows. */
  totals(): StoreTotals;
}

/** Puts rows that are written together. Reads do not see them. */
export interface StoreWriter extends StoreReader {
  putHeader(header: Header): void;
  putAgent(agent: Agent): void;
  putAgentId(id: string, uid: Uid): void;
  /** Lists an agent under its pool, and no longer under the one it came from. */
  putAgentPool(agent: Agent, from: Uid | undefined): void;
  putPool(pool: Pool): void;
  /** Undefined takes the id away. */
  putPoolId(id: string, uid: Uid | undefined): void;
  /** `before` is the row as it was, to keep the queues; `purgeTime` counts once it has ended. */
  putReservation(
    reservation: Reservation,
    before: Reservation | undefined,
    purgeTime: Instant,
  ): void;
  /** Takes the row, its queue entry and its verbs' idempotency records away. */
  purgeReservation(reservation: Reservation, due: Due): void;
  putIdempotency(scope: IdempotencyScope, record: IdempotencyRecord): void;
  removeIdempotency(scope: IdempotencyScope): void;
  putRefunded(sequence: number, refunded: Amount): void;
  putUsage(level: UsageLevel, slot: number, uid: Uid, cells: readonly UsageCell[]): void;
  removeUsage(level: UsageLevel, slot: number, uid: Uid): void;
  /** Undefined takes the row away. */
  putRow<C extends CollectionName>(
    collection: C,
    key: string,
    row: Collections[C] | undefined,
  ): void;
  /** Takes an entry away, and what was noted of its refunds: retention only. */
  removeEntry(sequence: number): void;
  /** Appends and returns the entry's hash. */
  appendEntry(entry: Entry): Uint8Array;
}

/** The durable store of the ledger. */
export interface Store extends StoreReader {
  /** The name of this process as the one that may write; the header carries it while it does. */
  readonly owner: string;
  readonly format: number;
  /**
   * Runs work at once and writes what it puts as one transaction, after every one before it. Resolves,
   * in that order, when it is durable. Its reads see durable rows, not what it puts. A throw of `work`
   * is passed on, and nothing is written. A rejection means that the storage failed or another process
   * took the store over, and that the process must leave.
   */
  transact(work: (writer: StoreWriter) => void): Promise<void>;
  /** Lets the next read see the newest durable rows. */
  refreshReads(): void;
  /** Walks the whole ledger in another process, while this one serves. */
  verify(): Promise<VerificationReport>;
  /**
   * Copies and verifies; `name` is below the configured folder. INVALID_REQUEST where none is
   * configured or the name is taken.
   */
  backup(name: string): Promise<BackupReport | Rejection>;
  close(): Promise<void>;
}

/** A record whose frame or message is not as it was written. */
export class CorruptRecord extends Error {
  override readonly name = 'CorruptRecord';
}
