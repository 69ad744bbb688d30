import { formatAmount, type Amount } from '../domain/amount.js';
import type { BalanceField } from '../domain/entry.js';
import type { Agent, Pool } from '../domain/model.js';
import type { StoreReader } from '../ledger/store.js';
import type { Fold, FoldedAccount } from './verify-fold.js';

const AGENT_FIELDS = ['allocated', 'spent', 'reserved', 'base', 'baseline'] as const;
const POOL_FIELDS = [
  'funded',
  'spent',
  'reserved',
  'unallocated',
  'debt',
  'base',
  'baseline',
] as const;

/**
 * Compares the rows of the `limit` accounts after a uid, agents of every incarnation among them, with
 * the fold (I4), and their holds with the sum of their open reservations (I2). Returns the uid to
 * continue after, or undefined at the end. All reads must be of one snapshot, folded to its head.
 */
export function compareAgents(
  reader: StoreReader,
  fold: Fold,
  after: number,
  limit: number,
): number | undefined {
  const end = Math.min(after + limit, reader.header().nextUid - 1);
  for (let uid = after + 1; uid <= end; uid += 1) {
    const agent = reader.agent(uid);
    if (agent !== undefined) compareAgent(reader, fold, agent);
    else if (fold.accounts.has(`AGENT ${uid}`)) {
      fold.find(0, `AGENT ${uid}`, 'the agent has no row');
    }
  }
  return end > after ? end : undefined;
}

function compareAgent(reader: StoreReader, fold: Fold, agent: Agent): void {
  const key = `AGENT ${agent.uid}`;
  const account = fold.accounts.get(key);
  for (const field of AGENT_FIELDS) compare(fold, key, account, field, agent[field]);
  if (account?.lastSequence !== agent.lastSequence) {
    fold.find(0, key, 'its row names another entry as its last than the ledger has');
  }
  if (account !== undefined && account.poolUid !== agent.poolUid) {
    fold.find(0, key, 'its row names another pool than the ledger has');
  }
  if (reader.agentUid(agent.id) === undefined) fold.find(0, key, 'no id names it');
  compareHolds(reader, fold, agent);
}

function compareHolds(reader: StoreReader, fold: Fold, agent: Agent): void {
  let held = 0n;
  let open = 0;
  if (agent.openReservations > 0) {
    for (const id of reader.reservationIds(agent.uid, undefined, true)) {
      const reservation = reader.reservation(id);
      if (reservation?.state !== 'OPEN') continue;
      held += reservation.held;
      open += 1;
      if (open === agent.openReservations) break;
    }
  }
  if (held !== agent.reserved || open !== agent.openReservations) {
    fold.find(
      0,
      `AGENT ${agent.uid}`,
      `its open reservations hold ${formatAmount(held)}, its row says ${formatAmount(agent.reserved)}`,
    );
  }
}

/** Compares every pool's row with the fold (I4). */
export function comparePools(reader: StoreReader, fold: Fold): void {
  for (const pool of poolRows(reader, fold)) {
    const key = `POOL ${pool.uid}`;
    const account = fold.accounts.get(key);
    for (const field of POOL_FIELDS) compare(fold, key, account, field, pool[field]);
    if (account?.lastSequence !== pool.lastSequence) {
      fold.find(0, key, 'its row names another entry as its last than the ledger has');
    }
  }
}

/** Deleted pools have a row and no id: they are found by the fold. */
function* poolRows(reader: StoreReader, fold: Fold): Generator<Pool> {
  for (const { kind, uid } of fold.accounts.values()) {
    if (kind !== 'POOL') continue;
    const pool = reader.pool(uid);
    if (pool === undefined) fold.find(0, `POOL ${uid}`, 'the pool has no row');
    else yield pool;
  }
}

function compare(
  fold: Fold,
  key: string,
  account: FoldedAccount | undefined,
  field: BalanceField,
  stored: Amount,
): void {
  const folded = account?.balances.get(field) ?? 0n;
  fold.balancesCompared += 1;
  if (folded === stored) return;
  const message = `its ${field} is ${formatAmount(stored)}, the ledger makes it ${formatAmount(folded)}`;
  fold.find(0, key, message);
}

interface Totals {
  assigned: Amount;
  reserved: Amount;
  debt: Amount;
}

/** funded = spent + assigned + unallocated, and the sums over the agents, per pool (I2, I3). */
export function compareTotals(fold: Fold): void {
  const totals = new Map<number, Totals>();
  for (const account of fold.accounts.values()) {
    if (account.kind !== 'AGENT') continue;
    const of = (field: BalanceField): Amount => account.balances.get(field) ?? 0n;
    const sum = totals.get(account.poolUid) ?? { assigned: 0n, reserved: 0n, debt: 0n };
    const left = of('allocated') - of('spent');
    sum.assigned += left;
    sum.reserved += of('reserved');
    if (left < 0n) sum.debt -= left;
    totals.set(account.poolUid, sum);
  }
  for (const account of fold.accounts.values()) {
    if (account.kind !== 'POOL') continue;
    const of = (field: BalanceField): Amount => account.balances.get(field) ?? 0n;
    const sum = totals.get(account.uid) ?? { assigned: 0n, reserved: 0n, debt: 0n };
    const key = `POOL ${account.uid}`;
    if (of('funded') !== of('spent') + sum.assigned + of('unallocated')) {
      fold.find(0, key, 'funded is not spent + assigned + unallocated');
    }
    if (of('reserved') !== sum.reserved) fold.find(0, key, "reserved is not its agents' sum");
    if (of('debt') !== sum.debt) fold.find(0, key, "debt is not its agents' sum");
  }
}
