import type { ViolationRetention } from '../domain/cut-violations.js';
import type { Entry } from '../domain/entry.js';
import type { Instant } from '../domain/model.js';
import { sequenceKey } from '../domain/violation.js';
import { requestTimeKey } from '../domain/request-time.js';
import { recordScopeOf } from './record-scope.js';
import type { Header, IdempotencyScope, StoreWriter } from './store.js';

/** When rows have served. */
export interface PurgePolicy extends ViolationRetention {
  /** How long a request_id is remembered; those of a reservation's verbs live as long as its row. */
  readonly idempotencyTtlMs: number;
}

/** What a step of purging leaves. */
export interface Purged {
  /** With the walk's new position, or the same one when nothing was due. */
  readonly header: Header;
  /** Whether the step was a full one: there may be more. */
  readonly more: boolean;
}

/** Rows that one step takes away at most, so that no spend waits for it. */
export const PURGE_STEP_MAX = 500;

/**
 * Takes away what has served, in one small step: reservations whose late window is over, and the
 * idempotency records of entries older than the ttl, found by walking the entries from where the last
 * step stopped.
 */
export function purge(
  writer: StoreWriter,
  header: Header,
  now: Instant,
  policy: PurgePolicy,
  forget: (reservationId: string) => void,
): Purged {
  let purged = 0;
  for (const due of writer.due('PURGE', now, PURGE_STEP_MAX)) {
    const reservation = writer.reservation(due.id);
    if (reservation === undefined) continue;
    writer.purgeReservation(reservation, due);
    forget(due.id);
    purged += 1;
  }
  const before = now - policy.idempotencyTtlMs;
  const listed = purgeListed(writer, before);
  const position = purgeRecords(writer, header, before);
  if (purged === 0 && listed === 0 && position === header.purgedSequence) {
    return { header, more: false };
  }
  return {
    header: { ...header, purgedSequence: position, time: Math.max(header.time, now) },
    more:
      purged === PURGE_STEP_MAX ||
      listed === PURGE_STEP_MAX ||
      position === header.purgedSequence + PURGE_STEP_MAX,
  };
}

/** Records that no entry leads to, by the list of their times. */
function purgeListed(writer: StoreWriter, before: Instant): number {
  const end = sequenceKey(Math.max(0, before));
  const due: (readonly [key: string, scope: IdempotencyScope])[] = [];
  for (const row of writer.rows('request_times', {})) {
    if (row[0] >= end || due.length === PURGE_STEP_MAX) break;
    due.push(row);
  }
  for (const [key, scope] of due) {
    writer.putRow('request_times', key, undefined);
    const record = writer.idempotency(scope);
    // A later request of the same id has a later time, and is listed by it.
    if (record !== undefined && requestTimeKey(record.time, scope) === key) {
      writer.removeIdempotency(scope);
    }
  }
  return due.length;
}

function purgeRecords(writer: StoreWriter, header: Header, before: Instant): number {
  let position = header.purgedSequence;
  for (let step = 0; step < PURGE_STEP_MAX && position < header.headSequence; step += 1) {
    const stored = writer.entry(position + 1);
    if (stored === undefined || stored.entry.time >= before) break;
    purgeRecordOf(writer, stored.entry);
    position += 1;
  }
  return position;
}

/** A record that a later request of the same id wrote stays: it names another entry. */
function purgeRecordOf(writer: StoreWriter, entry: Entry): void {
  const scope = recordScopeOf(entry);
  if (scope === undefined) return;
  if (writer.idempotency(scope)?.sequence === entry.sequence) writer.removeIdempotency(scope);
}
