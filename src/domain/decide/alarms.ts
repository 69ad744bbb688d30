import { formatAmount, type Amount } from '../amount.js';
import { availableOf } from '../budget.js';
import type { Draft } from '../draft.js';
import type { Agent, Pool } from '../model.js';
import { raise } from '../raise.js';
import type { Alarm } from '../violation.js';

/** The violation of asking for more than an agent has: OVERSPEND, only attempted. */
export function attemptedOverspend(agent: Agent, pool: Pool, amount: Amount): Alarm {
  const available = availableOf(agent);
  return {
    rule: { kind: 'BUDGET', id: agent.id },
    type: 'OVERSPEND',
    severity: 'MEDIUM',
    message: `Agent ${agent.id} asked for more than it has`,
    details: [
      ['amount', formatAmount(amount)],
      ['attempted', 'true'],
      ['available', formatAmount(available)],
      ['overage', formatAmount(amount - available)],
    ],
    ...concerned(agent, pool),
  };
}

/**
 * Raises OVERSPEND when a forced, late or over-committed cost was not covered. `after` is the agent
 * after it. A rule of its own, so that denials of the same agent do not hide it.
 */
export function raiseOverspend(draft: Draft, after: Agent, pool: Pool, amount: Amount): void {
  const available = availableOf(after);
  if (available >= 0n) return;
  const alarm: Alarm = {
    rule: { kind: 'OVERSPEND', id: after.id },
    type: 'OVERSPEND',
    severity: 'HIGH',
    message: `Agent ${after.id} spent more than it had`,
    details: [
      ['amount', formatAmount(amount)],
      ['attempted', 'false'],
      ['available', formatAmount(available)],
      ['overage', formatAmount(-available)],
    ],
    ...concerned(after, pool),
  };
  raise(draft, alarm, { entrySequence: draft.entries.at(-1)?.sequence ?? 0 });
}

/** Raises what monitors report of a request that was carried out. */
export function raiseReports(draft: Draft, reports: readonly Alarm[]): void {
  const entrySequence = draft.state.headSequence + draft.entries.length;
  for (const alarm of reports) raise(draft, alarm, { entrySequence });
}

/** The violation of growing an agent or taking from a pool past what is kept for emergencies. */
export function poolBreach(pool: Pool, needed: Amount, free: Amount): Alarm {
  return {
    rule: { kind: 'POOL', id: pool.id },
    type: 'POOL_BREACH',
    severity: 'CRITICAL',
    message: `Pool ${pool.id} was asked for what it keeps for emergencies`,
    details: [
      ['free', formatAmount(free)],
      ['min_balance', formatAmount(pool.minBalance)],
      ['needed', formatAmount(needed)],
    ],
    agentUid: 0,
    agentId: '',
    poolUid: pool.uid,
    poolId: pool.id,
  };
}

/**
 * The violation of a principal that asked for what it may not: UNAUTHORIZED. An empty principal is
 * whoever showed no credentials or wrong ones; all of those are one episode.
 */
export function accessDenied(
  principal: string,
  method: string,
  agentId: string,
  subject: { readonly agent: Agent; readonly pool: Pool } | undefined,
): Alarm {
  return {
    rule: { kind: 'ACCESS', id: principal },
    type: 'UNAUTHORIZED',
    severity: 'HIGH',
    message:
      principal === ''
        ? 'A call without valid credentials was denied access'
        : `Principal ${principal} was denied access`,
    details: [
      ...(agentId === '' ? [] : [['agent_id', agentId] as const]),
      ['method', method],
      ...(principal === '' ? [] : [['principal', principal] as const]),
    ],
    ...(subject === undefined
      ? { agentUid: 0, agentId: '', poolUid: 0, poolId: '' }
      : concerned(subject.agent, subject.pool)),
  };
}

/** The agent and pool that a violation concerns. */
export function concerned(
  agent: Agent,
  pool: Pool,
): Pick<Alarm, 'agentUid' | 'agentId' | 'poolUid' | 'poolId'> {
  return { agentUid: agent.uid, agentId: agent.id, poolUid: pool.uid, poolId: pool.id };
}
