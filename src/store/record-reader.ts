import type { CollectionName, Collections, RowRange } from '../domain/collection.js';
import type { Pool, Reservation, Uid } from '../domain/model.js';
import { sha256 } from '../ledger/sha256.js';
import type { Due, StoredEntry, StoreReader, UsageRow } from '../ledger/store.js';
import type { UsageCell } from '../domain/usage.js';
import {
  readAgent,
  readEntry,
  readHeader,
  readIdempotency,
  readPool,
  readRefunded,
  readReservation,
  readUid,
  readUsage,
} from './decode.js';
import { CODECS } from './collections/table.js';
import { readFrame } from './frame.js';
import {
  afterPrefix,
  agentIdOf,
  agentReservationKey,
  dueKey,
  dueOf,
  idempotencyKey,
  keyAfter,
  numberKey,
  numberOf,
  poolAgentKey,
  reservationIdOf,
  textKey,
  usageKey,
  usageRowOf,
} from './keys.js';
import type { KeyRange, KeyValueStore, Table } from './kv.js';

/** The key of the header in the table `meta`. */
export const HEADER_KEY = textKey('header');

/** Reads domain rows from the tables of a key-value store. */
export function recordReader(kv: KeyValueStore): StoreReader {
  return {
    header: () => {
      const row = kv.get('meta', HEADER_KEY);
      if (row === undefined) throw new Error('the store has no header');
      return readFrame('meta', row, readHeader).header;
    },
    agent: (uid) => read(kv, 'agents', numberKey(uid), readAgent),
    agentUid: (id) => read(kv, 'agent_ids', textKey(id), readUid),
    pool: (uid) => read(kv, 'pools', numberKey(uid), readPool),
    poolUid: (id) => read(kv, 'pool_ids', textKey(id), readUid),
    reservation: (id) => read(kv, 'reservations', textKey(id), readReservation),
    entry: (sequence) => {
      const bytes = kv.get('entries', numberKey(sequence));
      return bytes === undefined ? undefined : storedEntry(bytes);
    },
    refunded: (sequence) => read(kv, 'refunds', numberKey(sequence), readRefunded) ?? 0n,
    idempotency: ({ uid, method, requestId }) =>
      read(kv, 'idempotency', idempotencyKey(uid, method, requestId), readIdempotency),
    usage: (level, slot, uid) =>
      read(kv, 'usage', usageKey(level, slot, uid), readUsage) ?? NO_CELLS,
    usageRows: (level, after, before, limit) => {
      const first = usageKey(level, after?.slot ?? 0, after?.uid ?? 0);
      const start = after === undefined ? first : keyAfter(first);
      const found: UsageRow[] = [];
      for (const { key } of kv.range('usage', { start, end: usageKey(level, before, 0), limit })) {
        found.push(usageRowOf(key));
      }
      return found;
    },
    due: (queue, before, limit) => {
      const range = { start: dueKey(queue, 0, ''), end: dueKey(queue, before, ''), limit };
      const found: Due[] = [];
      for (const { key } of kv.range('due', range)) found.push(dueOf(key));
      return found;
    },
    agentIds: (after, poolUid) =>
      poolUid === undefined ? agentIds(kv, after) : poolAgentIds(kv, poolUid, after),
    pools: (after) => pools(kv, after),
    reservations: (after) => reservations(kv, after),
    reservationIds: (uid, after) => idsOfAgent(kv, 'reservations_by_agent', uid, after),
    openReservationIds: (uid) => idsOfAgent(kv, 'open_by_agent', uid, undefined),
    entries: (after) => entries(kv, after),
    row: (collection, key) => read(kv, collection, textKey(key), CODECS[collection].read),
    rows: (collection, range) => rowsOf(kv, collection, range),
    oldestSequence: () => {
      for (const { key } of kv.range('entries', { limit: 1 })) return numberOf(key);
      return 0;
    },
    totals: () => ({
      agents: kv.count('agents'),
      openReservations: kv.count('open_by_agent'),
      entries: kv.count('entries'),
      entryBytes: kv.bytes('entries'),
      sizeBytes: kv.extent(),
    }),
  };
}

const NO_CELLS: readonly UsageCell[] = [];

function read<T>(
  kv: KeyValueStore,
  table: Table,
  key: Buffer,
  decode: (message: Uint8Array) => T,
): T | undefined {
  const value = kv.get(table, key);
  return value === undefined ? undefined : readFrame(table, value, decode);
}

/** An entry with its bytes and hash. Throws CorruptRecord when its check value disagrees. */
export function storedEntry(bytes: Buffer): StoredEntry {
  const entry = readFrame('entries', bytes, readEntry);
  return { entry, bytes, hash: chainHash(entry.previousHash, bytes) };
}

/** SHA-256 of the previous hash followed by the exact stored bytes. */
export function chainHash(previousHash: Uint8Array, bytes: Uint8Array): Uint8Array {
  return sha256(Buffer.concat([previousHash, bytes]));
}

function* agentIds(kv: KeyValueStore, last: string | undefined): Generator<readonly [string, Uid]> {
  const range = last === undefined ? {} : { start: keyAfter(textKey(last)) };
  for (const { key, value } of kv.range('agent_ids', range)) {
    yield [key.toString(), readFrame('agent_ids', value, readUid)];
  }
}

function* poolAgentIds(
  kv: KeyValueStore,
  poolUid: Uid,
  last: string | undefined,
): Generator<readonly [string, Uid]> {
  const prefix = poolAgentKey(poolUid, '');
  const start = last === undefined ? prefix : keyAfter(poolAgentKey(poolUid, last));
  for (const { key, value } of kv.range('agents_by_pool', { start, end: afterPrefix(prefix) })) {
    yield [agentIdOf(key), readFrame('agents_by_pool', value, readUid)];
  }
}

function* pools(kv: KeyValueStore, last: string | undefined): Generator<Pool> {
  const range = last === undefined ? {} : { start: keyAfter(textKey(last)) };
  for (const { value } of kv.range('pool_ids', range)) {
    const pool = read(kv, 'pools', numberKey(readFrame('pool_ids', value, readUid)), readPool);
    if (pool !== undefined) yield pool;
  }
}

function* reservations(kv: KeyValueStore, last: string | undefined): Generator<Reservation> {
  const range = last === undefined ? {} : { start: keyAfter(textKey(last)) };
  for (const { value } of kv.range('reservations', range)) {
    yield readFrame('reservations', value, readReservation);
  }
}

function* idsOfAgent(
  kv: KeyValueStore,
  table: 'reservations_by_agent' | 'open_by_agent',
  uid: Uid,
  last: string | undefined,
): Generator<string> {
  const prefix = agentReservationKey(uid, '');
  const start = last === undefined ? prefix : keyAfter(agentReservationKey(uid, last));
  for (const { key } of kv.range(table, { start, end: afterPrefix(prefix) })) {
    yield reservationIdOf(key);
  }
}

function* rowsOf<C extends CollectionName>(
  kv: KeyValueStore,
  collection: C,
  range: RowRange,
): Generator<readonly [key: string, row: Collections[C]]> {
  const { read: decode } = CODECS[collection];
  for (const { key, value } of kv.range(collection, keyRangeOf(range))) {
    yield [key.toString(), readFrame(collection, value, decode)];
  }
}

function keyRangeOf({ prefix = '', after, reverse = false }: RowRange): KeyRange {
  const first = textKey(prefix);
  const behind = prefix === '' ? undefined : afterPrefix(first);
  const last = after === undefined ? undefined : textKey(after);
  const start = reverse || last === undefined ? first : keyAfter(last);
  const end = reverse && last !== undefined ? last : behind;
  return {
    ...(start.length > 0 && { start }),
    ...(end !== undefined && { end }),
    reverse,
  };
}

function* entries(kv: KeyValueStore, last: number): Generator<StoredEntry> {
  for (const { value } of kv.range('entries', { start: numberKey(last + 1) })) {
    yield storedEntry(value);
  }
}
