import type { LedgerApi } from '../ledger/api.js';
import type { BudgetAdminService } from '../gen/safeguards/v1/budget_admin_service_pb.js';
import { commandMethod } from './command-method.js';
import {
  decodeAdjustBudget,
  decodeRefund,
  decodeSetBudget,
  decodeTransfer,
} from './decode/budget.js';
import { decodeApplyConfiguration } from './decode/document.js';
import { encodeApplied, encodeRefund, encodeTransfer, writtenBudget } from './encode/admin.js';
import type { HandlersOf } from './method.js';

/** The operator's methods that move money, and the one that brings everything to a document. */
export function moneyMethods(ledger: LedgerApi) {
  return {
    setBudget: commandMethod(ledger, decodeSetBudget, (outcome) => ({
      $typeName: 'safeguards.v1.SetBudgetResponse',
      ...writtenBudget(outcome),
    })),
    adjustBudget: commandMethod(ledger, decodeAdjustBudget, (outcome) => ({
      $typeName: 'safeguards.v1.AdjustBudgetResponse',
      ...writtenBudget(outcome),
    })),
    transferBudget: commandMethod(ledger, decodeTransfer, encodeTransfer),
    refundSpend: commandMethod(ledger, decodeRefund, encodeRefund),
    applyConfiguration: commandMethod(ledger, decodeApplyConfiguration, encodeApplied),
  } satisfies HandlersOf<typeof BudgetAdminService>;
}
