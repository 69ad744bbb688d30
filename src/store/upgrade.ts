import type { LimitCounter, LimitCounts } from '../domain/counter.js';
import type { Store, StoreWriter } from '../ledger/store.js';

/**
 * Brings the rows of a store to today's format, some at a time: where it is cut short, the next start goes
 * on. Format 1 had a row of `limit_counters` for each limit and account, where there is one of
 * `limit_counts` for each account. `step`: rows of one transaction.
 */
export async function upgradeStore(store: Store, step = 10_000): Promise<void> {
  const next = (): readonly OldCounter[] => oldCounters(store, step);
  for (let old = next(); old.length > 0; old = next()) {
    await store.transact((writer) => {
      moveCounters(writer, old);
    });
    store.refreshReads();
  }
}

type OldCounter = readonly [key: string, counter: LimitCounter];

function oldCounters(store: Store, count: number): readonly OldCounter[] {
  const found: OldCounter[] = [];
  for (const row of store.rows('limit_counters', {})) {
    found.push(row);
    if (found.length === count) break;
  }
  return found;
}

function moveCounters(writer: StoreWriter, old: readonly OldCounter[]): void {
  const accounts = new Map<string, LimitCounts>();
  for (const [key, counter] of old) {
    const [limit = '', account = ''] = key.split('/');
    const { limits, counters } = accounts.get(account) ??
      writer.row('limit_counts', account) ?? { limits: [], counters: [] };
    accounts.set(account, {
      limits: [...limits, Number(limit)],
      counters: [...counters, counter],
    });
    writer.putRow('limit_counters', key, undefined);
  }
  for (const [account, counts] of accounts) writer.putRow('limit_counts', account, counts);
}
