import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as newUuid } from 'uuid';
import { rejectFields, type Rejection } from '../domain/answer.js';
import type { BackupReport, VerificationReport } from '../ledger/api.js';
import type { Header, Store } from '../ledger/store.js';
import { readHeader } from './decode.js';
import { findingText } from './finding-text.js';
import { messageOf, readFrame } from './frame.js';
import type { KeyValueStore } from './kv.js';
import { openLmdb } from './lmdb.js';
import { claimOwnership, lockFolder } from './lock.js';
import { claim } from './owner.js';
import { HEADER_KEY, recordReader } from './record-reader.js';
import { recordStore } from './record-store.js';
import { recordWriter, STORE_FORMAT } from './record-writer.js';
import { refusingBroken, StoreRefused } from './refused.js';
import { fillUp } from './unwritten-pages.js';
import { upgradeStore } from './upgrade.js';
import type { VerificationScope } from './verify.js';

/** How a data directory is opened. */
export interface OpenStoreOptions {
  readonly dataDir: string;
  /** Largest size of the database file. */
  readonly mapBytes: number;
  /** Where backups go, or undefined: none are made. */
  readonly backupDir: string | undefined;
  /** Milliseconds since 1970 UTC, as the machine believes now. */
  readonly wall: number;
  /** Opens although the clock is more than a year ahead of the store's time. */
  readonly acceptClock: boolean;
  /** Verifies a store's folder, in a process of its own: a damaged file may kill it by signal. */
  readonly verify: (folder: string, scope: VerificationScope) => Promise<VerificationReport>;
}

/** The folder of the database below a data directory. */
export const STORE_FOLDER = 'store';

/** The file that says which store a folder is, and in which format. */
export const MARKER_FILE = 'STORE_ID';

const DATA_FILE = 'data.mdb';
const YEAR_MS = 365 * 24 * 3_600_000;

/** What the marker file says. */
export interface Marker {
  readonly store_id: string;
  readonly format: number;
}

/**
 * Opens the store of a data directory, making it where there is none. Refuses, by name and with the way
 * out, what is locked, empty, foreign, newer or damaged: a start never resets a budget.
 */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const lock = await lockFolder(options.dataDir);
  try {
    const folder = join(options.dataDir, STORE_FOLDER);
    const marker = await markerOf(options, folder);
    const verified = await verifyTail(options, folder);
    const { kv, ownership } = await refusingBroken(folder, async () => {
      const kv = openLmdb({ folder, mapBytes: options.mapBytes, readOnly: false });
      const header = checkHeader(kv, marker, folder);
      checkClock(header, options);
      const missing = await fillUp(join(folder, DATA_FILE), kv.extent());
      const ownership = await claimOwnership(options.dataDir, header.owner, (owner) =>
        replaceOwner(kv, header.owner, { owner, verified }),
      ).catch(refuseCut(folder, missing));
      kv.refreshReads();
      return { kv, ownership };
    });
    const store = recordStore(kv, {
      owner: ownership.owner,
      verify: () => options.verify(folder, 'ALL'),
      backup: (name) => backup(kv, options, { ...marker, format: STORE_FORMAT }, name),
      close: async () => {
        await kv.close();
        await ownership.close();
        await lock.close();
      },
    });
    if (marker.format < STORE_FORMAT) {
      await refusingBroken(folder, async () => {
        await upgradeStore(store);
        await markUpgraded(options.dataDir, folder, marker);
      }).catch(async (error: unknown) => {
        await store.close();
        throw error;
      });
    }
    return store;
  } catch (error) {
    await lock.close();
    throw error;
  }
}

/** A page that is missing and that only who writes reads shows itself by the first write. */
function refuseCut(folder: string, missing: number): (error: unknown) => never {
  return (error) => {
    if (missing === 0 || error instanceof StoreRefused) throw error;
    throw new StoreRefused(
      'STORE_CORRUPT',
      `The database of ${folder} lacks ${missing} bytes and cannot be written (${messageOf(error)}); ` +
        'make room where the disk is full, otherwise it was cut short: restore a backup',
    );
  };
}

/**
 * Names a new owner where the previous one is still named. What was verified is noted too: starts after
 * many crashes need not check the same entries again.
 */
function replaceOwner(
  kv: KeyValueStore,
  previous: string,
  next: { readonly owner: string; readonly verified: VerificationReport },
): Promise<boolean> {
  kv.refreshReads();
  const reader = recordReader(kv);
  const header = reader.header();
  if (header.owner !== previous) return Promise.resolve(false);
  const writer = recordWriter(reader);
  writer.putHeader({
    ...header,
    owner: next.owner,
    verifiedSequence: next.verified.headSequence,
    verifiedHash: next.verified.headHash,
  });
  // Read together with the header: whoever is faster changes the row that the guard names.
  const { guard, write } = claim(kv, next.owner);
  return kv.transact([...writer.take(), write], guard);
}

/** The marker of the store that is there, after making one where there is none. */
async function markerOf(options: OpenStoreOptions, folder: string): Promise<Marker> {
  const witness = join(options.dataDir, MARKER_FILE);
  if (!(await exists(folder))) {
    if (await exists(witness)) {
      throw new StoreRefused(
        'STORE_EMPTY',
        `${folder} is gone although ${witness} says that there was a store; restore a backup, ` +
          `or remove ${witness} to begin with no budgets at all`,
      );
    }
    await makeStore(options, folder);
  }
  const marker = await readMarker(folder);
  // What remains when the store is removed: without it a start would begin with no budgets at all.
  if (!(await exists(witness))) await writeMarker(options.dataDir, marker);
  return marker;
}

/** Says beside the database too that an earlier sidecar cannot read it any more. */
async function markUpgraded(dataDir: string, folder: string, marker: Marker): Promise<void> {
  for (const place of [folder, dataDir]) {
    await writeMarker(place, { ...marker, format: STORE_FORMAT });
  }
}

/** Made under another name and renamed when whole: a start cut short leaves no half store behind. */
async function makeStore(options: OpenStoreOptions, folder: string): Promise<void> {
  for (const name of await readdir(options.dataDir)) {
    if (name.startsWith(`${STORE_FOLDER}.new`)) {
      await rm(join(options.dataDir, name), { recursive: true });
    }
  }
  const draft = `${folder}.new`;
  await mkdir(draft, { mode: 0o700 });
  const storeId = newUuid();
  const kv = openLmdb({ folder: draft, mapBytes: options.mapBytes, readOnly: false });
  const store = recordStore(kv, {
    owner: '',
    verify: unsupported,
    backup: unsupported,
    close: () => kv.close(),
  });
  await store.transact((writer) => {
    writer.putHeader(firstHeader(storeId, options.wall));
  });
  await store.close();
  await writeMarker(draft, { store_id: storeId, format: STORE_FORMAT });
  await rename(draft, folder);
  await syncFolder(options.dataDir);
}

function unsupported(): Promise<never> {
  return Promise.reject(new Error('a store in the making'));
}

const NO_HASH = new Uint8Array(32);

function firstHeader(storeId: string, time: number): Header {
  return {
    storeId,
    owner: '',
    headSequence: 0,
    headHash: NO_HASH,
    time,
    nextUid: 1,
    verifiedSequence: 0,
    verifiedHash: NO_HASH,
    purgedSequence: 0,
    createTime: time,
    violationSequence: 0,
    frozenAgents: 0,
    usageHour: 0,
    usage: [],
  };
}

/** Reads and checks what lies beside the database, without opening it. */
export async function readMarker(folder: string): Promise<Marker> {
  const text = await readFile(join(folder, MARKER_FILE), 'utf8').catch(() => undefined);
  if (text === undefined) {
    throw new StoreRefused(
      'STORE_FOREIGN',
      `${folder} has no ${MARKER_FILE} and was not made by a sidecar; use another data directory`,
    );
  }
  const marker = parseMarker(text);
  if (marker === undefined) {
    throw new StoreRefused(
      'STORE_CORRUPT',
      `${join(folder, MARKER_FILE)} is not readable; restore a backup`,
    );
  }
  if (marker.format > STORE_FORMAT) {
    throw new StoreRefused(
      'STORE_NEWER',
      `${folder} has format ${marker.format} and this sidecar reads up to ${STORE_FORMAT}; ` +
        'run the newer version',
    );
  }
  const size = await stat(join(folder, DATA_FILE)).then(
    (file) => file.size,
    () => 0,
  );
  if (size === 0) {
    throw new StoreRefused(
      'STORE_EMPTY',
      `The database of ${folder} is missing or empty although the store existed; restore a backup, ` +
        'or remove the folder to begin with no budgets at all',
    );
  }
  return marker;
}

function parseMarker(text: string): Marker | undefined {
  try {
    const value = JSON.parse(text) as Partial<Marker>;
    if (typeof value.store_id !== 'string' || typeof value.format !== 'number') return undefined;
    return { store_id: value.store_id, format: value.format };
  } catch {
    return undefined;
  }
}

/** Writes what says which store a folder is, and makes that durable. */
export async function writeMarker(folder: string, marker: Marker): Promise<void> {
  const file = await open(join(folder, MARKER_FILE), 'w', 0o600);
  await file.writeFile(`${JSON.stringify(marker)}\n`);
  await file.sync();
  await file.close();
  await syncFolder(folder);
}

/** Makes the files of a store's folder durable. */
export async function syncStore(folder: string): Promise<void> {
  await syncFile(join(folder, DATA_FILE));
  await syncFolder(folder);
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.sync();
  await file.close();
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync();
  await handle.close();
}

/** The structure and what was written since the last clean stop, in another process. */
async function verifyTail(options: OpenStoreOptions, folder: string): Promise<VerificationReport> {
  const report = await options.verify(folder, 'TAIL').catch((error: unknown) => {
    throw new StoreRefused(
      'STORE_CORRUPT',
      `The store in ${folder} cannot be read (${messageOf(error)}); restore a backup`,
    );
  });
  const [first] = report.findings;
  if (first === undefined) return report;
  throw new StoreRefused(
    'STORE_CORRUPT',
    `The store in ${folder} does not verify: ${findingText(first)}; restore a backup`,
  );
}

function checkHeader(kv: KeyValueStore, marker: Marker, folder: string): Header {
  const row = kv.get('meta', HEADER_KEY);
  if (row === undefined) {
    throw new StoreRefused('STORE_EMPTY', `The database of ${folder} is empty; restore a backup`);
  }
  const { header, format } = readFrame('meta', row, readHeader);
  if (format > STORE_FORMAT) {
    throw new StoreRefused('STORE_NEWER', `${folder} has the newer format ${format}`);
  }
  if (header.storeId !== marker.store_id) {
    throw new StoreRefused(
      'STORE_FOREIGN',
      `The database of ${folder} belongs to another store than its ${MARKER_FILE} says; ` +
        'restore both from one backup',
    );
  }
  return header;
}

function checkClock(header: Header, options: OpenStoreOptions): void {
  const ahead = options.wall - header.time;
  if (ahead <= YEAR_MS || options.acceptClock) return;
  throw new StoreRefused(
    'CLOCK_AHEAD',
    `The clock is ${Math.floor(ahead / (24 * 3_600_000))} days ahead of the store's last time; ` +
      'correct it, or accept it with --accept-clock',
  );
}

/** Copies under another name, verifies the copy, then renames it. */
async function backup(
  kv: KeyValueStore,
  options: OpenStoreOptions,
  marker: Marker,
  name: string,
): Promise<BackupReport | Rejection> {
  const { backupDir } = options;
  if (backupDir === undefined) {
    return rejectName('no backup_dir is configured; set one and start again');
  }
  const target = join(backupDir, name);
  if (await exists(target)) return rejectName('a backup of that name exists; use another');
  // No backup can be named like that: names begin with a letter or digit.
  const draft = join(backupDir, `.${name}.partial`);
  await rm(draft, { recursive: true, force: true });
  const folder = join(draft, STORE_FOLDER);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await kv.backup(folder);
  await writeMarker(folder, marker);
  const report = await options.verify(folder, 'ALL');
  if (!report.clean) {
    const [first] = report.findings;
    throw new Error(`the copy does not verify: ${first === undefined ? '' : findingText(first)}`);
  }
  await syncStore(folder);
  await syncFolder(draft);
  await rename(draft, target);
  await syncFolder(backupDir);
  const { size } = await stat(join(target, STORE_FOLDER, DATA_FILE));
  return {
    name,
    sizeBytes: size,
    headSequence: report.headSequence,
    headHash: report.headHash,
  };
}

function rejectName(description: string): Rejection {
  return rejectFields([{ field: 'name', description }]);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
