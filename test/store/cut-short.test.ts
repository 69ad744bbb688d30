/** LMDB counts pages at the end of its file that it never wrote: that they are missing is no damage. */
import { readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/ledger/store.js';
import type { Write } from '../../src/store/kv.js';
import { openLmdb } from '../../src/store/lmdb.js';
import { STORE_FOLDER, openStore } from '../../src/store/open.js';
import { StoreRefused } from '../../src/store/refused.js';
import { restoreStore } from '../../src/store/restore.js';
import { fillUp } from '../../src/store/unwritten-pages.js';
import { verifyStore } from '../../src/store/verify.js';
import { T0, YEAR } from '../fakes/manual-time.js';
import { dataDir, temporaryFolder } from './support/backends.js';

const MAP_BYTES = 2 ** 30;
const MIB = 2 ** 20;

/** A row that only who reads all finds: no bytes of a record. */
const DAMAGED = { table: 'limits', key: Buffer.from('x'), value: Buffer.from('damaged') } as const;

function open(folder: string, wall = T0): Promise<Store> {
  return openStore({
    dataDir: folder,
    mapBytes: MAP_BYTES,
    backupDir: undefined,
    wall,
    acceptClock: false,
    verify: verifyStore,
  });
}

/** A store whose last transaction took `freed` bytes at its end and freed them again. */
async function shortStore(freed: number, kept: readonly Write[] = []): Promise<string> {
  const folder = dataDir();
  await (await open(folder)).close();
  const kv = openLmdb({ folder: storeOf(folder), mapBytes: MAP_BYTES, readOnly: false });
  const key = Buffer.from('freed');
  await kv.transact([
    ...kept,
    { table: 'meta', key, value: Buffer.alloc(freed) },
    { table: 'meta', key, value: undefined },
  ]);
  await kv.close();
  expect(await missingIn(folder)).toBeGreaterThanOrEqual(freed);
  return folder;
}

function storeOf(folder: string): string {
  return path.join(folder, STORE_FOLDER);
}

function fileOf(folder: string): string {
  return path.join(storeOf(folder), 'data.mdb');
}

/** The bytes that a file lacks of what its database says. */
async function missingIn(folder: string): Promise<number> {
  const kv = openLmdb({ folder: storeOf(folder), mapBytes: MAP_BYTES, readOnly: true });
  const extent = kv.extent();
  await kv.close();
  return extent - statSync(fileOf(folder)).size;
}

test('a store that lacks what it never wrote opens, and lacks nothing from then on', async () => {
  const folder = await shortStore(MIB);
  await (await open(folder)).close();
  expect(await missingIn(folder)).toBe(0);
  await (await open(folder)).close();
});

test('a small one is read as a whole, since what it lacks may be needed, and then never again', async () => {
  const short = await shortStore(8_192, [DAMAGED]);
  await expect(open(short)).rejects.toThrow(StoreRefused);

  const whole = await shortStore(8_192);
  await (await open(whole)).close();
  const kv = openLmdb({ folder: storeOf(whole), mapBytes: MAP_BYTES, readOnly: false });
  await kv.transact([DAMAGED]);
  await kv.close();
  await (await open(whole)).close();
});

test('a large one that lacks a few pages is not', async () => {
  const large: Write = { table: 'meta', key: Buffer.from('large'), value: Buffer.alloc(65 * MIB) };
  await (await open(await shortStore(8_192, [large, DAMAGED]))).close();
  await expect(open(await shortStore(MIB, [large, DAMAGED]))).rejects.toThrow(StoreRefused);
});

test('a start that is refused leaves it as it is', async () => {
  const folder = await shortStore(MIB);
  const missing = await missingIn(folder);
  await expect(open(folder, T0 + 2 * YEAR)).rejects.toMatchObject({ reason: 'CLOCK_AHEAD' });
  expect(await missingIn(folder)).toBe(missing);
});

describe('a store without a page that lists free ones, which nobody but a writer reads,', () => {
  async function cutStore(): Promise<string> {
    const folder = dataDir();
    await (await open(folder)).close();
    truncateSync(fileOf(folder), statSync(fileOf(folder)).size - 4_096);
    expect(await verifyStore(storeOf(folder), 'ALL')).toMatchObject({ findings: [] });
    return folder;
  }

  test('is not opened', async () => {
    await expect(open(await cutStore())).rejects.toThrow(
      /lacks 4096 bytes and cannot be written .*cut short: restore a backup/,
    );
  });

  test('is no backup', async () => {
    const folder = dataDir();
    const restore = restoreStore({
      from: await cutStore(),
      dataDir: folder,
      wall: T0,
      verify: verifyStore,
    });
    await expect(restore).rejects.toThrow(
      /lacks 4096 bytes and cannot be written .*cut short: take another/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('a file that another process made longer meanwhile is not made shorter', async () => {
  const file = path.join(temporaryFolder(), 'data.mdb');
  writeFileSync(file, Buffer.alloc(20_000, 1));
  expect(await fillUp(file, 12_288)).toBe(0);
  expect(statSync(file).size).toBe(20_000);
  expect(await fillUp(file, 3 * MIB)).toBe(3 * MIB - 20_000);
  const filled = readFileSync(file);
  expect(filled).toHaveLength(3 * MIB);
  expect(filled.subarray(0, 20_000)).toEqual(Buffer.alloc(20_000, 1));
});

test('a large file that lacks a few pages is not filled up: nobody has read it all', async () => {
  const file = path.join(temporaryFolder(), 'data.mdb');
  writeFileSync(file, '');
  truncateSync(file, 65 * MIB - 8_192);
  expect(await fillUp(file, 65 * MIB)).toBe(0);
  expect(statSync(file).size).toBe(65 * MIB - 8_192);
});
