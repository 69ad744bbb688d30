import type { BudgetEvent } from '../../ledger/api.js';
import type { WatchBudgetsResponse } from '../../gen/safeguards/v1/budget_service_pb.js';
import { encodeBudget } from './budget.js';
import { timestampOf } from './time.js';

/** Prints one message of a watch. */
export function encodeBudgetEvent(event: BudgetEvent): WatchBudgetsResponse {
  return { $typeName: 'safeguards.v1.WatchBudgetsResponse', event: eventOf(event) };
}

function eventOf(event: BudgetEvent): WatchBudgetsResponse['event'] {
  switch (event.kind) {
    case 'BUDGET':
      return { case: 'budget', value: encodeBudget(event.agent, event.pool) };
    case 'SNAPSHOT_COMPLETE':
      return {
        case: 'snapshotComplete',
        value: {
          $typeName: 'safeguards.v1.SnapshotComplete',
          sequence: BigInt(event.sequence),
          agentCount: event.agentCount,
          time: timestampOf(event.time),
        },
      };
    case 'LEFT':
      return {
        case: 'agentLeft',
        value: { $typeName: 'safeguards.v1.AgentLeft', agentId: event.agentId },
      };
  }
}
