import { formatAmount, type Amount } from '../domain/amount.js';
import { showValue, type FieldValue } from '../domain/decide/changes.js';
import type { BalanceField } from '../domain/entry.js';
import type { Agent, Pool } from '../domain/model.js';
import { RETENTION_KEY } from '../domain/opening.js';
import type { StoreReader } from '../ledger/store.js';
import { messageOf } from './frame.js';
import { accountOf, type Fold, type FoldedAccount } from './verify-fold.js';

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

const AGENT_CONFIGURATION = [
  ['id', 'id'],
  ['name', 'name'],
  ['priority', 'priority'],
  ['overdraft_limit', 'overdraftLimit'],
  ['allow_force', 'allowForce'],
  ['parent_id', 'parentId'],
  ['metadata', 'metadata'],
  ['state', 'state'],
] as const;
const POOL_CONFIGURATION = [
  ['id', 'id'],
  ['unit', 'unit'],
  ['scale', 'scale'],
  ['name', 'name'],
  ['priority', 'priority'],
  ['min_balance', 'minBalance'],
  ['funding', 'funding'],
  ['metadata', 'metadata'],
  ['state', 'state'],
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
    readable(fold, `AGENT ${uid}`, () => {
      const account = accountOf(reader, fold, uid);
      const agent = reader.agent(uid);
      if (agent !== undefined) compareAgent(reader, fold, agent);
      else if (account?.kind === 'AGENT') {
        fold.find(0, `AGENT ${uid}`, 'the agent has no row');
      }
    });
  }
  return end > after ? end : undefined;
}

/** An account whose rows cannot be read is a finding; the others are compared all the same. */
function readable(fold: Fold, account: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    fold.find(0, account, messageOf(error));
  }
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
  const living = agent.state !== 'CLOSED';
  compareId(fold, key, { uid: agent.uid, living }, reader.agentUid(agent.id));
  compareFields<Agent>(fold, key, account, agent, AGENT_CONFIGURATION);
  compareHolds(reader, fold, agent);
}

function compareHolds(reader: StoreReader, fold: Fold, agent: Agent): void {
  const key = `AGENT ${agent.uid}`;
  let held = 0n;
  let open = 0;
  for (const id of reader.openReservationIds(agent.uid)) {
    const reservation = reader.reservation(id);
    if (reservation?.state === 'OPEN') held += reservation.held;
    else fold.find(0, key, `${id} is listed as open`);
    open += 1;
  }
  if (held !== agent.reserved || open !== agent.openReservations) {
    const stored = `its row says ${formatAmount(agent.reserved)}`;
    fold.find(0, key, `its open reservations hold ${formatAmount(held)}, ${stored}`);
  }
}

/** The id of a living account names it, and the id of a closed one names an incarnation. */
function compareId(
  fold: Fold,
  key: string,
  account: { readonly uid: number; readonly living: boolean },
  named: number | undefined,
): void {
  if (named === account.uid || (!account.living && named !== undefined)) return;
  fold.find(0, key, named === undefined ? 'no id names it' : 'its id names another account');
}

/** The configuration is what its entries last made it. */
function compareFields<Row extends object>(
  fold: Fold,
  key: string,
  account: FoldedAccount | undefined,
  row: Row,
  fields: readonly (readonly [name: string, field: keyof Row])[],
): void {
  for (const [name, field] of fields) {
    const folded = account?.fields.get(name);
    if (folded === undefined || folded === showValue(row[field] as FieldValue)) continue;
    fold.find(0, key, `its ${name} is not what the ledger makes it`);
  }
}

/** As many agents are frozen as the header says. Both must be of one snapshot. */
export function compareFrozen(reader: StoreReader, fold: Fold): void {
  const { frozenAgents } = reader.header();
  // A store of an older sidecar, which nobody has started since.
  if (frozenAgents === undefined) return;
  let frozen = 0;
  for (const { kind, fields } of fold.accounts.values()) {
    if (kind === 'AGENT' && fields.get('state') === 'FROZEN') frozen += 1;
  }
  if (frozen === frozenAgents) return;
  fold.find(0, '', `the header counts ${frozenAgents} frozen agents, the ledger ${frozen}`);
}

/** What was refunded of each entry that is kept is the sum of its refunds. */
export function compareRefunds(reader: StoreReader, fold: Fold): void {
  const cut = reader.row('retention', RETENTION_KEY)?.throughSequence ?? 0;
  for (const [sequence, refunded] of fold.refunds) {
    if (sequence <= cut || reader.refunded(sequence) === refunded) continue;
    fold.find(sequence, '', 'what was refunded of it does not add up');
  }
}

/** Compares every pool's row with the fold (I4). Deleted pools have a row and no id. */
export function comparePools(reader: StoreReader, fold: Fold): void {
  for (const account of fold.accounts.values()) {
    const key = `POOL ${account.uid}`;
    if (account.kind !== 'POOL') continue;
    readable(fold, key, () => {
      const pool = reader.pool(account.uid);
      if (pool === undefined) fold.find(0, key, 'the pool has no row');
      else {
        comparePool(fold, key, account, pool);
        const living = pool.state !== 'DELETED';
        if (living) compareId(fold, key, { uid: pool.uid, living }, reader.poolUid(pool.id));
      }
    });
  }
}

function comparePool(fold: Fold, key: string, account: FoldedAccount, pool: Pool): void {
  for (const field of POOL_FIELDS) compare(fold, key, account, field, pool[field]);
  compareFields<Pool>(fold, key, account, pool, POOL_CONFIGURATION);
  if (account.lastSequence !== pool.lastSequence) {
    fold.find(0, key, 'its row names another entry as its last than the ledger has');
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
