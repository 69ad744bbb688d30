import type { IdempotencyRecord, IdempotencyScope, StoreReader } from './store.js';

/** A decision asked for rows that a group under way may change: it is decided again when that is durable. */
export class Unsettled extends Error {
  override readonly name = 'Unsettled';
}

/** What the reads of a group need to know of the groups that are being written. */
export interface GroupsUnderWay {
  /** Whether there are none: the store has the newest rows. */
  settled(): boolean;
  /** The answer that one of them recorded. */
  answer(scope: IdempotencyScope): IdempotencyRecord | undefined;
}

/**
 * Reads of the newest rows for what no cache knows, such as ranges. While groups are under way only their
 * answers are known, and everything else throws Unsettled.
 */
export function settledReader(store: StoreReader, underWay: GroupsUnderWay): StoreReader {
  const once =
    <Args extends readonly unknown[], Result>(read: (...args: Args) => Result) =>
    (...args: Args): Result => {
      if (!underWay.settled()) throw new Unsettled('groups are under way');
      return read(...args);
    };
  return {
    header: once(store.header),
    agent: once(store.agent),
    agentUid: once(store.agentUid),
    pool: once(store.pool),
    poolUid: once(store.poolUid),
    reservation: once(store.reservation),
    entry: once(store.entry),
    refunded: once(store.refunded),
    // A record is written once, and taken away only when nothing is under way.
    idempotency: (scope) => underWay.answer(scope) ?? store.idempotency(scope),
    usage: once(store.usage),
    due: once(store.due),
    agentIds: once(store.agentIds),
    pools: once(store.pools),
    reservations: once(store.reservations),
    reservationIds: once(store.reservationIds),
    openReservationIds: once(store.openReservationIds),
    entries: once(store.entries),
    row: (collection, key) => {
      if (!underWay.settled()) throw new Unsettled('groups are under way');
      return store.row(collection, key);
    },
    rows: (collection, range) => {
      if (!underWay.settled()) throw new Unsettled('groups are under way');
      return store.rows(collection, range);
    },
    oldestSequence: once(store.oldestSequence),
    totals: once(store.totals),
  };
}
