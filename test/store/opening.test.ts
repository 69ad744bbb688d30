import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { StoreRecordSchema } from '../../src/gen/safeguards/store/v1/records_pb.js';
import type { Header, Store } from '../../src/ledger/store.js';
import type { KeyValueStore, Write } from '../../src/store/kv.js';
import { openLmdb } from '../../src/store/lmdb.js';
import { MARKER_FILE, openStore, STORE_FOLDER } from '../../src/store/open.js';
import { HEADER_KEY } from '../../src/store/record-reader.js';
import { STORE_FORMAT } from '../../src/store/record-writer.js';
import { refusingBroken, StoreRefused } from '../../src/store/refused.js';
import { restoreStore } from '../../src/store/restore.js';
import { verifyStore } from '../../src/store/verify.js';
import { DAY, T0, YEAR } from '../fakes/manual-time.js';
import { dataDir, recordsOf } from './support/backends.js';
import { forgeValue } from './support/tampering.js';

const MAP_BYTES = 2 ** 30;

/** Opens as a sidecar does, but verifies in this process: nothing here is damaged so deeply. */
async function open(
  folder: string,
  { wall = T0, acceptClock = false, backupDir = undefined as string | undefined } = {},
): Promise<Store> {
  const store = await openStore({
    dataDir: folder,
    mapBytes: MAP_BYTES,
    backupDir,
    wall,
    acceptClock,
    verify: verifyStore,
  });
  let closed = false;
  const close = async (): Promise<void> => {
    if (!closed) await store.close();
    closed = true;
  };
  onTestFinished(close);
  return { ...store, close };
}

/** Why it is not opened, and what the operator is told. */
async function refusal(
  folder: string,
  options?: Parameters<typeof open>[1],
): Promise<{ readonly reason: string; readonly message: string }> {
  const error: unknown = await open(folder, options).then(
    () => new Error('it was opened'),
    (refused: unknown) => refused,
  );
  if (!(error instanceof StoreRefused)) throw error;
  return error;
}

/** A data directory with a store in it that nobody has open. */
async function closedStore(): Promise<{ readonly folder: string; readonly header: Header }> {
  const folder = dataDir();
  const store = await open(folder);
  const header = store.header();
  await store.close();
  return { folder, header };
}

const inStore = (folder: string, file: string): string => path.join(folder, STORE_FOLDER, file);

/** Writes into a store behind its back. */
async function tamper(folder: string, work: (kv: KeyValueStore) => Write): Promise<void> {
  const where = path.join(folder, STORE_FOLDER);
  const kv = openLmdb({ folder: where, mapBytes: MAP_BYTES, readOnly: false });
  await kv.transact([work(kv)]);
  await kv.close();
}

describe('the first start', () => {
  test('makes a store, and the next opens the same one', async () => {
    const folder = path.join(dataDir(), 'not', 'there', 'yet');
    const store = await open(folder);
    const { storeId, headSequence, createTime } = store.header();
    expect({ headSequence, createTime }).toEqual({ headSequence: 0, createTime: T0 });
    const marker = JSON.parse(readFileSync(inStore(folder, MARKER_FILE), 'utf8')) as unknown;
    expect(marker).toEqual({ store_id: storeId, format: store.format });
    await store.close();
    expect((await open(folder, { wall: T0 + DAY })).header().storeId).toBe(storeId);
  });

  test('makes another store in every directory', async () => {
    const [a, b] = [await closedStore(), await closedStore()];
    expect(a.header.storeId).not.toBe(b.header.storeId);
  });

  test('that was cut short left nothing that matters', async () => {
    const folder = dataDir();
    const draft = path.join(folder, `${STORE_FOLDER}.new`);
    mkdirSync(draft);
    writeFileSync(path.join(draft, 'data.mdb'), 'half a page');
    const store = await open(folder);
    expect(store.header().headSequence).toBe(0);
    expect(readdirSync(folder)).not.toContain(`${STORE_FOLDER}.new`);
  });

  test('that was cut short before its last step is begun anew', async () => {
    const { folder, header } = await closedStore();
    const draft = path.join(folder, `${STORE_FOLDER}.new`);
    renameSync(path.join(folder, STORE_FOLDER), draft);
    rmSync(path.join(folder, MARKER_FILE));
    expect((await open(folder)).header().storeId).not.toBe(header.storeId);
    expect(existsSync(draft)).toBe(false);
  });
});

describe('a store that somebody has open', () => {
  test('is refused, and whoever has it goes on', async () => {
    const folder = dataDir();
    const store = await open(folder);
    const { reason, message } = await refusal(folder);
    expect(reason).toBe('STORE_LOCKED');
    expect(message).toContain(folder);
    await store.transact((writer) => writer.putHeader({ ...writer.header(), time: T0 + 1 }));
    store.refreshReads();
    expect(store.header().time).toBe(T0 + 1);
  });

  test('can be opened once it is closed', async () => {
    const folder = dataDir();
    const store = await open(folder);
    const { storeId } = store.header();
    expect((await refusal(folder)).reason).toBe('STORE_LOCKED');
    await store.close();
    expect((await open(folder)).header().storeId).toBe(storeId);
  });

  test('is opened by exactly one of many who try at once', async () => {
    const { folder } = await closedStore();
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => open(folder)));
    const reasons = tries
      .filter((one) => one.status === 'rejected')
      .map(({ reason }) => (reason as StoreRefused).reason);
    expect(reasons).toEqual(Array.from({ length: 7 }, () => 'STORE_LOCKED'));
  });
});

describe('a store is refused', () => {
  test('without its marker', async () => {
    const { folder } = await closedStore();
    rmSync(inStore(folder, MARKER_FILE));
    expect(await refusal(folder)).toMatchObject({ reason: 'STORE_FOREIGN' });
  });

  test.each(['', 'hello', '{}', '{"store_id":7,"format":1}', '{"store_id":"a"}', 'null', '[]'])(
    'with the marker %j',
    async (text) => {
      const { folder } = await closedStore();
      writeFileSync(inStore(folder, MARKER_FILE), text);
      const { reason, message } = await refusal(folder);
      expect(reason).toBe('STORE_CORRUPT');
      expect(message).toContain('restore a backup');
    },
  );

  test('of a newer format than this sidecar knows', async () => {
    const { folder, header } = await closedStore();
    const marker = { store_id: header.storeId, format: STORE_FORMAT + 1 };
    writeFileSync(inStore(folder, MARKER_FILE), JSON.stringify(marker));
    const { reason, message } = await refusal(folder);
    expect(reason).toBe('STORE_NEWER');
    expect(message).toContain('run the newer version');
  });

  test.each([
    ['is missing', (file: string) => rmSync(file)],
    ['is empty', (file: string) => writeFileSync(file, '')],
  ])('whose database %s', async (_what, damage) => {
    const { folder } = await closedStore();
    damage(inStore(folder, 'data.mdb'));
    const before = readdirSync(path.join(folder, STORE_FOLDER));
    const { reason, message } = await refusal(folder);
    expect(reason).toBe('STORE_EMPTY');
    expect(message).toContain('restore a backup');
    expect(readdirSync(path.join(folder, STORE_FOLDER))).toEqual(before);
  });

  test('that was removed as a whole, since nobody asked for a new one', async () => {
    const { folder } = await closedStore();
    rmSync(path.join(folder, STORE_FOLDER), { recursive: true });
    const { reason, message } = await refusal(folder);
    expect(reason).toBe('STORE_EMPTY');
    expect(message).toContain('restore a backup');
    rmSync(path.join(folder, MARKER_FILE));
    expect((await open(folder)).header().headSequence).toBe(0);
  });

  test('whose database has no header', async () => {
    const { folder } = await closedStore();
    await tamper(folder, () => ({ table: 'meta', key: HEADER_KEY, value: undefined }));
    expect(await refusal(folder)).toMatchObject({ reason: 'STORE_EMPTY' });
  });

  test('whose database is that of another store', async () => {
    const [a, b] = [await closedStore(), await closedStore()];
    writeFileSync(inStore(a.folder, 'data.mdb'), readFileSync(inStore(b.folder, 'data.mdb')));
    const { reason, message } = await refusal(a.folder);
    expect(reason).toBe('STORE_FOREIGN');
    expect(message).toContain('restore both from one backup');
  });

  test('whose records are of a newer format than its marker says', async () => {
    const { folder } = await closedStore();
    await tamper(folder, (kv) => {
      const before = kv.get('meta', HEADER_KEY)!;
      const value = forgeValue('meta', before, StoreRecordSchema, (header) => {
        header.format = STORE_FORMAT + 1;
      });
      return { table: 'meta', key: HEADER_KEY, value };
    });
    expect(await refusal(folder)).toMatchObject({ reason: 'STORE_NEWER' });
  });

  test('whose header was garbled', async () => {
    const { folder } = await closedStore();
    await tamper(folder, () => ({
      table: 'meta',
      key: HEADER_KEY,
      value: Buffer.from('garbled'),
    }));
    expect(await refusal(folder)).toMatchObject({ reason: 'STORE_CORRUPT' });
  });

  test('and can be opened as soon as its reason is gone', async () => {
    const { folder, header } = await closedStore();
    const marker = readFileSync(inStore(folder, MARKER_FILE));
    rmSync(inStore(folder, MARKER_FILE));
    expect((await refusal(folder)).reason).toBe('STORE_FOREIGN');
    writeFileSync(inStore(folder, MARKER_FILE), marker);
    expect((await open(folder)).header().storeId).toBe(header.storeId);
  });
});

describe('a clock', () => {
  test('a year ahead of the store is not believed', async () => {
    const { folder } = await closedStore();
    const { reason, message } = await refusal(folder, { wall: T0 + YEAR + DAY });
    expect(reason).toBe('CLOCK_AHEAD');
    expect(message).toContain('366 days ahead');
    expect(message).toContain('--accept-clock');
  });

  test('a year ahead of the store is believed when an operator says so', async () => {
    const { folder, header } = await closedStore();
    const store = await open(folder, { wall: T0 + 10 * YEAR, acceptClock: true });
    expect(store.header().storeId).toBe(header.storeId);
  });

  test.each([
    ['less than a year ahead', T0 + YEAR],
    ['behind', T0 - 10 * YEAR],
  ])('%s is believed', async (_name, wall) => {
    const { folder } = await closedStore();
    expect((await open(folder, { wall })).header().time).toBe(T0);
  });
});

describe('a backup', () => {
  test('has a name of its own, verifies, and is opened like the store', async () => {
    const folder = dataDir();
    const backupDir = path.join(folder, 'backups');
    const store = await open(folder, { backupDir });
    const report = await store.backup('monday');
    expect(report).toMatchObject({ name: 'monday', headSequence: 0 });
    expect(await store.backup('monday')).toMatchObject({ reason: 'INVALID_REQUEST' });
    const copy = await open(path.join(backupDir, 'monday'));
    expect(copy.header().storeId).toBe(store.header().storeId);
    expect(readdirSync(backupDir)).toEqual(['monday']);
  });

  test('is restored under an id of its own, and with all that it had', async () => {
    const folder = dataDir();
    const backupDir = path.join(folder, 'backups');
    const store = await open(folder, { backupDir });
    await store.backup('monday');
    const { owner: _owner, ...before } = store.header();
    await store.close();
    const from = path.join(backupDir, 'monday');
    const terms = { from, dataDir: folder, wall: T0, verify: verifyStore };
    const { storeId, quarantine } = await restoreStore(terms);
    expect(existsSync(quarantine!)).toBe(true);
    expect(storeId).not.toBe(before.storeId);
    for (const where of [path.join(folder, MARKER_FILE), inStore(folder, MARKER_FILE)]) {
      expect(JSON.parse(readFileSync(where, 'utf8'))).toMatchObject({ store_id: storeId });
    }
    expect((await open(folder)).header()).toMatchObject({ ...before, storeId });
    expect((await open(from)).header().storeId).toBe(before.storeId);
  });

  test('is not made where no folder is configured for it', async () => {
    const store = await open(dataDir());
    expect(await store.backup('monday')).toMatchObject({ reason: 'INVALID_REQUEST' });
  });

  test('begun and never finished is made anew', async () => {
    const folder = dataDir();
    const backupDir = path.join(folder, 'backups');
    const draft = path.join(backupDir, '.monday.partial', STORE_FOLDER);
    mkdirSync(draft, { recursive: true });
    const left = path.join(draft, 'data.mdb');
    writeFileSync(left, 'half a page');
    const store = await open(folder, { backupDir });
    expect(await store.backup('monday')).toMatchObject({ name: 'monday' });
    expect(existsSync(left)).toBe(false);
  });
});

test('a data directory whose path is too long for its lock is refused in words', async () => {
  const folder = path.join(dataDir(), 'a'.repeat(100));
  await expect(open(folder)).rejects.toThrow('use a shorter one');
});

test('rows outlive the process that wrote them', async () => {
  const folder = dataDir();
  const store = await open(folder);
  await store.transact((writer) => {
    writer.putPoolId('p', 7);
    writer.putHeader({ ...writer.header(), nextUid: 8 });
  });
  await store.close();
  const again = await open(folder);
  expect(again.poolUid('p')).toBe(7);
  expect(again.header().nextUid).toBe(8);
  const raw = openLmdb({
    folder: path.join(folder, STORE_FOLDER),
    mapBytes: MAP_BYTES,
    readOnly: true,
  });
  expect(recordsOf(raw).poolUid('p')).toBe(7);
  await raw.close();
});

describe('what opens a store for writing', () => {
  test('and meets a page that is broken says what to do', async () => {
    const full = new Error('MDB_PAGE_FULL: Internal error - page has no more space');
    const failed = refusingBroken('/data/store', () => Promise.reject(full));
    await expect(failed).rejects.toMatchObject({
      name: 'StoreRefused',
      reason: 'STORE_CORRUPT',
      message: expect.stringMatching(/\/data\/store.*MDB_PAGE_FULL.*restore a backup/s) as string,
    });
  });

  test('keeps the refusals that it meets, and what is opened', async () => {
    const locked = new StoreRefused('STORE_LOCKED', 'another one serves it');
    await expect(refusingBroken('/data', () => Promise.reject(locked))).rejects.toBe(locked);
    await expect(refusingBroken('/data', () => Promise.resolve(7))).resolves.toBe(7);
  });
});
