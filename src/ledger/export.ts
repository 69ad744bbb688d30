import { setImmediate as nextTurn } from 'node:timers/promises';
import { reject, type Rejection } from '../domain/answer.js';
import type { Entry } from '../domain/entry.js';
import type { EntryView } from './api.js';
import type { DurableRows } from './rows.js';
import type { Store } from './store.js';

/** What ExportLedger sends, or why it ends early. */
export type ExportMessage =
  | { readonly kind: 'ENTRY'; readonly exported: ExportedEntry }
  | { readonly kind: 'ENDED'; readonly rejection: Rejection };

/** One entry as exported: the record and what its hash is made of. */
export interface ExportedEntry {
  readonly view: EntryView;
  /** The exact stored bytes. hash = SHA-256(previousHash, record). */
  readonly record: Uint8Array;
  readonly hash: Uint8Array;
}

/** Entries that one turn of an export reads, so that others get their turn. */
const EXPORT_SLICE = 200;

/**
 * Streams entries oldest first, a slice a turn, so that spends go on. What was cut is told, at the
 * beginning and when retention overtakes a slow reader: a gap would pass for the whole.
 */
export function exportEntries(
  store: Store,
  rows: DurableRows,
  after: number,
  through: number,
  signal: AbortSignal,
): AsyncIterable<ExportMessage> | Rejection {
  const { headSequence } = store.header();
  const oldest = store.oldestSequence();
  if (after > 0 && after < oldest - 1) return compacted(oldest);
  const begin = after === 0 ? Math.max(0, oldest - 1) : after;
  return walk(store, rows, begin, through === 0 ? headSequence : through, signal);
}

async function* walk(
  store: Store,
  rows: DurableRows,
  after: number,
  last: number,
  signal: AbortSignal,
): AsyncGenerator<ExportMessage> {
  let position = after;
  while (position < last && !signal.aborted) {
    const slice: ExportedEntry[] = [];
    for (const stored of store.entries(position)) {
      if (stored.entry.sequence > last || slice.length === EXPORT_SLICE) break;
      const view = { entry: stored.entry, ids: idsOf(stored.entry, rows) };
      slice.push({ view, record: stored.bytes, hash: stored.hash });
    }
    const oldest = store.oldestSequence();
    if (oldest > position + 1) {
      yield { kind: 'ENDED', rejection: compacted(oldest) };
      return;
    }
    if (slice.length === 0) return;
    for (const exported of slice) yield { kind: 'ENTRY', exported };
    position += slice.length;
    await nextTurn();
  }
}

function compacted(oldest: number): Rejection {
  return reject('CURSOR_COMPACTED', 'Retention has cut entries after that one. Begin with 0', {
    oldest_sequence: String(oldest),
  });
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
