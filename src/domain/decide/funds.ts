import { formatAmount, maxAmount, type Amount } from '../amount.js';
import { reject, type Rejection } from '../answer.js';
import { debtOf, freeOf, remainingOf } from '../budget.js';
import {
  draftAgent,
  draftPool,
  moveMoney,
  movePool,
  setAgentBaseline,
  setPoolBaseline,
  touch,
  type Draft,
} from '../draft.js';
import type { Agent, Pool, Uid } from '../model.js';
import { poolBreach } from './alarms.js';

/**
 * Lets a pool give `needed` of its free money. A FIXED pool that lacks it refuses with
 * INSUFFICIENT_POOL_BUDGET; an ON_DEMAND pool mints what is missing, by postings of the same entry.
 */
export function takeFree(draft: Draft, pool: Pool, needed: Amount): Rejection | undefined {
  const free = freeOf(pool);
  if (needed <= 0n || needed <= free) return undefined;
  const covered = maxAmount(0n, free);
  if (pool.funding === 'ON_DEMAND') {
    movePool(draft, pool.uid, { funded: needed - covered, unallocated: needed - covered });
    return undefined;
  }
  const refusal = reject(
    'INSUFFICIENT_POOL_BUDGET',
    'The free money of the pool does not cover it. Fund the pool or take less',
    {
      pool_id: pool.id,
      free: formatAmount(free),
      needed: formatAmount(needed),
      shortfall: formatAmount(needed - covered),
    },
  );
  // Only what is kept for emergencies would cover it.
  const breach = needed <= free + pool.minBalance;
  return breach ? { ...refusal, alarm: poolBreach(pool, needed, free) } : refusal;
}

/**
 * Adds to what an agent was allocated. Money that only pays the agent's debt needs no free money: the
 * debt is kept back already. Raises the baseline to what the agent now has, never lowers it.
 */
export function growAgent(draft: Draft, uid: Uid, delta: Amount): Rejection | undefined {
  const agent = draftAgent(draft, uid);
  const after = { ...agent, allocated: agent.allocated + delta };
  const needed = delta - (debtOf(agent) - debtOf(after));
  // The entry is about the agent: it stands before the pool, also when that mints.
  touch(draft, 'AGENT', uid, agent.lastSequence);
  const refusal = takeFree(draft, draftPool(draft, agent.poolUid), needed);
  if (refusal !== undefined) return refusal;
  moveMoney(draft, uid, { allocated: delta });
  raiseAgentBaseline(draft, uid);
  return undefined;
}

/** Takes from what remains of an agent, at most all of it: INSUFFICIENT_AGENT_BUDGET. */
export function shrinkAgent(draft: Draft, uid: Uid, amount: Amount): Rejection | undefined {
  const agent = draftAgent(draft, uid);
  const remaining = remainingOf(agent);
  if (amount > remaining) {
    return reject(
      'INSUFFICIENT_AGENT_BUDGET',
      'The remaining money of the agent does not cover it. Take less',
      {
        agent_id: agent.id,
        remaining: formatAmount(remaining),
        needed: formatAmount(amount),
        shortfall: formatAmount(amount - maxAmount(0n, remaining)),
      },
    );
  }
  moveMoney(draft, uid, { allocated: -amount });
  return undefined;
}

/** Baseline = max(baseline, remaining + reserved): ledger.md, "Baseline". */
export function raiseAgentBaseline(draft: Draft, uid: Uid): void {
  const agent = draftAgent(draft, uid);
  setAgentBaseline(draft, uid, agent.base, maxAmount(agent.baseline, holdings(agent)));
}

/** Baseline = max(base, remaining + reserved); with `reset` the base follows first. */
export function setBaselineOf(draft: Draft, uid: Uid, reset: boolean): void {
  const agent = draftAgent(draft, uid);
  const base = reset ? maxAmount(0n, holdings(agent)) : agent.base;
  setAgentBaseline(draft, uid, base, maxAmount(base, holdings(agent)));
}

/** As setBaselineOf, for a pool after funding. */
export function setPoolBaselineOf(draft: Draft, uid: Uid): void {
  const pool = draftPool(draft, uid);
  setPoolBaseline(draft, uid, pool.base, maxAmount(pool.base, pool.funded - pool.spent));
}

/** Baseline = max(baseline, remaining + reserved), for a pool that received money. */
export function raisePoolBaseline(draft: Draft, uid: Uid): void {
  const pool = draftPool(draft, uid);
  setPoolBaseline(draft, uid, pool.base, maxAmount(pool.baseline, pool.funded - pool.spent));
}

/** remaining + reserved: what the agent has, held money included. */
function holdings(agent: Agent): Amount {
  return agent.allocated - agent.spent;
}
