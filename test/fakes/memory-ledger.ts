import type { Answer, Outcome } from '../../src/domain/answer.js';
import type { Command } from '../../src/domain/command.js';
import { DEFAULT_POOL_ID } from '../../src/domain/state.js';
import type { BatchAnswer, BatchItem, Caller, VerificationReport } from '../../src/ledger/api.js';
import { openLedger, type Ledger, type LedgerOptions } from '../../src/ledger/ledger.js';
import type { Header, Store } from '../../src/ledger/store.js';
import { claim } from '../../src/store/owner.js';
import { HEADER_KEY } from '../../src/store/record-reader.js';
import { recordStore } from '../../src/store/record-store.js';
import { verifyRows } from '../../src/store/verify.js';
import { ManualTime, MINUTE } from './manual-time.js';
import { MemoryDisk, MemoryKeyValueStore } from './memory-kv.js';
import { POLICY } from './world.js';

export const STORE_ID = '0197b2a0-0000-7000-8000-000000000001';

export const AGENT: Caller = { principal: 'agent', traceId: '' };
export const OPERATOR: Caller = { principal: 'admin', traceId: '' };

/** The row of a store that nobody used. */
export function firstHeader(time: number): Header {
  return {
    storeId: STORE_ID,
    owner: '',
    headSequence: 0,
    headHash: new Uint8Array(32),
    time,
    nextUid: 1,
    verifiedSequence: 0,
    verifiedHash: new Uint8Array(32),
    purgedSequence: 0,
    createTime: time,
    violationSequence: 0,
    frozenAgents: 0,
    usageHour: 0,
    usage: [],
  };
}

/** The store of a disk, with a header of its own when the disk is empty. */
export async function openMemoryStore(
  disk: MemoryDisk,
  time = 0,
  owner = '00000001',
): Promise<{ readonly kv: MemoryKeyValueStore; readonly store: Store }> {
  const kv = new MemoryKeyValueStore(disk);
  const { guard, write } = claim(kv, owner);
  await kv.transact([write], guard);
  const store = recordStore(kv, {
    owner,
    verify: () => verifyRows(kv, STORE_ID, 'ALL'),
    backup: () => Promise.reject(new Error('no backups in memory')),
    close: () => kv.close(),
  });
  if (disk.get('meta', HEADER_KEY) === undefined) {
    await store.transact((writer) => {
      writer.putHeader(firstHeader(time));
    });
    store.refreshReads();
  }
  return { kv, store };
}

/** Retention that no test comes to that does not ask for it. */
export const UNCUT = {
  entriesRetentionMs: 3_650 * 24 * 60 * MINUTE,
  entriesBytesMax: Infinity,
  usageMinutesRetentionMs: 3_650 * 24 * 60 * MINUTE,
  usageHoursRetentionMs: 3_650 * 24 * 60 * MINUTE,
  usageDaysRetentionMs: 3_650 * 24 * 60 * MINUTE,
  disk: undefined,
  diskSoftBytes: 0,
  diskHardBytes: 0,
};

/** Sweeps happen when the test says so. */
const NEVER_MS = 2 ** 31 - 1;

export type Over = Partial<
  Omit<LedgerOptions, 'store' | 'time' | 'onDamage' | 'onDiskLevel' | 'onStorageFailed'>
>;

/** A ledger on a store, in which nothing happens by itself that a test does not ask for. */
export function ledgerOn(
  store: Store,
  time: ManualTime,
  over: Over = {},
  onFailure: (failure: unknown) => void = (failure) => {
    throw failure;
  },
): Promise<Ledger> {
  return openLedger({
    store,
    time,
    clock: { jumpMaxMs: MINUTE, settleMs: 5 * MINUTE },
    policy: POLICY,
    idempotencyTtlMs: 24 * 60 * MINUTE,
    sweepIntervalMs: NEVER_MS,
    queueCommandsMax: 10_000,
    groupCommandsMax: 1_024,
    agentCacheRows: 1_000,
    reservationCacheRows: 1_000,
    watchedAgentsMax: 10_000,
    ...UNCUT,
    violationsRetentionMs: 90 * 24 * 60 * MINUTE,
    violationsMax: 1_000_000,
    outbox: {
      pendingDeliveriesMax: 1_000,
      deadLettersMax: 1_000,
      deadLettersRetentionMs: 30 * 24 * 60 * MINUTE,
    },
    onDeliveriesDropped: () => undefined,
    ...over,
    onDiskLevel: () => undefined,
    onDamage: onFailure,
    onStorageFailed: onFailure,
  });
}

/** A ledger in memory, and what a test does to it. */
export class MemoryLedger {
  readonly ledger: Ledger;
  readonly disk: MemoryDisk;
  readonly kv: MemoryKeyValueStore;
  readonly store: Store;
  readonly time: ManualTime;
  /** What `onStorageFailed` was called with. */
  readonly failures: unknown[];
  readonly #over: Over;

  private constructor(parts: {
    readonly ledger: Ledger;
    readonly disk: MemoryDisk;
    readonly kv: MemoryKeyValueStore;
    readonly store: Store;
    readonly time: ManualTime;
    readonly failures: unknown[];
    readonly over: Over;
  }) {
    this.ledger = parts.ledger;
    this.disk = parts.disk;
    this.kv = parts.kv;
    this.store = parts.store;
    this.time = parts.time;
    this.failures = parts.failures;
    this.#over = parts.over;
  }

  static async open(
    over: Over = {},
    time = new ManualTime(),
    disk = new MemoryDisk(),
  ): Promise<MemoryLedger> {
    const { kv, store } = await openMemoryStore(disk, time.wall());
    const failures: unknown[] = [];
    const ledger = await ledgerOn(store, time, over, (failure) => failures.push(failure));
    return new MemoryLedger({ ledger, disk, kv, store, time, failures, over });
  }

  /** Stops cleanly and starts again. */
  async restart(over: Over = this.#over): Promise<MemoryLedger> {
    await this.ledger.close();
    return MemoryLedger.open(over, this.time.restart(), this.disk);
  }

  /** Ends without a word: what was not durable is lost. This ledger must not be used any more. */
  crash(over: Over = this.#over): Promise<MemoryLedger> {
    this.kv.hold();
    return MemoryLedger.open(over, this.time.restart(), this.disk.copy());
  }

  do(command: Command, caller = AGENT): Promise<Answer> {
    return this.ledger.execute(command, caller);
  }

  /** As do, and fails unless it was carried out. */
  async must(command: Command, caller = AGENT): Promise<Outcome> {
    const answer = await this.do(command, caller);
    if (answer.verdict === 'APPROVED') return answer;
    const why = answer.verdict === 'REJECTED' ? answer.reason : answer.verdict;
    throw new Error(`${command.method}: ${why}`);
  }

  /** The reason of a rejection or denial, or OK. */
  async verdict(command: Command): Promise<string> {
    const answer = await this.do(command);
    return answer.verdict === 'REJECTED' ? answer.reason : (answer.denial?.reason ?? 'OK');
  }

  /** As must, for a batch. */
  async batch(items: readonly BatchItem[], atomic = false): Promise<BatchAnswer> {
    const answer = await this.ledger.executeBatch(items, atomic, AGENT);
    if ('verdict' in answer) throw new Error(`the batch was refused: ${answer.reason}`);
    return answer;
  }

  /** A group that nobody's request is in: what is due expires. */
  async turn(): Promise<void> {
    await this.do({ method: 'RELEASE', requestId: '', reservationId: '' });
  }

  async verify(): Promise<VerificationReport> {
    const report = await this.ledger.verify();
    if ('verdict' in report) throw new Error(report.reason);
    return report;
  }

  get head(): number {
    return this.ledger.info().headSequence;
  }
}

export { DEFAULT_POOL_ID };
