import { BudgetAdminService } from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService, type SpendResponse } from '../../gen/safeguards/v1/budget_service_pb.js';
import { MetricsService } from '../../gen/safeguards/v1/metrics_service_pb.js';
import { ViolationService } from '../../gen/safeguards/v1/violation_service_pb.js';
import { CallError } from '../call-error.js';
import type { SidecarClient } from '../client.js';

/** The methods that operators call. */
export const admin = BudgetAdminService.method;

/** The methods that agents call. */
export const agent = BudgetService.method;

/** The methods that read. */
export const metrics = MetricsService.method;

/** The methods of violations. */
export const violation = ViolationService.method;

/** An agent to be made: its id, its budget and its priority. */
export type NewAgent = readonly [agentId: string, initialBudget: string, priority: number];

/** Makes a pool with an amount in it, by default with the six decimals that the guide shows. */
export async function makePool(
  operators: SidecarClient,
  poolId: string,
  initialBudget: string,
  priority = 5,
): Promise<void> {
  await operators.call(admin.createPool, {
    poolId,
    name: poolId,
    initialBudget,
    priority,
    scale: 6,
  });
}

/** Makes the agents of a pool. */
export async function makeAgents(
  operators: SidecarClient,
  poolId: string,
  agents: readonly NewAgent[],
): Promise<void> {
  for (const [agentId, initialBudget, priority] of agents) {
    const named = { agentId, name: agentId, poolId };
    await operators.call(admin.createAgent, { ...named, initialBudget, priority });
  }
}

/** Spends an amount. The request_id, unless given, is made of the agent and the amount. */
export function spend(
  agents: SidecarClient,
  agentId: string,
  amount: string,
  requestId = `${agentId}-${amount}`,
): Promise<SpendResponse> {
  return agents.call(agent.spend, { requestId, agentId, amount });
}

/** What remains of an agent's budget. */
export async function remainingOf(agents: SidecarClient, agentId: string): Promise<string> {
  const { budget } = await agents.call(agent.getBudget, { agentId });
  return budget?.remaining ?? 'missing';
}

/** The reason of the error that a call must end with. */
export async function reasonOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'no error';
  } catch (error) {
    if (error instanceof CallError) return error.reason;
    throw error;
  }
}
