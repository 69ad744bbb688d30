import { cp, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as newUuid } from 'uuid';
import type { VerificationReport } from '../ledger/api.js';
import { findingText } from './finding-text.js';
import { messageOf } from './frame.js';
import { openLmdb } from './lmdb.js';
import { lockFolder } from './lock.js';
import {
  MARKER_FILE,
  type Marker,
  readMarker,
  STORE_FOLDER,
  syncStore,
  writeMarker,
} from './open.js';
import { recordReader } from './record-reader.js';
import { recordWriter } from './record-writer.js';
import { StoreRefused } from './refused.js';
import { fillUp } from './unwritten-pages.js';
import type { VerificationScope } from './verify.js';

/** Which backup goes where. */
export interface RestoreOptions {
  /** The folder of the backup: it holds `store`. */
  readonly from: string;
  /** The data directory, made when missing. No sidecar may serve it. */
  readonly dataDir: string;
  /** Milliseconds since 1970 UTC: names what is moved aside. */
  readonly wall: number;
  /** Verifies a store's folder, in a process of its own. */
  readonly verify: (folder: string, scope: VerificationScope) => Promise<VerificationReport>;
}

/** What a restore did. */
export interface RestoreReport extends VerificationReport {
  /** The new id of the restored store: what was handed out after the backup is of another one. */
  readonly storeId: string;
  /** Where the store lies that was there before, or undefined: there was none. */
  readonly quarantine: string | undefined;
}

/**
 * Puts a backup in place of the store of a data directory: copied under another name, verified, then
 * renamed. What was there is moved aside and never deleted, however damaged it is. Throws StoreRefused
 * when a sidecar serves the directory or the backup is none; nothing has changed then.
 */
export async function restoreStore(options: RestoreOptions): Promise<RestoreReport> {
  const { from, dataDir } = options;
  const marker = await readMarker(join(from, STORE_FOLDER));
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const lock = await lockFolder(dataDir);
  try {
    const draft = join(dataDir, `${STORE_FOLDER}.restored`);
    const renamed = { ...marker, store_id: newUuid() };
    const report = await makeDraft(options, draft, renamed).catch(async (error: unknown) => {
      await rm(draft, { recursive: true, force: true });
      throw error;
    });
    const quarantine = await moveAside(join(dataDir, STORE_FOLDER), options.wall);
    await rename(draft, join(dataDir, STORE_FOLDER));
    await writeMarker(dataDir, renamed);
    return { ...report, storeId: renamed.store_id, quarantine };
  } finally {
    await lock.close();
  }
}

/** Copies the backup under another name and id, and verifies it in between. */
async function makeDraft(
  { from, verify }: RestoreOptions,
  draft: string,
  renamed: Marker,
): Promise<VerificationReport> {
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  // Not the lock file of LMDB: it belongs to the processes of the original.
  for (const name of ['data.mdb', MARKER_FILE]) {
    await cp(join(from, STORE_FOLDER, name), join(draft, name));
  }
  const report = await verify(draft, 'ALL').catch((error: unknown) => {
    throw new StoreRefused(
      'STORE_CORRUPT',
      `The backup in ${from} cannot be read (${messageOf(error)}); take another`,
    );
  });
  const [first] = report.findings;
  if (first !== undefined) {
    throw new StoreRefused(
      'STORE_CORRUPT',
      `The backup in ${from} does not verify: ${findingText(first)}; take another`,
    );
  }
  await renameStore(draft, renamed.store_id, from);
  await writeMarker(draft, renamed);
  await syncStore(draft);
  return report;
}

/** Room that a transaction of one row needs beside the file. */
const SPARE_BYTES = 16 * 1_048_576;

/**
 * Gives a store another id. Sequences go on where the backup ends, so they are given out twice: without
 * this a cursor of the time that was lost would be believed as soon as the store has grown past it.
 */
async function renameStore(folder: string, storeId: string, from: string): Promise<void> {
  const file = join(folder, 'data.mdb');
  const { size } = await stat(file);
  const kv = openLmdb({ folder, mapBytes: size + SPARE_BYTES, readOnly: false });
  const missing = await fillUp(file, kv.extent());
  try {
    const reader = recordReader(kv);
    const writer = recordWriter(reader);
    writer.putHeader({ ...reader.header(), storeId });
    await kv.transact(writer.take());
  } catch (error) {
    if (missing === 0) throw error;
    throw new StoreRefused(
      'STORE_CORRUPT',
      `The backup in ${from} lacks ${missing} bytes and cannot be written (${messageOf(error)}); ` +
        'make room where the disk is full, otherwise it was cut short: take another',
    );
  } finally {
    await kv.close();
  }
}

/** Moves the store aside, under a name that says when. */
async function moveAside(store: string, wall: number): Promise<string | undefined> {
  const stamp = new Date(wall).toISOString().replaceAll(/[-:.]/g, '');
  const quarantine = `${store}.quarantined-${stamp}`;
  try {
    await rename(store, quarantine);
    return quarantine;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
