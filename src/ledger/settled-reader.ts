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
  const settled = (): StoreReader => {
    if (!underWay.settled()) throw new Unsettled('groups are under way');
    return store;
  };
  return {
    header: () => settled().header(),
    agent: (uid) => settled().agent(uid),
    agentUid: (id) => settled().agentUid(id),
    pool: (uid) => settled().pool(uid),
    poolUid: (id) => settled().poolUid(id),
    reservation: (id) => settled().reservation(id),
    entry: (sequence) => settled().entry(sequence),
    refunded: (sequence) => settled().refunded(sequence),
    // A record is written once, and taken away only when nothing is under way.
    idempotency: (scope) => underWay.answer(scope) ?? store.idempotency(scope),
    usage: (level, slot, uid) => settled().usage(level, slot, uid),
    usageRows: (level, after, before, limit) => settled().usageRows(level, after, before, limit),
    due: (queue, before, limit) => settled().due(queue, before, limit),
    agentIds: (after, poolUid) => settled().agentIds(after, poolUid),
    pools: (after) => settled().pools(after),
    reservations: (after) => settled().reservations(after),
    reservationIds: (uid, after) => settled().reservationIds(uid, after),
    openReservationIds: (uid) => settled().openReservationIds(uid),
    entries: (after) => settled().entries(after),
    row: (collection, key) => settled().row(collection, key),
    rows: (collection, range) => settled().rows(collection, range),
    oldestSequence: () => settled().oldestSequence(),
    totals: () => settled().totals(),
  };
}
