import type { Outcome } from '../domain/answer.js';
import { ruleNotFound } from '../domain/decide/rules.js';
import type { BudgetMonitor } from '../domain/monitor.js';
import type { BudgetAdminService } from '../gen/safeguards/v1/budget_admin_service_pb.js';
import type { LedgerApi } from '../ledger/api.js';
import { commandMethod } from './command-method.js';
import {
  decodeCreateMonitor,
  decodeDeleteMonitor,
  decodeListMonitors,
  decodeUpdateMonitor,
} from './decode/monitor.js';
import { decodeId } from './decode/query.js';
import { written } from './encode/admin.js';
import { encodeMonitor } from './encode/monitor.js';
import type { HandlersOf } from './method.js';
import { nextPageToken } from './paging.js';
import { judges, ruleFilter } from './rule-filter.js';
import { isFailure } from './status.js';

/** The operator's methods on budget monitors. */
export function monitorMethods(ledger: LedgerApi) {
  const encode = (monitor: BudgetMonitor) => encodeMonitor(monitor, ledger.scopeId(monitor.scope));
  const writtenMonitor = (outcome: Outcome) => {
    const monitor = ledger.object('monitors', outcome.object?.key ?? '');
    return { ...written(outcome), monitor: monitor && encode(monitor) };
  };
  return {
    createBudgetMonitor: commandMethod(ledger, decodeCreateMonitor, (outcome) => ({
      $typeName: 'safeguards.v1.CreateBudgetMonitorResponse',
      ...writtenMonitor(outcome),
    })),
    updateBudgetMonitor: commandMethod(ledger, decodeUpdateMonitor, (outcome) => ({
      $typeName: 'safeguards.v1.UpdateBudgetMonitorResponse',
      ...writtenMonitor(outcome),
    })),
    deleteBudgetMonitor: commandMethod(ledger, decodeDeleteMonitor, (outcome) => ({
      $typeName: 'safeguards.v1.DeleteBudgetMonitorResponse',
      ...written(outcome),
    })),

    getBudgetMonitor: (request) => {
      const id = decodeId('monitor_id', request.monitorId);
      if (typeof id !== 'string') return id;
      const monitor = ledger.object('monitors', id);
      if (monitor === undefined) return ruleNotFound('MONITOR_NOT_FOUND', 'monitor', id);
      return {
        $typeName: 'safeguards.v1.GetBudgetMonitorResponse',
        monitor: encode(monitor),
      };
    },

    listBudgetMonitors: (request) => {
      const listing = decodeListMonitors(request);
      if (isFailure(listing)) return listing;
      const filter = ruleFilter(ledger, listing.filter);
      if (isFailure(filter)) return filter;
      const page = ledger.listObjects('monitors', (row) => judges(filter, row), listing.page);
      return {
        $typeName: 'safeguards.v1.ListBudgetMonitorsResponse',
        monitors: page.items.map(encode),
        nextPageToken: nextPageToken(listing.identity, page.last),
      };
    },
  } satisfies HandlersOf<typeof BudgetAdminService>;
}
