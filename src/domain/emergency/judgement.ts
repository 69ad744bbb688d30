import { floorToScale, formatAmount, maxAmount, stepOf, type Amount } from '../amount.js';
import { debtOf } from '../budget.js';
import { countedAt, retryTime } from '../counter.js';
import type { Agent, Instant, Pool } from '../model.js';
import { WHOLE_SHARE, type EmergencyPolicy } from './policy.js';
import { saysCritical } from './reason.js';
import { DAY_WINDOW, type EmergencyGrants, type EmergencyRule } from './request.js';

/** What an emergency is judged by. */
export interface EmergencyCase {
  readonly agent: Agent;
  /** The agent's. */
  readonly pool: Pool;
  /** The one in force; undefined: none. */
  readonly policy: EmergencyPolicy | undefined;
  readonly grants: EmergencyGrants;
  readonly now: Instant;
}

/** How much a request comes to, by which rule, and what to tell about it. 0 is a denial. */
export interface Judgement {
  readonly amount: Amount;
  readonly rule: EmergencyRule;
  /** The rule with its numbers, to be put behind what it comes to. */
  readonly because: string;
  /** When waiting helps; 0 otherwise. */
  readonly retryTime: Instant;
}

/** The denial of a case in which nothing is granted, whatever is asked; undefined: it is to be judged. */
export function closedCase({ agent, pool, policy }: EmergencyCase): Judgement | undefined {
  if (agent.state === 'FROZEN') {
    return denied('AGENT_FROZEN', `agent ${agent.id} is frozen by an operator`);
  }
  if (pool.state === 'FROZEN') {
    return denied('POOL_FROZEN', `pool ${pool.id} is frozen by an operator`);
  }
  if (policy === undefined) {
    return denied(
      'OFF',
      `emergencies are off until an operator sets a policy for pool ${pool.id} or the server`,
    );
  }
  if (policy.enabled) return undefined;
  const whose = policy.scope.kind === 'POOL' ? `of pool ${pool.id}` : 'of the server';
  return denied('OFF', `emergencies are switched off by the policy ${whose}`);
}

/**
 * What priority or reason justify. Guide: handle_emergency_allocation: a high priority all of it, a
 * critical reason a share, rounded down to the pool's scale.
 */
export function justified(
  { agent, pool }: EmergencyCase,
  policy: EmergencyPolicy,
  asked: Amount,
  reason: string,
): Judgement {
  const { priority } = agent;
  const { priorityThreshold: threshold, criticalShare: share } = policy;
  if (priority >= threshold) {
    const because = `priority ${priority} is at least ${threshold}`;
    return { amount: asked, rule: 'PRIORITY', because, retryTime: 0 };
  }
  if (!saysCritical(reason)) {
    return denied(
      'NOT_JUSTIFIED',
      `priority ${priority} is below ${threshold} and the reason does not say that it is critical`,
    );
  }
  return {
    amount: floorToScale((asked * share) / WHOLE_SHARE, pool.scale),
    rule: 'CRITICAL_REASON',
    because:
      `priority ${priority} is below ${threshold} and the reason says that it is critical, ` +
      `which comes to the share ${formatAmount(share)}`,
    retryTime: 0,
  };
}

/** The denial of an agent that got something less than the cooldown ago, or undefined. */
export function cooling(
  { agent, grants, now }: EmergencyCase,
  policy: EmergencyPolicy,
): Judgement | undefined {
  const end = grants.lastTime + policy.cooldownMs;
  if (grants.lastTime === 0 || now >= end) return undefined;
  const last = new Date(grants.lastTime).toISOString();
  const seconds = policy.cooldownMs / 1000;
  const because = `agent ${agent.id} got money at ${last} and the cooldown is ${seconds} s`;
  return { ...denied('COOLDOWN', because), retryTime: end };
}

/** What the policy's caps leave of a judgement: the tighter one cuts it. */
export function capped(
  { agent, pool, grants, now }: EmergencyCase,
  policy: EmergencyPolicy,
  judgement: Judgement,
): Judgement {
  const { perRequestMax } = policy;
  let left = judgement;
  if (perRequestMax !== undefined && left.amount > perRequestMax) {
    left = {
      amount: floorToScale(perRequestMax, pool.scale),
      rule: 'PER_REQUEST_MAX',
      because: `one request gets at most ${money(perRequestMax, pool)}`,
      retryTime: 0,
    };
  }
  const cap = policy.perDayMax ?? agent.initialBudget;
  const counted = countedAt(DAY_WINDOW, grants.day, now);
  const room = floorToScale(cap > counted ? cap - counted : 0n, pool.scale);
  if (left.amount <= room) return left;
  const whose = policy.perDayMax === undefined ? ', its initial budget,' : '';
  // Anything that leaves the window makes room, unless the cap was lowered below what is in it.
  const step = stepOf(pool.scale);
  const retry =
    cap < step ? undefined : retryTime(DAY_WINDOW, grants.day, now, counted - cap + step);
  return {
    amount: room,
    rule: 'PER_DAY_MAX',
    because:
      `agent ${agent.id} gets at most ${money(cap, pool)}${whose} in 24 hours ` +
      `and has got ${formatAmount(counted)}`,
    retryTime: room === 0n ? (retry ?? 0) : 0,
  };
}

/**
 * What the pool can pay of a judgement: its unallocated money less what other agents owe, what it keeps
 * for emergencies included. The agent's own debt is kept back for the agent. An ON_DEMAND pool pays all
 * when the policy lets it mint.
 */
export function payable(
  { agent, pool }: EmergencyCase,
  policy: EmergencyPolicy,
  judgement: Judgement,
): Judgement {
  if (policy.mint && pool.funding === 'ON_DEMAND') return judgement;
  const has = payableOf(agent, pool);
  if (judgement.amount <= has) return judgement;
  return {
    amount: floorToScale(has, pool.scale),
    rule: 'POOL_MONEY',
    because: `pool ${pool.id} has ${money(has, pool)} that it has not allocated and is not owed`,
    retryTime: 0,
  };
}

/** What a pool can pay to an agent without minting, at least 0. */
export function payableOf(agent: Agent, pool: Pool): Amount {
  return maxAmount(0n, pool.unallocated - (pool.debt - debtOf(agent)));
}

/** A judgement in one sentence. */
export function explained(pool: Pool, asked: Amount, { amount, because }: Judgement): string {
  const what =
    amount === 0n
      ? `Denied ${money(asked, pool)}`
      : amount === asked
        ? `Approved ${money(asked, pool)} in full`
        : `Approved ${formatAmount(amount)} of ${money(asked, pool)}`;
  return `${what}: ${because}.`;
}

/** An amount with the pool's unit. */
export function money(amount: Amount, pool: Pool): string {
  return `${formatAmount(amount)} ${pool.unit}`;
}

/** A judgement that grants nothing. */
export function denied(rule: EmergencyRule, because: string): Judgement {
  return { amount: 0n, rule, because, retryTime: 0 };
}
