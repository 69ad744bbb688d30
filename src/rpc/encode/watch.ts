import type { BudgetEvent } from '../../ledger/api.js';
import type { WatchBudgetsResponse } from '../../gen/safeguards/v1/budget_service_pb.js';
import type { ServiceLevel } from '../../gen/safeguards/v1/service_level_pb.js';
import { encodeBudget } from './budget.js';
import { encodeServiceLevel } from './service-level.js';
import { timestampOf } from './time.js';

/** Prints one message of a watch. */
export function encodeBudgetEvent(event: BudgetEvent): WatchBudgetsResponse {
  if (event.kind !== 'BUDGET') return messageOf(otherOf(event), undefined);
  const budget = encodeBudget(event.agent, event.pool);
  const serviceLevel = encodeServiceLevel(event.level, budget.remainingPercent);
  return messageOf({ case: 'budget', value: budget }, serviceLevel);
}

function messageOf(
  event: WatchBudgetsResponse['event'],
  serviceLevel: ServiceLevel | undefined,
): WatchBudgetsResponse {
  return { $typeName: 'safeguards.v1.WatchBudgetsResponse', event, serviceLevel };
}

function otherOf(event: Exclude<BudgetEvent, { kind: 'BUDGET' }>): WatchBudgetsResponse['event'] {
  switch (event.kind) {
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
