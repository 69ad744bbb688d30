import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { VerificationReport } from '../ledger/api.js';
import { machineTime } from '../ledger/clock.js';
import type { StoreReader } from '../ledger/store.js';
import { CorruptRecord, openFrame } from './frame.js';
import type { KeyValueStore } from './kv.js';
import { openLmdb } from './lmdb.js';
import { MARKER_FILE, readMarker } from './open.js';
import { readHeader } from './decode.js';
import { HEADER_KEY, recordReader } from './record-reader.js';
import { foldEntries, makeFold, type Fold } from './verify-fold.js';
import { compareAgents, comparePools, compareTotals } from './verify-balances.js';
import { STORE_FORMAT } from './record-writer.js';

/** TAIL: the structure and the entries since the last clean stop. ALL: every entry and balance. */
export type VerificationScope = 'TAIL' | 'ALL';

/** Address space of a reader. It maps as much of the file as there is. */
const READER_MAP_BYTES = 2 ** 40;

/** Rows that one turn looks at: a reader never holds an old snapshot for long. */
const SLICE = 2_000;

/**
 * Verifies a store's folder by reading it, also while a sidecar writes to it. A database that is damaged
 * deeply enough ends the process by a signal: run it in one of its own.
 */
export async function verifyStore(
  folder: string,
  scope: VerificationScope,
): Promise<VerificationReport> {
  const marker = await readMarker(folder);
  const kv = openLmdb({ folder, mapBytes: READER_MAP_BYTES, readOnly: true });
  try {
    return await verifyRows(kv, marker.store_id, scope);
  } finally {
    await kv.close();
  }
}

/**
 * Verifies the rows of an open store: the hash chain, the check value of every record, and that every
 * balance is the fold of its postings (invariants I2, I3, I4, I9).
 */
export async function verifyRows(
  kv: KeyValueStore,
  storeId: string,
  scope: VerificationScope,
): Promise<VerificationReport> {
  const started = machineTime.monotonic();
  const fold = makeFold();
  checkHeader(kv, storeId, fold);
  if (fold.findings.length === 0) await walk(kv, recordReader(kv), fold, scope);
  return {
    clean: fold.findings.length === 0,
    entries: fold.entries,
    balances: fold.balancesCompared,
    headSequence: fold.sequence,
    headHash: fold.hash,
    findings: fold.findings,
    elapsedMs: machineTime.monotonic() - started,
  };
}

/** The folder of the database below a data directory, for offline verification. */
export function storeFolderOf(dataDir: string): string {
  return join(dataDir, 'store');
}

function checkHeader(kv: KeyValueStore, storeId: string, fold: Fold): void {
  try {
    const row = kv.get('meta', HEADER_KEY);
    if (row === undefined) {
      fold.find(0, '', 'the store has no header');
      return;
    }
    const { header, format } = readHeader(openFrame('meta', row));
    if (format > STORE_FORMAT) fold.find(0, '', `the store has the newer format ${format}`);
    if (header.storeId !== storeId) {
      fold.find(0, '', `the database belongs to another store than its ${MARKER_FILE} says`);
    }
  } catch (error) {
    fold.find(0, '', messageOf(error));
  }
}

async function walk(
  kv: KeyValueStore,
  reader: StoreReader,
  fold: Fold,
  scope: VerificationScope,
): Promise<void> {
  const { verifiedSequence, verifiedHash } = reader.header();
  if (scope === 'TAIL') fold.begin(verifiedSequence, verifiedHash);
  for (;;) {
    kv.refreshReads();
    const more = guarded(fold, () => foldEntries(reader, fold, scope, SLICE));
    if (more !== true) break;
    await nextTurn();
  }
  checkHead(reader, fold);
  if (scope === 'TAIL' || fold.findings.length > 0) return;

  // Rows change while this reads: each slice first folds what was written since, in one snapshot.
  let after: number | undefined = 0;
  do {
    kv.refreshReads();
    const last: number = after;
    after = guarded(fold, () => {
      foldEntries(reader, fold, scope, Number.MAX_SAFE_INTEGER);
      return compareAgents(reader, fold, last, SLICE);
    });
    await nextTurn();
  } while (after !== undefined);
  kv.refreshReads();
  guarded(fold, () => {
    foldEntries(reader, fold, scope, Number.MAX_SAFE_INTEGER);
    comparePools(reader, fold);
    compareTotals(fold);
  });
}

/** The newest entry is the one that the header names. */
function checkHead(reader: StoreReader, fold: Fold): void {
  const { headSequence, headHash } = reader.header();
  if (fold.sequence < headSequence) {
    fold.find(
      fold.sequence + 1,
      '',
      `the ledger ends at ${fold.sequence}, its head is ${headSequence}`,
    );
  } else if (fold.sequence === headSequence && Buffer.compare(headHash, fold.hash) !== 0) {
    fold.find(headSequence, '', 'the hash of the newest entry is not the one in the header');
  }
}

/** A record that cannot be read is a finding; the walk ends there. */
function guarded<T>(fold: Fold, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    fold.find(fold.sequence + 1, '', messageOf(error));
    return undefined;
  }
}

function messageOf(error: unknown): string {
  if (error instanceof CorruptRecord) return error.message;
  return error instanceof Error ? error.message : String(error);
}
