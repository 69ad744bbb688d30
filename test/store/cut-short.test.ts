/** LMDB counts pages at the end of its file that it never wrote: that they are missing is no damage. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Store } from '../../src/ledger/store.js';
import type { Write } from '../../src/store/kv.js';
import { openLmdb } from '../../src/store/lmdb.js';
import { STORE_FOLDER, openStore } from '../../src/store/open.js';
import { StoreRefused } from '../../src/store/refused.js';
import { verifyStore } from '../../src/store/verify.js';
import { T0 } from '../fakes/manual-time.js';
import { dataDir } from './support/backends.js';

const MAP_BYTES = 2 ** 30;
const MIB = 2 ** 20;

/** A row that only who reads all finds: no bytes of a record. */
const DAMAGED = { table: 'limits', key: Buffer.from('x'), value: Buffer.from('damaged') } as const;

function open(folder: string): Promise<Store> {
  return openStore({
    dataDir: folder,
    mapBytes: MAP_BYTES,
    backupDir: undefined,
    wall: T0,
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
  expect(missingIn(folder)).toBeGreaterThanOrEqual(freed);
  return folder;
}

function storeOf(folder: string): string {
  return path.join(folder, STORE_FOLDER);
}

/** The bytes that a file lacks of what its database says. */
function missingIn(folder: string): number {
  const kv = openLmdb({ folder: storeOf(folder), mapBytes: MAP_BYTES, readOnly: true });
  const extent = kv.extent();
  void kv.close();
  return extent - statSync(path.join(storeOf(folder), 'data.mdb')).size;
}

test('a store that lacks what it never wrote opens, and lacks nothing from then on', async () => {
  const folder = await shortStore(MIB);
  await (await open(folder)).close();
  expect(missingIn(folder)).toBe(0);
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
