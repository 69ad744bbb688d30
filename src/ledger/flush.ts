import type { Entry } from '../domain/entry.js';
import type { Agent, Instant, Reservation, Uid } from '../domain/model.js';
import { changesIn, namesOf, type RowChanges } from '../domain/collection.js';
import { rememberRows, settleRows, type Rows } from './rows.js';
import { addToRow, hourOf, minuteOf, STORE_UID } from '../domain/usage.js';
import { endHour, type UsageRows } from './end-hour.js';
import { NO_USAGE } from './usage-totals.js';
import type { Header, StoreReader, StoreWriter } from './store.js';
import type { StampedEntry, Workspace } from './workspace.js';

/** Who wrote an entry that no request asked for. */
const SIDECAR = 'sidecar';

/** What a flush needs beside the workspace. */
export interface FlushContext {
  readonly rows: Rows;
  /** Reads what no cache knows: see settledReader. */
  readonly settled: StoreReader;
  readonly now: Instant;
  readonly lateWindowMs: number;
}

/**
 * Puts a group's workspace: every entry, and every row that changed once. Returns the new header, or
 * the old one when nothing changed. The caches are left as they are, since a throw must undo all:
 * `remember` puts the rows there once everything is put, `settle` once it is durable.
 */
export function flush(
  writer: StoreWriter,
  workspace: Workspace,
  header: Header,
  context: FlushContext,
): Flushed {
  if (!workspace.changed) return { header, movedFrom: new Map() };
  const { rows, now } = context;
  let hash = header.headHash;
  for (const stamped of workspace.entries) hash = writer.appendEntry(entryOf(stamped, hash, now));

  // Until they are remembered, the caches or else the store have the agents as they were before.
  const before = (uid: Uid): Agent | undefined => rows.agents.newest(uid) ?? writer.agent(uid);
  const usageRows: UsageRows = { writer, settled: context.settled };
  const movedFrom = new Map<Uid, Uid>();
  let frozenAgents = header.frozenAgents ?? 0;
  for (const agent of workspace.agents.values()) {
    const earlier = before(agent.uid);
    const from = earlier?.poolUid;
    if (earlier?.state === 'FROZEN') frozenAgents -= 1;
    if (agent.state === 'FROZEN') frozenAgents += 1;
    if (from !== agent.poolUid) writer.putAgentPool(agent, from);
    if (from !== undefined && from !== agent.poolUid) movedFrom.set(agent.uid, from);
    if (earlier !== undefined) endHour(usageRows, earlier, agent.usageHour);
    writer.putAgent(agent);
  }
  for (const [id, uid] of workspace.newAgentUids()) writer.putAgentId(id, uid);
  for (const pool of workspace.pools.values()) {
    const earlier = rows.pools.newest(pool.uid) ?? writer.pool(pool.uid);
    if (earlier !== undefined) endHour(usageRows, earlier, pool.usageHour);
  }
  writePools(writer, workspace);
  for (const reservation of workspace.reservations.values()) {
    const before = rows.reservations.newest(reservation.id) ?? writer.reservation(reservation.id);
    writer.putReservation(reservation, before, reservation.endTime + context.lateWindowMs);
  }
  for (const [sequence, refunded] of workspace.refunds) writer.putRefunded(sequence, refunded);
  for (const { scope, record } of workspace.answers.all()) writer.putIdempotency(scope, record);
  writeRows(writer, workspace.rowChanges);

  const next = {
    ...header,
    headSequence: workspace.headSequence,
    headHash: hash,
    time: now,
    nextUid: workspace.nextUid,
    violationSequence: workspace.violationSequence,
    frozenAgents,
    ...storeUsage(usageRows, workspace, header, now),
  };
  return { header: next, movedFrom };
}

/** What a flush wrote, beside the rows of the workspace. */
export interface Flushed {
  readonly header: Header;
  /** The pools that agents left, by agent. */
  readonly movedFrom: ReadonlyMap<Uid, Uid>;
}

/** Makes a flushed group's rows the newest ones. */
export function remember(workspace: Workspace, rows: Rows): void {
  for (const agent of workspace.agents.values()) rows.agents.write(agent.uid, agent);
  for (const [id, uid] of workspace.newAgentUids()) rows.agentUids.write(id, uid);
  for (const pool of workspace.pools.values()) rows.pools.write(pool.uid, pool);
  for (const [id, uid] of workspace.newPoolUids()) rows.poolUids.write(id, uid);
  for (const row of workspace.reservations.values()) rows.reservations.write(row.id, row);
  rememberRows(rows, workspace.rowChanges);
  rows.rules = workspace.rules;
}

/** Makes a flushed group's rows the durable ones. */
export function settle(workspace: Workspace, rows: Rows): void {
  for (const agent of workspace.agents.values()) rows.agents.settle(agent.uid, agent);
  for (const [id, uid] of workspace.newAgentUids()) rows.agentUids.settle(id, uid);
  for (const pool of workspace.pools.values()) rows.pools.settle(pool.uid, pool);
  for (const [id, uid] of workspace.newPoolUids()) rows.poolUids.settle(id, uid);
  for (const row of workspace.reservations.values()) rows.reservations.settle(row.id, row);
  settleRows(rows, workspace.rowChanges);
  rows.durableRules = workspace.rules;
}

function entryOf({ draft, stamp }: StampedEntry, previousHash: Uint8Array, time: Instant): Entry {
  const own = draft.kind !== 'EXPIRE';
  return {
    sequence: draft.sequence,
    time,
    kind: draft.kind,
    previousHash,
    accounts: draft.accounts,
    amount: draft.amount,
    changes: draft.changes,
    requestId: own ? stamp.requestId : '',
    method: own ? stamp.method : undefined,
    principal: own ? stamp.principal : SIDECAR,
    reason: own ? stamp.reason : '',
    reservationId: draft.reservationId,
    refundedSequence: draft.refundedSequence,
    category: draft.category,
    quantities: draft.quantities,
    runId: draft.runId,
    traceId: own ? stamp.traceId : '',
    metadata: draft.metadata,
  };
}

/** The usage of the whole store with a group's: counts only, since amounts of different units do not add. */
function storeUsage(
  usageRows: UsageRows,
  workspace: Workspace,
  { usageHour, usage }: Header,
  now: Instant,
): Pick<Header, 'usageHour' | 'usage'> {
  let used = false;
  let entries = 0;
  let requests = 0;
  for (const { draft } of workspace.entries) {
    if (draft.usage === undefined) continue;
    used = true;
    entries += draft.usage.entries;
    requests += draft.usage.requests;
  }
  if (!used) return { usageHour, usage };
  const hour = hourOf(now);
  const minute = { ...NO_USAGE, index: minuteOf(now), entries, requests };
  endHour(usageRows, { uid: STORE_UID, usageHour, usage }, hour);
  return {
    usageHour: hour,
    usage: hour === usageHour ? addToRow(usage, minute) : [minute],
  };
}

function writeRows(writer: StoreWriter, changes: RowChanges): void {
  for (const collection of namesOf(changes)) {
    for (const [key, row] of changesIn(changes, collection)) writer.putRow(collection, key, row);
  }
}

function writePools(writer: StoreWriter, workspace: Workspace): void {
  for (const pool of workspace.pools.values()) writer.putPool(pool);
  for (const [id, uid] of workspace.newPoolUids()) writer.putPoolId(id, uid);
  for (const pool of workspace.pools.values()) {
    if (pool.state === 'DELETED' && workspace.poolById(pool.id) === undefined) {
      writer.putPoolId(pool.id, undefined);
    }
  }
}

/** When the next of some open reservations expires, or undefined. */
export function nextExpiryOf(reservations: Iterable<Reservation>): Instant | undefined {
  let next: Instant | undefined;
  for (const { state, expireTime } of reservations) {
    if (state === 'OPEN' && (next === undefined || expireTime < next)) next = expireTime;
  }
  return next;
}
