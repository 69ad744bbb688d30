import { formatAmount, percentOf } from '../../domain/amount.js';
import type { Agent, AgentState, Pool } from '../../domain/model.js';
import type { Budget } from '../../gen/safeguards/v1/budget_pb.js';
import { AgentState as ProtoAgentState } from '../../gen/safeguards/v1/agent_pb.js';
import { timestampOf } from './time.js';

/** An agent's state on the wire. */
export const AGENT_STATES = {
  ACTIVE: ProtoAgentState.ACTIVE,
  FROZEN: ProtoAgentState.FROZEN,
  CLOSED: ProtoAgentState.CLOSED,
} as const satisfies Record<AgentState, ProtoAgentState>;

/** What an agent may spend now: allocated - spent - reserved + overdraft limit. */
export function availableOf(agent: Agent): string {
  return formatAmount(agent.allocated - agent.spent - agent.reserved + agent.overdraftLimit);
}

/**
 * Prints an agent's balance. Every mutation carries one, so it is a literal: `create` would check
 * and copy what the compiler has checked.
 */
export function encodeBudget(agent: Agent, pool: Pool): Budget {
  const remaining = agent.allocated - agent.spent - agent.reserved;
  return {
    $typeName: 'safeguards.v1.Budget',
    agentId: agent.id,
    poolId: pool.id,
    unit: pool.unit,
    initialBudget: formatAmount(agent.initialBudget),
    allocated: formatAmount(agent.allocated),
    spent: formatAmount(agent.spent),
    reserved: formatAmount(agent.reserved),
    remaining: formatAmount(remaining),
    overdraftLimit: formatAmount(agent.overdraftLimit),
    available: formatAmount(remaining + agent.overdraftLimit),
    baseline: formatAmount(agent.baseline),
    remainingPercent: percentOf(remaining, agent.baseline),
    state: AGENT_STATES[agent.state],
    revision: BigInt(agent.budgetRevision),
    updateTime: timestampOf(agent.budgetTime),
  };
}

/** Prints the balance of what an answer has of an agent. */
export function budgetOf(agent: Agent | undefined, pool: Pool | undefined): Budget | undefined {
  return agent === undefined || pool === undefined ? undefined : encodeBudget(agent, pool);
}
