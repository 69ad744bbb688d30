import { SCHEDULED_AGENTS_MAX, type ScheduleAction } from '../../domain/schedule.js';
import type { CreateScheduleRequest, Schedule } from '../../gen/safeguards/v1/schedule_pb.js';
import { agentIdsOf, dynamicTerms, rebalanceTerms } from './allocation.js';
import { deltaOf, requiredAmount } from './amount.js';
import { partOf, refuseField } from './form.js';
import type { Form } from './form.js';
import { requiredId } from './text.js';

type Action = CreateScheduleRequest['action'] | Schedule['action'];
type ActionCase = Exclude<Action['case'], undefined>;

/** The fields that hold actions, by the names that protobuf-es gives them. */
export const ACTION_FIELDS = {
  setBudget: 'set_budget',
  fundPool: 'fund_pool',
  rebalancePool: 'rebalance_pool',
  allocateDynamic: 'allocate_dynamic',
  reviewBudgets: 'review_budgets',
} as const satisfies Record<ActionCase, string>;

/** Reads what a schedule does; its fields are named after the action, such as `set_budget.amount`. */
export function actionOf(form: Form, action: Action): ScheduleAction {
  if (action.case === undefined) {
    refuseField(form, 'action', `Give one of ${Object.values(ACTION_FIELDS).join(' ')}`);
    return { kind: 'REVIEW_BUDGETS' };
  }
  const part = partOf(form, `${ACTION_FIELDS[action.case]}.`);
  switch (action.case) {
    case 'setBudget': {
      const { subject, amount, resetBaseline } = action.value;
      if (subject.case === undefined) {
        refuseField(part, 'subject', 'Give an agent or a pool whose agents are meant');
      }
      return {
        kind: 'SET_BUDGET',
        agentId: subject.case === 'agentId' ? requiredId(part, 'agent_id', subject.value) : '',
        poolId:
          subject.case === 'eachAgentOfPoolId'
            ? requiredId(part, 'each_agent_of_pool_id', subject.value)
            : '',
        amount: requiredAmount(part, 'amount', amount),
        resetBaseline,
      };
    }
    case 'fundPool':
      return {
        kind: 'FUND_POOL',
        poolId: requiredId(part, 'pool_id', action.value.poolId),
        delta: deltaOf(part, action.value.delta),
      };
    case 'rebalancePool':
      return {
        kind: 'REBALANCE_POOL',
        ...subjectsOf(part, action.value),
        ...rebalanceTerms(part, action.value),
      };
    case 'allocateDynamic':
      return {
        kind: 'ALLOCATE_DYNAMIC',
        ...subjectsOf(part, action.value),
        ...dynamicTerms(part, action.value),
      };
    case 'reviewBudgets':
      return { kind: 'REVIEW_BUDGETS' };
  }
}

function subjectsOf(
  form: Form,
  { poolId, agentIds }: { readonly poolId: string; readonly agentIds: readonly string[] },
) {
  return {
    poolId: requiredId(form, 'pool_id', poolId),
    agentIds: agentIdsOf(form, agentIds, SCHEDULED_AGENTS_MAX),
  };
}
