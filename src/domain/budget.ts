import { maxAmount, type Amount } from './amount.js';
import type { Agent, AgentBalances, Pool, PoolBalances } from './model.js';

/** allocated - spent - reserved. Below zero only through forced or late costs, overage, overdraft. */
export function remainingOf(agent: AgentBalances): Amount {
  return agent.allocated - agent.spent - agent.reserved;
}

/** The largest amount that passes now: remaining + overdraft limit. May be below zero. */
export function availableOf(agent: Agent): Amount {
  return agent.allocated - agent.spent - agent.reserved + agent.overdraftLimit;
}

/** What an agent below zero owes its pool: max(0, spent - allocated). */
export function debtOf(agent: AgentBalances): Amount {
  return maxAmount(0n, agent.spent - agent.allocated);
}

/** Sum of allocated - spent over a pool's agents: funded - spent - unallocated. */
export function assignedOf(pool: PoolBalances): Amount {
  return pool.funded - pool.spent - pool.unallocated;
}

/** funded - spent - reserved. */
export function poolRemainingOf(pool: PoolBalances): Amount {
  return pool.funded - pool.spent - pool.reserved;
}

/** What may be allocated, moved or withdrawn: unallocated - debt - min balance. May be below zero. */
export function freeOf(pool: Pool): Amount {
  return pool.unallocated - pool.debt - pool.minBalance;
}
