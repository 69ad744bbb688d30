import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { Store } from '../../../src/ledger/store.js';
import type { KeyValueStore } from '../../../src/store/kv.js';
import { openLmdb } from '../../../src/store/lmdb.js';
import { recordStore } from '../../../src/store/record-store.js';
import { MemoryDisk, MemoryKeyValueStore } from '../../fakes/memory-kv.js';

/** Where rows may live. */
export interface Backend {
  readonly name: string;
  /** A key-value store with nothing in it, and what opens it again after it was closed. */
  readonly begin: () => { readonly kv: KeyValueStore; readonly reopen: () => KeyValueStore };
}

const MAP_BYTES = 2 ** 30;

const lmdb: Backend = {
  name: 'LMDB',
  begin: () => {
    const folder = temporaryFolder();
    const reopen = (): KeyValueStore => {
      const kv = openLmdb({ folder, mapBytes: MAP_BYTES, readOnly: false });
      let closed = false;
      const close = async (): Promise<void> => {
        if (!closed) await kv.close();
        closed = true;
      };
      onTestFinished(close);
      return { ...kv, close };
    };
    return { kv: reopen(), reopen };
  },
};

const memory: Backend = {
  name: 'memory',
  begin: () => {
    const disk = new MemoryDisk();
    return {
      kv: new MemoryKeyValueStore(disk),
      reopen: () => new MemoryKeyValueStore(disk),
    };
  },
};

/** Every suite of the store runs on each. */
export const BACKENDS: readonly Backend[] = [memory, lmdb];

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A data directory that is not there yet. */
export function dataDir(): string {
  const folder = path.join(temporaryFolder(), 'data');
  mkdirSync(folder);
  return folder;
}

/** Rows of the ledger over a key-value store, without upkeep. */
export function recordsOf(kv: KeyValueStore): Store {
  const unsupported = (): Promise<never> => Promise.reject(new Error('not in this test'));
  return recordStore(kv, {
    owner: '',
    verify: unsupported,
    backup: unsupported,
    close: () => kv.close(),
  });
}
