import type { AllocationCommand } from '../allocation/command.js';
import type { Amount } from '../amount.js';
import type { Rejection } from '../answer.js';
import type { FundPoolCommand, SetBudgetCommand } from '../command.js';
import type { Pool } from '../model.js';
import type { ScheduleAction } from '../schedule.js';
import type { Scope } from '../scope.js';
import type { State } from '../state.js';
import { findSubjects } from './allocate-agents.js';
import { agentClosed, agentNotFound, checkScale, poolNotFound, poolOf } from './checks.js';

/** A command that a schedule gives by itself. */
export type ScheduledCommand = SetBudgetCommand | FundPoolCommand | AllocationCommand;

/**
 * Finds the agent or pool that an action is for, and judges what can be judged before it runs: that it is
 * there, and that the amounts fit its scale. Fields are named as in a request.
 */
export function subjectOf(state: State, action: ScheduleAction): Scope | Rejection {
  switch (action.kind) {
    case 'SET_BUDGET': {
      if (action.agentId === '') {
        return onPool(
          state,
          action.poolId,
          'EACH_AGENT_OF_POOL',
          'set_budget.amount',
          action.amount,
        );
      }
      const agent = state.agentById(action.agentId);
      if (agent === undefined) return agentNotFound(action.agentId);
      if (agent.state === 'CLOSED') return agentClosed(agent);
      const misfit = checkScale(poolOf(state, agent), 'set_budget.amount', action.amount);
      return misfit ?? { kind: 'AGENT', uid: agent.uid };
    }
    case 'FUND_POOL':
      return onPool(state, action.poolId, 'POOL', 'fund_pool.delta', action.delta);
    case 'REBALANCE_POOL':
      return ofStrategy(state, action, 'rebalance_pool', [
        ['total', action.total ?? 0n],
        ['min_per_agent', action.minPerAgent],
      ]);
    case 'ALLOCATE_DYNAMIC':
      return ofStrategy(state, action, 'allocate_dynamic', [
        ['base_budget', action.baseBudget],
        ['max_budget', action.maxBudget ?? 0n],
      ]);
    case 'REVIEW_BUDGETS':
      return { kind: 'EVERY_AGENT', uid: 0 };
  }
}

/** The command of a strategy that a schedule runs. */
export function strategyCommand(
  action: Extract<ScheduleAction, { readonly kind: 'REBALANCE_POOL' | 'ALLOCATE_DYNAMIC' }>,
  reason: string,
): AllocationCommand {
  const call = { requestId: '', reason, validateOnly: false, expectedRevision: undefined };
  if (action.kind === 'REBALANCE_POOL') {
    const { kind: method, ...terms } = action;
    return { method, ...terms, ...call };
  }
  const { kind: method, ...terms } = action;
  return { method, ...terms, ...call };
}

function onPool(
  state: State,
  poolId: string,
  kind: Scope['kind'],
  field: string,
  amount: Amount,
): Scope | Rejection {
  const pool: Pool | undefined = state.poolById(poolId);
  if (pool === undefined) return poolNotFound(poolId);
  return checkScale(pool, field, amount) ?? { kind, uid: pool.uid };
}

function ofStrategy(
  state: State,
  action: Parameters<typeof strategyCommand>[0],
  field: string,
  amounts: readonly (readonly [field: string, amount: Amount])[],
): Scope | Rejection {
  const found = findSubjects(state, strategyCommand(action, ''), amounts);
  if (!('verdict' in found)) return { kind: 'POOL', uid: found.pool.uid };
  const fields = found.fields.map((each) => ({ ...each, field: `${field}.${each.field}` }));
  return { ...found, fields };
}
