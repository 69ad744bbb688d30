import { formatAmount } from '../../domain/amount.js';
import type { ConfigurationChange, Outcome } from '../../domain/answer.js';
import type { Pool as PoolRow } from '../../domain/model.js';
import type { Agent } from '../../gen/safeguards/v1/agent_pb.js';
import { ConfigurationChange_Action as Action } from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import type {
  ApplyConfigurationResponse,
  RefundSpendResponse,
  TransferBudgetResponse,
} from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import type { Budget } from '../../gen/safeguards/v1/budget_pb.js';
import type { Pool } from '../../gen/safeguards/v1/pool_pb.js';
import { encodeAgent } from './agent.js';
import { budgetOf } from './budget.js';
import { encodePool } from './pool.js';

/** What every answer to an operator's mutation begins with. */
export interface Written {
  readonly sequence: bigint;
  readonly replayed: boolean;
}

/** Prints the beginning of an answer to an operator's mutation. */
export function written(outcome: Outcome): Written {
  return { sequence: BigInt(outcome.sequence), replayed: outcome.replayed };
}

/** Prints the answer about a pool. */
export function writtenPool(outcome: Outcome): Written & { readonly pool: Pool | undefined } {
  const { sequence, replayed } = written(outcome);
  return { sequence, replayed, pool: poolOf(outcome.pool) };
}

/** Prints the answer about an agent. */
export function writtenAgent(
  outcome: Outcome,
): Written & { readonly agent: Agent | undefined; readonly budget: Budget | undefined } {
  const { sequence, replayed } = written(outcome);
  const agent =
    outcome.agent === undefined ? undefined : encodeAgent(outcome.agent, outcome.pool?.id ?? '');
  return { sequence, replayed, agent, budget: budgetOf(outcome.agent, outcome.pool) };
}

/** Prints the answer about a balance. */
export function writtenBudget(outcome: Outcome): Written & { readonly budget: Budget | undefined } {
  const { sequence, replayed } = written(outcome);
  return { sequence, replayed, budget: budgetOf(outcome.agent, outcome.pool) };
}

/** Prints both sides of a transfer. */
export function encodeTransfer(outcome: Outcome): TransferBudgetResponse {
  const { agent, pool, otherAgent, otherPool } = outcome;
  return {
    $typeName: 'safeguards.v1.TransferBudgetResponse',
    ...written(outcome),
    sourceBudget: budgetOf(agent, pool),
    sourcePool: agent === undefined ? poolOf(pool) : undefined,
    destinationBudget: budgetOf(otherAgent, otherPool),
    destinationPool: otherAgent === undefined ? poolOf(otherPool) : undefined,
  };
}

/** Prints a refund: the agent's budget, and the pool that was paid instead of it, if one was. */
export function encodeRefund(outcome: Outcome): RefundSpendResponse {
  return {
    $typeName: 'safeguards.v1.RefundSpendResponse',
    ...written(outcome),
    budget: budgetOf(outcome.agent, outcome.pool),
    refundedAmount: formatAmount(outcome.amount),
    refundableAmount: formatAmount(outcome.secondAmount),
    refundedPoolId: outcome.otherPool?.id ?? '',
  };
}

const ACTIONS = {
  CREATE: Action.CREATE,
  UPDATE: Action.UPDATE,
  DELETE: Action.DELETE,
  MOVE: Action.MOVE,
} as const satisfies Record<ConfigurationChange['action'], Action>;

/** Prints what a document changed. */
export function encodeApplied(outcome: Outcome): ApplyConfigurationResponse {
  return {
    $typeName: 'safeguards.v1.ApplyConfigurationResponse',
    ...written(outcome),
    changes: outcome.changes.map(({ action, objectKind, objectId, fields }) => ({
      $typeName: 'safeguards.v1.ConfigurationChange',
      action: ACTIONS[action],
      objectKind,
      objectId,
      fields: [...fields],
    })),
  };
}

function poolOf(pool: PoolRow | undefined): Pool | undefined {
  return pool === undefined ? undefined : encodePool(pool);
}
