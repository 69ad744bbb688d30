import type { Amount } from '../amount.js';
import { countIn } from '../counter.js';
import { closeEntry, draftRow, moveMoney, movePool, putRow, removeRow, touch } from '../draft.js';
import type { Draft } from '../draft.js';
import type { FieldChange } from '../entry.js';
import { payableOf, type EmergencyCase } from '../emergency/judgement.js';
import {
  DAY_WINDOW,
  DENIED_KEPT_MAX,
  noGrants,
  requestAsOf,
  SETTLED_KEPT_MAX,
  type EmergencyGrants,
  type EmergencyRequest,
} from '../emergency/request.js';
import type { Instant, Metadata, Uid } from '../model.js';
import type { State } from '../state.js';
import { sequenceKey } from '../violation.js';
import { raiseAgentBaseline } from './funds.js';

/** What is remembered of an agent's emergencies. */
export function grantsOf(state: State, agentUid: Uid): EmergencyGrants {
  return state.row('emergency_grants', sequenceKey(agentUid)) ?? noGrants(agentUid);
}

/** The number of the next request. The newest one is never taken away, so none is given twice. */
export function nextNumber(state: State): number {
  for (const [, request] of state.rows('emergency_requests', { reverse: true })) {
    return request.number + 1;
  }
  return 1;
}

/** A request by its id, as it is at the draft's time; undefined: unknown or not kept any more. */
export function requestById(state: State, id: string, now: Instant): EmergencyRequest | undefined {
  const number = state.row('emergency_request_ids', id)?.number;
  const row = number && state.row('emergency_requests', sequenceKey(number));
  return row === undefined || row === 0 ? undefined : requestAsOf(row, now);
}

/**
 * Writes a request as it was judged, new or not, and what is remembered of its agent: at most so many
 * denied and settled ones are kept, and those that expired since are settled.
 */
export function keepRequest(
  draft: Draft,
  request: EmergencyRequest,
  before: EmergencyGrants,
): void {
  const { number } = request;
  const waits = request.state === 'PENDING_APPROVAL';
  putRow(draft, 'emergency_requests', sequenceKey(number), request);
  putRow(draft, 'emergency_request_ids', request.id, { number });
  if (waits) putRow(draft, 'emergency_pending', sequenceKey(number), { number });
  else removeRow(draft, 'emergency_pending', sequenceKey(number));

  const others = before.pending.filter((each) => each !== number);
  const expired = others.filter((each) => settleExpired(draft, each));
  const settled = [...before.settled, ...expired];
  const denied = [...before.denied];
  if (request.state === 'DENIED') denied.push(number);
  else if (!waits) settled.push(number);
  const waiting = others.filter((each) => !expired.includes(each));
  if (waits) waiting.push(number);
  putRow(draft, 'emergency_grants', sequenceKey(before.agentUid), {
    ...before,
    pending: waiting,
    denied: newest(draft, denied, DENIED_KEPT_MAX),
    settled: newest(draft, settled, SETTLED_KEPT_MAX),
  });
}

/** Settles a request that waited too long. Returns whether it did. */
function settleExpired(draft: Draft, number: number): boolean {
  const key = sequenceKey(number);
  const row = draftRow(draft, 'emergency_requests', key);
  if (row === undefined) return false;
  const request = requestAsOf(row, draft.now);
  if (request.state !== 'EXPIRED') return false;
  putRow(draft, 'emergency_requests', key, request);
  removeRow(draft, 'emergency_pending', key);
  return true;
}

/** The newest of some requests; the rows of the others are taken away. */
function newest(draft: Draft, numbers: readonly number[], kept: number): readonly number[] {
  const sorted = numbers.toSorted((a, b) => a - b);
  const surplus = Math.max(0, sorted.length - kept);
  for (const number of sorted.slice(0, surplus)) {
    const key = sequenceKey(number);
    const row = draftRow(draft, 'emergency_requests', key);
    if (row !== undefined) removeRow(draft, 'emergency_request_ids', row.id);
    removeRow(draft, 'emergency_requests', key);
  }
  return sorted.slice(surplus);
}

/** What an agent got, counted in its day and for its cooldown. */
export function countGrant(grants: EmergencyGrants, amount: Amount, now: Instant): EmergencyGrants {
  return { ...grants, day: countIn(DAY_WINDOW, grants.day, now, now, amount), lastTime: now };
}

/**
 * Pays emergency money: one entry, which names the request. What the pool cannot pay it makes, as the
 * judgement before has allowed. Adds, never sets; the baseline only rises.
 */
export function payEmergency(
  draft: Draft,
  { agent, pool }: Pick<EmergencyCase, 'agent' | 'pool'>,
  amount: Amount,
  metadata: Metadata,
): void {
  touch(draft, 'AGENT', agent.uid, agent.lastSequence);
  const missing = amount - payableOf(agent, pool);
  if (missing > 0n) movePool(draft, pool.uid, { funded: missing, unallocated: missing });
  moveMoney(draft, agent.uid, { allocated: amount });
  raiseAgentBaseline(draft, agent.uid);
  closeEntry(draft, 'EMERGENCY', { amount, metadata });
}

/** The change of a request's state, as the ledger shows it. */
export function stateChange(id: string, before: string, after: string): readonly FieldChange[] {
  return [{ field: `emergency_request/${id}.state`, before, after }];
}
