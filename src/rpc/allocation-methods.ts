import type { LedgerApi } from '../ledger/api.js';
import type { BudgetAdminService } from '../gen/safeguards/v1/budget_admin_service_pb.js';
import { commandMethod } from './command-method.js';
import {
  decodeAllocateByPriority,
  decodeAllocateDynamic,
  decodeRebalancePool,
} from './decode/allocation.js';
import { allocated } from './encode/allocation.js';
import type { HandlersOf } from './method.js';

/** The operator's methods that set the budgets of many agents at once. */
export function allocationMethods(ledger: LedgerApi) {
  return {
    allocateDynamic: commandMethod(ledger, decodeAllocateDynamic, (outcome) => ({
      $typeName: 'safeguards.v1.AllocateDynamicResponse',
      ...allocated(outcome),
    })),
    allocateByPriority: commandMethod(ledger, decodeAllocateByPriority, (outcome) => ({
      $typeName: 'safeguards.v1.AllocateByPriorityResponse',
      ...allocated(outcome),
    })),
    rebalancePool: commandMethod(ledger, decodeRebalancePool, (outcome) => ({
      $typeName: 'safeguards.v1.RebalancePoolResponse',
      ...allocated(outcome),
    })),
  } satisfies HandlersOf<typeof BudgetAdminService>;
}
