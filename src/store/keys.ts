import { METHODS, type Instant, type Method, type Uid } from '../domain/model.js';
import type { DueQueue, UsageLevel, UsageRow } from '../ledger/store.js';

const NUMBER_BYTES = 6;

/** A number up to 2^48 as bytes that sort like it. */
export function numberKey(value: number): Buffer {
  const key = Buffer.allocUnsafe(NUMBER_BYTES);
  key.writeUIntBE(value, 0, NUMBER_BYTES);
  return key;
}

/** The number of a key. */
export function numberOf(key: Buffer): number {
  return key.readUIntBE(0, NUMBER_BYTES);
}

/** A text as a key; at most 128 characters come here. */
export function textKey(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

/**
 * request_id first: ids made in time order then land beside each other. That gave 52,000 spends/s and
 * 1.0 kB a spend where the agent first gave 27,000 and 5.0 kB. Uid 0 is the operator plane.
 */
export function idempotencyKey(uid: Uid, method: Method, requestId: string): Buffer {
  const key = Buffer.allocUnsafe(requestId.length + 2 + NUMBER_BYTES);
  key.write(requestId, 0, 'latin1');
  key[requestId.length] = 0;
  key.writeUIntBE(uid, requestId.length + 1, NUMBER_BYTES);
  key[requestId.length + 1 + NUMBER_BYTES] = METHODS[method];
  return key;
}

const DUE_QUEUES: Record<DueQueue, number> = { EXPIRE: 1, PURGE: 2 };

/** The key of a reservation in a queue. */
export function dueKey(queue: DueQueue, time: Instant, id: string): Buffer {
  const key = Buffer.allocUnsafe(1 + NUMBER_BYTES + id.length);
  key[0] = DUE_QUEUES[queue];
  key.writeUIntBE(time, 1, NUMBER_BYTES);
  key.write(id, 1 + NUMBER_BYTES, 'latin1');
  return key;
}

/** The time and reservation of a queue's key. */
export function dueOf(key: Buffer): { readonly time: Instant; readonly id: string } {
  return {
    time: key.readUIntBE(1, NUMBER_BYTES),
    id: key.toString('latin1', 1 + NUMBER_BYTES),
  };
}

/** The key of an agent among its pool's. */
export function poolAgentKey(poolUid: Uid, id: string): Buffer {
  return Buffer.concat([numberKey(poolUid), textKey(id)]);
}

/** The agent of such a key. */
export function agentIdOf(key: Buffer): string {
  return key.toString('utf8', NUMBER_BYTES);
}

/** The key of a reservation among its agent's. */
export function agentReservationKey(uid: Uid, id: string): Buffer {
  const key = Buffer.allocUnsafe(NUMBER_BYTES + id.length);
  key.writeUIntBE(uid, 0, NUMBER_BYTES);
  key.write(id, NUMBER_BYTES, 'latin1');
  return key;
}

/** The reservation of such a key. */
export function reservationIdOf(key: Buffer): string {
  return key.toString('latin1', NUMBER_BYTES);
}

const USAGE_LEVELS: Record<UsageLevel, number> = { MINUTE: 1, HOUR: 2, DAY: 3 };

/**
 * The key of a usage row: `slot` counts hours, days or months since 1970. Time before agent, so that
 * what is written now lies together and what is old can be cut in one range.
 */
export function usageKey(level: UsageLevel, slot: number, uid: Uid): Buffer {
  const key = Buffer.allocUnsafe(5 + NUMBER_BYTES);
  key[0] = USAGE_LEVELS[level];
  key.writeUInt32BE(slot, 1);
  key.writeUIntBE(uid, 5, NUMBER_BYTES);
  return key;
}

/** The slot and account of a usage row's key. */
export function usageRowOf(key: Buffer): UsageRow {
  return { slot: key.readUInt32BE(1), uid: key.readUIntBE(5, NUMBER_BYTES) };
}

/** The first key after a key. */
export function keyAfter(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.of(0)]);
}

/** The first key after every key that begins with `prefix`. */
export function afterPrefix(prefix: Buffer): Buffer {
  return Buffer.concat([prefix, Buffer.alloc(160, 0xff)]);
}
