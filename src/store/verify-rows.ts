import type { Reservation } from '../domain/model.js';
import type { CollectionName } from '../domain/collection.js';
import { CODECS, COLLECTION_NAMES } from './collections/table.js';
import { readReservation } from './decode.js';
import { messageOf, openFrame, readFrame } from './frame.js';
import { agentReservationKey, dueKey, keyAfter } from './keys.js';
import type { KeyValueStore, Row, Table } from './kv.js';
import type { Fold } from './verify-fold.js';

/** The tables whose rows no other check reads. */
const UNREAD_TABLES: readonly Table[] = [
  'pool_ids',
  'agents_by_pool',
  'reservations',
  'idempotency',
  'refunds',
  'usage',
  ...COLLECTION_NAMES,
];

/** Where a walk over those tables is. */
export interface RowsCursor {
  readonly table: number;
  /** The next key, or undefined: the table's first. */
  readonly start: Buffer | undefined;
}

/** The beginning of the walk. */
export const FIRST_ROW: RowsCursor = { table: 0, start: undefined };

/**
 * Checks the next `limit` rows of the tables that no balance is compared with: the check value of each,
 * and of a reservation its place in the queues. Returns where to continue, or undefined at the end.
 */
export function checkRows(
  kv: KeyValueStore,
  fold: Fold,
  cursor: RowsCursor,
  limit: number,
): RowsCursor | undefined {
  const table = UNREAD_TABLES[cursor.table];
  if (table === undefined) return undefined;
  let last: Buffer | undefined;
  let rows = 0;
  const { start } = cursor;
  for (const row of kv.range(table, start === undefined ? { limit } : { start, limit })) {
    checkRow(kv, fold, table, row);
    last = row.key;
    rows += 1;
  }
  if (rows < limit || last === undefined) return { table: cursor.table + 1, start: undefined };
  return { table: cursor.table, start: keyAfter(last) };
}

function checkRow(kv: KeyValueStore, fold: Fold, table: Table, { value }: Row): void {
  try {
    if (table === 'reservations') checkQueues(kv, fold, readFrame(table, value, readReservation));
    else if (isCollection(table)) readFrame(table, value, (message) => CODECS[table].read(message));
    else openFrame(table, value);
  } catch (error) {
    fold.find(0, '', messageOf(error));
  }
}

function isCollection(table: Table): table is CollectionName & Table {
  return Object.hasOwn(CODECS, table);
}

/**
 * An open hold is due at its expiry and listed as open, an ended one is neither. Since what an agent
 * holds is summed over that list (see compareAgents), no hold can be open that nobody counts.
 */
function checkQueues(kv: KeyValueStore, fold: Fold, reservation: Reservation): void {
  const { id, agentUid, state, expireTime } = reservation;
  const account = `AGENT ${agentUid}`;
  const isDue = kv.get('due', dueKey('EXPIRE', expireTime, id)) !== undefined;
  if (isDue !== (state === 'OPEN')) {
    const found = isDue ? 'is due to expire' : 'is not due to expire';
    fold.find(0, account, `its reservation ${id} is ${state} and ${found}`);
  }
  const isListed = kv.get('open_by_agent', agentReservationKey(agentUid, id)) !== undefined;
  if (isListed !== (state === 'OPEN')) {
    const found = isListed ? 'is listed as open' : 'is not listed as open';
    fold.find(0, account, `its reservation ${id} is ${state} and ${found}`);
  }
  if (kv.get('reservations_by_agent', agentReservationKey(agentUid, id)) === undefined) {
    fold.find(0, account, `its reservation ${id} is not among those of the agent`);
  }
}
