import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Entry } from '../domain/entry.js';
import type { ExportedEntry } from './api.js';
import type { DurableRows } from './rows.js';
import type { Store } from './store.js';

/** Entries that one turn of an export reads, so that others get their turn. */
const EXPORT_SLICE = 200;

/** Streams entries oldest first, a slice a turn, so that spends go on. */
export async function* exportEntries(
  store: Store,
  rows: DurableRows,
  after: number,
  through: number,
  signal: AbortSignal,
): AsyncGenerator<ExportedEntry> {
  const last = through === 0 ? store.header().headSequence : through;
  let position = after;
  while (position < last && !signal.aborted) {
    const slice: ExportedEntry[] = [];
    for (const stored of store.entries(position)) {
      if (stored.entry.sequence > last || slice.length === EXPORT_SLICE) break;
      const view = { entry: stored.entry, ids: idsOf(stored.entry, rows) };
      slice.push({ view, record: stored.bytes, hash: stored.hash });
    }
    const newest = slice.at(-1);
    if (newest === undefined) return;
    position = newest.view.entry.sequence;
    yield* slice;
    await nextTurn();
  }
}

/** The ids behind an entry's uids, by `AGENT 7` or `POOL 1`. */
function idsOf(entry: Entry, rows: DurableRows): ReadonlyMap<string, string> {
  const ids = new Map<string, string>();
  for (const { kind, uid } of entry.accounts) {
    const row = kind === 'AGENT' ? rows.agent(uid) : rows.pool(uid);
    if (row !== undefined) ids.set(`${kind} ${uid}`, row.id);
  }
  return ids;
}
