/** Rows of earlier formats brought to today's. Whole stores of them are in fixtures.test.ts. */
import { describe, expect, test } from 'vitest';
import type { LimitCounter } from '../../src/domain/counter.js';
import type { Store } from '../../src/ledger/store.js';
import { upgradeStore } from '../../src/store/upgrade.js';
import { money } from '../support/seed.js';
import { BACKENDS, recordsOf } from './support/backends.js';

function counted(amount: string): LimitCounter {
  return { start: 0, end: 0, counted: money(amount), slots: [] };
}

/** By limit uid/account uid, as format 1 had them. */
const OLD = {
  '10/7': counted('1'),
  '10/8': counted('2'),
  '11/7': counted('3'),
  '12/7': counted('4'),
  '12/9': counted('5'),
};

const NEW = {
  '7': { limits: [10, 11, 12], counters: [counted('1'), counted('3'), counted('4')] },
  '8': { limits: [10], counters: [counted('2')] },
  '9': { limits: [12], counters: [counted('5')] },
};

function rowsOf(store: Store, collection: 'limit_counters' | 'limit_counts'): object {
  return Object.fromEntries(store.rows(collection, {}));
}

describe.each(BACKENDS)('in $name', ({ begin }) => {
  async function oldStore(): Promise<Store> {
    const store = recordsOf(begin().kv);
    await store.transact((writer) => {
      for (const [key, row] of Object.entries(OLD)) writer.putRow('limit_counters', key, row);
    });
    store.refreshReads();
    return store;
  }

  test.each([1, 2, 3, 100])('counters of format 1 go by account, %i at a time', async (step) => {
    const store = await oldStore();
    await upgradeStore(store, step);
    expect(rowsOf(store, 'limit_counts')).toEqual(NEW);
    expect(rowsOf(store, 'limit_counters')).toEqual({});
  });

  test('an upgrade that was cut short goes on', async () => {
    const store = await oldStore();
    let left = 2;
    const full = new Error('no room');
    const failing: Store = {
      ...store,
      transact: (work) => (left-- > 0 ? store.transact(work) : Promise.reject(full)),
    };
    await expect(upgradeStore(failing, 1)).rejects.toBe(full);
    expect(Object.keys(rowsOf(store, 'limit_counters'))).toEqual(['11/7', '12/7', '12/9']);
    await upgradeStore(store, 1);
    expect(rowsOf(store, 'limit_counts')).toEqual(NEW);
  });
});
