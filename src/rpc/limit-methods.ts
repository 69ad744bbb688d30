import type { Outcome } from '../domain/answer.js';
import { ruleNotFound } from '../domain/decide/rules.js';
import type { SpendingLimit } from '../domain/limit.js';
import type { BudgetAdminService } from '../gen/safeguards/v1/budget_admin_service_pb.js';
import type { LedgerApi } from '../ledger/api.js';
import { agentOf } from './budget-service.js';
import { commandMethod } from './command-method.js';
import {
  decodeCreateLimit,
  decodeDeleteLimit,
  decodeGetLimit,
  decodeListLimits,
  decodeUpdateLimit,
} from './decode/limit.js';
import { encodeLimit, encodeLimitStatus } from './encode/limit.js';
import { written } from './encode/admin.js';
import type { HandlersOf } from './method.js';
import { nextPageToken } from './paging.js';
import { judges, ruleFilter } from './rule-filter.js';
import { isFailure } from './status.js';

/** The operator's methods on spending limits. */
export function limitMethods(ledger: LedgerApi) {
  const encode = (limit: SpendingLimit) => encodeLimit(limit, ledger.scopeId(limit.scope));
  const writtenLimit = (outcome: Outcome) => {
    const limit = ledger.object('limits', outcome.object?.key ?? '');
    return { ...written(outcome), limit: limit && encode(limit) };
  };
  return {
    createSpendingLimit: commandMethod(ledger, decodeCreateLimit, (outcome) => ({
      $typeName: 'safeguards.v1.CreateSpendingLimitResponse',
      ...writtenLimit(outcome),
    })),
    updateSpendingLimit: commandMethod(ledger, decodeUpdateLimit, (outcome) => ({
      $typeName: 'safeguards.v1.UpdateSpendingLimitResponse',
      ...writtenLimit(outcome),
    })),
    deleteSpendingLimit: commandMethod(ledger, decodeDeleteLimit, (outcome) => ({
      $typeName: 'safeguards.v1.DeleteSpendingLimitResponse',
      ...written(outcome),
    })),

    getSpendingLimit: (request) => {
      const asked = decodeGetLimit(request);
      if (isFailure(asked)) return asked;
      const limit = ledger.object('limits', asked.limitId);
      if (limit === undefined) return ruleNotFound('LIMIT_NOT_FOUND', 'limit', asked.limitId);
      const found = asked.agentId === '' ? undefined : agentOf(ledger, asked.agentId);
      if (found !== undefined && isFailure(found)) return found;
      const { kind, uid } = limit.scope;
      const agentUid = kind === 'EACH_AGENT_OF_POOL' ? found?.agent.uid : uid;
      return {
        $typeName: 'safeguards.v1.GetSpendingLimitResponse',
        limit: encode(limit),
        status:
          agentUid === undefined
            ? undefined
            : encodeLimitStatus(limit, ledger.limitStatus(limit, agentUid)),
      };
    },

    listSpendingLimits: (request) => {
      const listing = decodeListLimits(request);
      if (isFailure(listing)) return listing;
      const filter = ruleFilter(ledger, listing.filter);
      if (isFailure(filter)) return filter;
      const page = ledger.listObjects('limits', (limit) => judges(filter, limit), listing.page);
      return {
        $typeName: 'safeguards.v1.ListSpendingLimitsResponse',
        limits: page.items.map(encode),
        nextPageToken: nextPageToken(listing.identity, page.last),
      };
    },
  } satisfies HandlersOf<typeof BudgetAdminService>;
}
