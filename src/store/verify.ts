import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { VerificationReport } from '../ledger/api.js';
import { machineTime } from '../ledger/clock.js';
import type { StoreReader } from '../ledger/store.js';
import { messageOf, readFrame } from './frame.js';
import { keyAfter } from './keys.js';
import { TABLES, type KeyValueStore, type Table } from './kv.js';
import { openLmdb } from './lmdb.js';
import { MARKER_FILE, readMarker } from './open.js';
import { readHeader } from './decode.js';
import { HEADER_KEY, recordReader } from './record-reader.js';
import { type Fold, foldEntries, makeFold } from './verify-fold.js';
import { FIRST_ROW, type RowsCursor, checkRows } from './verify-rows.js';
import {
  compareAgents,
  compareFrozen,
  comparePools,
  compareRefunds,
  compareTotals,
} from './verify-balances.js';
import { checkCut, checkOpenings, FIRST_OPENING, type OpeningsCursor } from './verify-cut.js';
import { checkEvents } from './verify-violations.js';
import { STORE_FORMAT } from './record-writer.js';
import { mayBeCut } from './unwritten-pages.js';

/** TAIL: the structure and the entries since the last clean stop. ALL: every entry and balance. */
export type VerificationScope = 'TAIL' | 'ALL';

/** Address space of a reader. It maps as much of the file as there is. */
const READER_MAP_BYTES = 2 ** 40;

/** Rows that one turn looks at: a reader never holds an old snapshot for long. */
const SLICE = 2_000;

/**
 * Verifies a store's folder by reading it, also while a sidecar writes to it. A database that is damaged
 * deeply enough or lacks a page ends the process by a signal: run it in one of its own.
 */
export async function verifyStore(
  folder: string,
  scope: VerificationScope,
): Promise<VerificationReport> {
  const marker = await readMarker(folder);
  const kv = openLmdb({ folder, mapBytes: READER_MAP_BYTES, readOnly: true });
  try {
    const { size } = await stat(join(folder, 'data.mdb'));
    const reads = mayBeCut(size, kv.extent()) ? 'ALL' : scope;
    return await verifyRows(kv, marker.store_id, scope, reads);
  } finally {
    await kv.close();
  }
}

/**
 * Verifies the rows of an open store: the hash chain, the check value of every record, and that every
 * balance is the fold of the opening rows and the kept postings (invariants I2, I3, I4, I9). `reads` may be
 * more than what was asked for.
 */
export async function verifyRows(
  kv: KeyValueStore,
  storeId: string,
  scope: VerificationScope,
  reads = scope,
): Promise<VerificationReport> {
  const started = machineTime.monotonic();
  const fold = makeFold();
  const problem = guarded(fold, () => problemOf(kv, storeId));
  // A start refuses these by reasons of their own, once it knows that the file can be read.
  if (problem !== undefined && scope === 'ALL') fold.find(0, '', problem);
  if (problem === undefined && fold.findings.length === 0) {
    await walk(kv, recordReader(kv), fold, reads);
  }
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

/** Why these rows must not be walked, judged by a header that can be read; undefined: they may. */
function problemOf(kv: KeyValueStore, storeId: string): string | undefined {
  const row = kv.get('meta', HEADER_KEY);
  if (row === undefined) return 'the store has no header';
  const { header, format } = readFrame('meta', row, readHeader);
  if (format > STORE_FORMAT) return `the store has the newer format ${format}`;
  if (header.storeId === storeId) return undefined;
  return `the database belongs to another store than its ${MARKER_FILE} says`;
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
    if (!foldReadable(reader, fold, scope, SLICE)) break;
    await nextTurn();
  }
  checkHead(reader, fold);
  if (fold.findings.length > 0) return;
  if (scope === 'TAIL') {
    if (fold.entries > 0) await readThrough(kv, fold);
    return;
  }

  // Rows change while this reads: each slice first folds what was written since, in one snapshot.
  let after: number | undefined = 0;
  do {
    kv.refreshReads();
    const last: number = after;
    after = guarded(fold, () => {
      foldReadable(reader, fold, scope, Number.MAX_SAFE_INTEGER);
      return compareAgents(reader, fold, last, SLICE);
    });
    await nextTurn();
  } while (after !== undefined);
  let opening: OpeningsCursor | undefined = FIRST_OPENING;
  do {
    kv.refreshReads();
    const last: OpeningsCursor = opening;
    opening = guarded(fold, () => checkOpenings(reader, fold, last, SLICE));
    await nextTurn();
  } while (opening !== undefined);
  let event: number | undefined = 0;
  do {
    kv.refreshReads();
    const last: number = event;
    event = guarded(fold, () => checkEvents(reader, fold, last, SLICE));
    await nextTurn();
  } while (event !== undefined);
  let cursor: RowsCursor | undefined = FIRST_ROW;
  do {
    kv.refreshReads();
    cursor = checkRows(kv, fold, cursor, SLICE);
    await nextTurn();
  } while (cursor !== undefined);
  kv.refreshReads();
  guarded(fold, () => {
    foldReadable(reader, fold, scope, Number.MAX_SAFE_INTEGER);
    checkCut(reader, fold);
    comparePools(reader, fold);
    compareTotals(fold);
    compareFrozen(reader, fold);
    compareRefunds(reader, fold);
  });
}

/** How long a start after an unclean stop reads rows that it has no use for. */
const READ_THROUGH_MS = 300;

/**
 * Reads the rows of every table, as many as there is time for. LMDB trusts what stands in its pages: where
 * that was garbled, the one who reads it may be ended by a signal, and that must not be the one that serves.
 */
async function readThrough(kv: KeyValueStore, fold: Fold): Promise<void> {
  const end = machineTime.monotonic() + READ_THROUGH_MS;
  for (const table of TABLES) {
    let start: Buffer | undefined;
    for (;;) {
      if (machineTime.monotonic() >= end || fold.findings.length > 0) return;
      kv.refreshReads();
      const last = guarded(fold, () => lastOf(kv, table, start));
      if (last === undefined) break;
      start = keyAfter(last);
      await nextTurn();
    }
  }
}

/** Reads the next slice of a table. Returns its last key, or undefined at the end. */
function lastOf(kv: KeyValueStore, table: Table, start: Buffer | undefined): Buffer | undefined {
  let last: Buffer | undefined;
  let rows = 0;
  const from = start === undefined ? {} : { start };
  for (const { key } of kv.range(table, { ...from, limit: SLICE })) {
    last = key;
    rows += 1;
  }
  return rows < SLICE ? undefined : last;
}

/** The newest entry is the one that the header names. Both reads must be of one snapshot. */
function checkHead(reader: StoreReader, fold: Fold): void {
  if (fold.findings.length > 0) return;
  const { headSequence, headHash } = reader.header();
  if (fold.sequence < headSequence) {
    fold.find(
      fold.sequence + 1,
      '',
      `the ledger ends at ${fold.sequence}, its head is ${headSequence}`,
    );
  } else if (fold.sequence > headSequence) {
    fold.find(headSequence + 1, '', `an entry stands after the head, which is ${headSequence}`);
  } else if (Buffer.compare(headHash, fold.hash) !== 0) {
    fold.find(headSequence, '', 'the hash of the newest entry is not the one in the header');
  }
}

/** Folds as foldEntries. An entry that cannot be read is a finding; the walk ends there. */
function foldReadable(
  reader: StoreReader,
  fold: Fold,
  scope: VerificationScope,
  limit: number,
): boolean {
  try {
    return foldEntries(reader, fold, scope, limit);
  } catch (error) {
    fold.find(fold.sequence + 1, '', messageOf(error));
    return false;
  }
}

/** A row that cannot be read is a finding; the walk ends there. */
function guarded<T>(fold: Fold, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    fold.find(0, '', messageOf(error));
    return undefined;
  }
}
