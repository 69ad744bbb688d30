import type { Outcome } from '../domain/answer.js';
import { ruleNotFound } from '../domain/decide/rules.js';
import type { LedgerApi } from '../ledger/api.js';
import type { BudgetAlert } from '../gen/safeguards/v1/alert_pb.js';
import type { BudgetAdminService } from '../gen/safeguards/v1/budget_admin_service_pb.js';
import { commandMethod } from './command-method.js';
import {
  decodeCreateAlert,
  decodeDeleteAlert,
  decodeListAlerts,
  decodeUpdateAlert,
} from './decode/alert.js';
import { decodeId } from './decode/query.js';
import { written, type Written } from './encode/admin.js';
import { encodeAlert } from './encode/alert.js';
import type { HandlersOf } from './method.js';
import { nextPageToken } from './paging.js';
import { isFailure } from './status.js';

/** The operator's methods on budget alerts. */
export function alertMethods(ledger: LedgerApi) {
  return {
    createBudgetAlert: commandMethod(ledger, decodeCreateAlert, (outcome) => ({
      $typeName: 'safeguards.v1.CreateBudgetAlertResponse',
      ...writtenAlert(ledger, outcome),
    })),
    updateBudgetAlert: commandMethod(ledger, decodeUpdateAlert, (outcome) => ({
      $typeName: 'safeguards.v1.UpdateBudgetAlertResponse',
      ...writtenAlert(ledger, outcome),
    })),
    deleteBudgetAlert: commandMethod(ledger, decodeDeleteAlert, (outcome) => ({
      $typeName: 'safeguards.v1.DeleteBudgetAlertResponse',
      ...written(outcome),
    })),

    getBudgetAlert: ({ alertId }) => {
      const id = decodeId('alert_id', alertId);
      if (typeof id !== 'string') return id;
      const alert = ledger.alert(id);
      if (alert === undefined) return ruleNotFound('ALERT_NOT_FOUND', 'alert', id);
      return { $typeName: 'safeguards.v1.GetBudgetAlertResponse', alert: encodeAlert(alert) };
    },

    listBudgetAlerts: (request) => {
      const listing = decodeListAlerts(request);
      if (isFailure(listing)) return listing;
      const page = ledger.listAlerts(listing.filter, listing.page);
      if (isFailure(page)) return page;
      return {
        $typeName: 'safeguards.v1.ListBudgetAlertsResponse',
        alerts: page.items.map(encodeAlert),
        nextPageToken: nextPageToken(listing.identity, page.last),
      };
    },
  } satisfies HandlersOf<typeof BudgetAdminService>;
}

/** The alert as it is now: also for a request that is answered from memory. */
function writtenAlert(
  ledger: LedgerApi,
  outcome: Outcome,
): Written & { readonly alert: BudgetAlert | undefined } {
  const alert = outcome.object === undefined ? undefined : ledger.alert(outcome.object.key);
  return { ...written(outcome), alert: alert && encodeAlert(alert) };
}
