import { maxAmount, minAmount, type Amount } from '../amount.js';
import { draftAgent, draftPool, type Draft } from '../draft.js';
import type { SpendingLimit, Use } from '../limit.js';
import { usedOf } from '../limit.js';
import type { Agent, Pool, Quantities, Reservation } from '../model.js';
import { addTo, countUse } from './limit-checks.js';
import { DraftCounts } from './limit-counts.js';

/** What a commit posted. */
interface Posted {
  readonly amount: Amount;
  readonly quantities: Quantities;
  readonly final: boolean;
}

/**
 * Counts a commit against limits. What the hold covered was counted when it was made, and what of it is
 * not needed is taken back there; overage, and all of a late commit, counts now. `held` is the
 * reservation before the commit.
 */
export function countCommit(draft: Draft, held: Reservation, pool: Pool, posted: Posted): void {
  const agent = draftAgent(draft, held.agentUid);
  if (draft.state.rules.limits.size === 0 || agent.state === 'CLOSED') return;
  const open = held.state === 'OPEN';
  const names = new Set([...held.quantities, ...posted.quantities].map(({ name }) => name));
  const over: { name: string; amount: Amount }[] = [];
  const rest: { name: string; amount: Amount }[] = [];
  for (const name of names) {
    const was = open ? amountOf(held.quantities, name) : 0n;
    const is = amountOf(posted.quantities, name);
    over.push({ name, amount: maxAmount(0n, is - was) });
    rest.push({ name, amount: posted.final ? minAmount(0n, is - was) : 0n });
  }
  const covered = open ? held.held : 0n;
  const returned = posted.final ? minAmount(0n, posted.amount - covered) : 0n;
  countUse(
    draft,
    agent,
    pool,
    { amount: returned, requests: 0, quantities: rest },
    held.createTime,
  );
  const overage = maxAmount(0n, posted.amount - covered);
  countUse(draft, agent, pool, { amount: overage, requests: 0, quantities: over }, draft.now);
}

/** Takes back what an open hold was counted with, when it is released or expires. */
export function countReturn(draft: Draft, hold: Reservation, pool: Pool): void {
  const agent = draftAgent(draft, hold.agentUid);
  if (draft.state.rules.limits.size === 0 || agent.state === 'CLOSED') return;
  countUse(draft, agent, pool, negated(hold), hold.createTime);
}

/**
 * Moves the counts of an agent's open holds from the limits of its old pool to those of its new one, in
 * the windows that the holds were made in.
 */
export function moveHoldCounts(
  draft: Draft,
  agent: Agent,
  holds: readonly Reservation[],
  target: Pool,
): void {
  const { limits } = draft.state.rules;
  const source = draftPool(draft, agent.poolUid);
  const counts = new DraftCounts(draft);
  const count = (limit: SpendingLimit, pool: Pool, hold: Reservation, use: Use): void => {
    const used = usedOf(limit.metric, use);
    if (used !== 0n && hold.createTime >= limit.countFrom) {
      addTo(draft, counts, limit, agent, pool, hold.createTime, used);
    }
  };
  for (const kind of ['POOL', 'EACH_AGENT_OF_POOL'] as const) {
    for (const hold of holds) {
      for (const limit of limits.of(kind, agent.poolUid)) count(limit, source, hold, negated(hold));
      for (const limit of limits.of(kind, target.uid)) count(limit, target, hold, heldUse(hold));
    }
  }
}

function heldUse(hold: Reservation): Use {
  return { amount: hold.held, requests: 0, quantities: hold.quantities };
}

function negated(hold: Reservation): Use {
  const quantities = hold.quantities.map(({ name, amount }) => ({ name, amount: -amount }));
  return { amount: -hold.held, requests: 0, quantities };
}

function amountOf(quantities: Quantities, name: string): Amount {
  return quantities.find((quantity) => quantity.name === name)?.amount ?? 0n;
}
