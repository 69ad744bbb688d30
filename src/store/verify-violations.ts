import type { StoreReader } from '../ledger/store.js';
import { sequenceKey } from '../domain/violation.js';
import type { Fold } from './verify-fold.js';

/**
 * Checks the next `limit` events of violations after a sequence: without a gap from the oldest that is
 * kept to the newest that the header names. Retention may cut while this walks: what is gone by now is
 * no gap. Returns the sequence to continue after, or undefined at the end. All reads must be of one
 * snapshot.
 */
export function checkEvents(
  reader: StoreReader,
  fold: Fold,
  after: number,
  limit: number,
): number | undefined {
  const { violationSequence } = reader.header();
  let last = Math.max(after, oldestOf(reader, violationSequence) - 1);
  let rows = 0;
  for (const [key, event] of reader.rows('violation_events', { after: sequenceKey(last) })) {
    if (event.sequence !== last + 1 || key !== sequenceKey(event.sequence)) {
      fold.find(0, '', `event ${last + 1} of the violations is missing`);
      return undefined;
    }
    last = event.sequence;
    rows += 1;
    if (rows === limit) return last;
  }
  if (last !== violationSequence) {
    const message = `the violations end with event ${last}, their head is ${violationSequence}`;
    fold.find(0, '', message);
  }
  return undefined;
}

/** The oldest event that is kept; the one after the newest when none is. */
function oldestOf(reader: StoreReader, newest: number): number {
  for (const [, event] of reader.rows('violation_events', {})) return event.sequence;
  return newest + 1;
}
