import { formatAmount } from '../domain/amount.js';
import type { Reservation } from '../domain/model.js';
import { sha256 } from '../ledger/sha256.js';
import type { StoreReader, StoreWriter } from '../ledger/store.js';
import type { UsageCell } from '../domain/usage.js';
import {
  writeAgentRow,
  writeEntry,
  writeHeader,
  writeIdempotency,
  writePoolRow,
  writeReservation,
  writeUsageCell,
} from './encode.js';
import { CODECS } from './collections/table.js';
import { FRAME_BYTES, sealFrame } from './frame.js';
import {
  agentReservationKey,
  dueKey,
  idempotencyKey,
  numberKey,
  poolAgentKey,
  textKey,
  usageKey,
} from './keys.js';
import type { Table, Write } from './kv.js';
import { HEADER_KEY } from './record-reader.js';
import { WireWriter } from '../wire/writer.js';

/** Bytes of a SHA-256. */
const HASH_BYTES = 32;

/** The version of every record's layout. A store with a newer one is refused. */
export const STORE_FORMAT = 2;

const NOTHING = Buffer.alloc(0);

/** Makes writes of domain rows, in the order in which they are put. */
export interface RecordWriter extends StoreWriter {
  /** What was put since the last time. */
  take(): readonly Write[];
}

/** Makes a writer of records. What it reads is what the reader reads. */
export function recordWriter(reader: StoreReader): RecordWriter {
  const wire = new WireWriter();
  let writes: Write[] = [];
  const kv: Puts = {
    put: (table, key, value) => {
      writes.push({ table, key, value });
    },
    remove: (table, key) => {
      writes.push({ table, key, value: undefined });
    },
  };

  function record(fill: (wire: WireWriter) => void): Buffer {
    wire.reset(FRAME_BYTES);
    fill(wire);
    const framed = wire.copied();
    sealFrame(framed, 0);
    return framed;
  }

  return {
    ...reader,
    take: () => {
      const taken = writes;
      writes = [];
      return taken;
    },
    putHeader: (header) => {
      kv.put(
        'meta',
        HEADER_KEY,
        record(() => {
          writeHeader(wire, header, STORE_FORMAT);
        }),
      );
    },
    putAgent: (agent) => {
      kv.put(
        'agents',
        numberKey(agent.uid),
        record(() => {
          writeAgentRow(wire, agent);
        }),
      );
    },
    putAgentId: (id, uid) => {
      kv.put(
        'agent_ids',
        textKey(id),
        record(() => {
          wire.uint(1, uid);
        }),
      );
    },
    putAgentPool: (agent, from) => {
      if (from !== undefined) kv.remove('agents_by_pool', poolAgentKey(from, agent.id));
      const value = record(() => {
        wire.uint(1, agent.uid);
      });
      kv.put('agents_by_pool', poolAgentKey(agent.poolUid, agent.id), value);
    },
    putPool: (pool) => {
      kv.put(
        'pools',
        numberKey(pool.uid),
        record(() => {
          writePoolRow(wire, pool);
        }),
      );
    },
    putPoolId: (id, uid) => {
      if (uid === undefined) kv.remove('pool_ids', textKey(id));
      else {
        kv.put(
          'pool_ids',
          textKey(id),
          record(() => {
            wire.uint(1, uid);
          }),
        );
      }
    },
    putReservation: (reservation, before, purgeTime) => {
      const value = record(() => {
        writeReservation(wire, reservation);
      });
      kv.put('reservations', textKey(reservation.id), value);
      moveInQueues(kv, reservation, before, purgeTime);
    },
    purgeReservation: (reservation, due) => {
      kv.remove('due', dueKey('PURGE', due.time, due.id));
      kv.remove('reservations', textKey(reservation.id));
      kv.remove('reservations_by_agent', agentReservationKey(reservation.agentUid, reservation.id));
      for (const { method, requestId } of reservation.verbs) {
        kv.remove('idempotency', idempotencyKey(reservation.agentUid, method, requestId));
      }
    },
    putIdempotency: ({ uid, method, requestId }, stored) => {
      const value = record(() => {
        writeIdempotency(wire, stored);
      });
      kv.put('idempotency', idempotencyKey(uid, method, requestId), value);
    },
    removeIdempotency: ({ uid, method, requestId }) => {
      kv.remove('idempotency', idempotencyKey(uid, method, requestId));
    },
    putRefunded: (sequence, refunded) => {
      const value = record(() => {
        wire.text(1, formatAmount(refunded));
      });
      kv.put('refunds', numberKey(sequence), value);
    },
    putUsage: (level, slot, uid, cells) => {
      const value = record(() => {
        writeCells(wire, cells);
      });
      kv.put('usage', usageKey(level, slot, uid), value);
    },
    removeUsage: (level, slot, uid) => {
      kv.remove('usage', usageKey(level, slot, uid));
    },
    putRow: (collection, key, row) => {
      if (row === undefined) {
        kv.remove(collection, textKey(key));
        return;
      }
      const value = record(() => {
        CODECS[collection].write(wire, row);
      });
      kv.put(collection, textKey(key), value);
    },
    removeEntry: (sequence) => {
      kv.remove('entries', numberKey(sequence));
      kv.remove('refunds', numberKey(sequence));
    },
    appendEntry: (entry) => {
      // The hash is over the previous hash and the bytes: both lie in one buffer, hashed in one call.
      wire.reset(HASH_BYTES + FRAME_BYTES);
      writeEntry(wire, entry);
      const written = wire.written();
      written.set(entry.previousHash, 0);
      sealFrame(written, HASH_BYTES);
      kv.put('entries', numberKey(entry.sequence), copyOf(written, HASH_BYTES));
      return sha256(written);
    },
  };
}

/** A copy of the bytes from a place on. */
function copyOf(bytes: Buffer, start: number): Buffer {
  const copy = Buffer.allocUnsafe(bytes.length - start);
  bytes.copy(copy, 0, start);
  return copy;
}

/** Where rows are put. */
interface Puts {
  put(table: Table, key: Buffer, value: Buffer): void;
  remove(table: Table, key: Buffer): void;
}

function writeCells(wire: WireWriter, cells: readonly UsageCell[]): void {
  for (const cell of cells) writeUsageCell(wire, cell);
}

/** Keeps the queues: an open hold is due at its expiry, an ended one at its purge. */
function moveInQueues(
  kv: Puts,
  reservation: Reservation,
  before: Reservation | undefined,
  purgeTime: number,
): void {
  const { id, agentUid } = reservation;
  const key = agentReservationKey(agentUid, id);
  if (before === undefined) {
    kv.put('reservations_by_agent', key, NOTHING);
    if (reservation.state === 'OPEN') kv.put('open_by_agent', key, NOTHING);
  } else if (before.state === 'OPEN' && reservation.state !== 'OPEN') {
    kv.remove('open_by_agent', key);
  }
  const wasDue = before?.state === 'OPEN' ? before.expireTime : undefined;
  const isDue = reservation.state === 'OPEN' ? reservation.expireTime : undefined;
  if (wasDue !== isDue) {
    if (wasDue !== undefined) kv.remove('due', dueKey('EXPIRE', wasDue, id));
    if (isDue !== undefined) kv.put('due', dueKey('EXPIRE', isDue, id), NOTHING);
  }
  const ended = before === undefined || before.state === 'OPEN';
  if (ended && reservation.state !== 'OPEN') {
    kv.put('due', dueKey('PURGE', purgeTime, id), NOTHING);
  }
}
