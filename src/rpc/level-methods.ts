import type { LedgerApi } from '../ledger/api.js';
import type { BudgetAdminService } from '../gen/safeguards/v1/budget_admin_service_pb.js';
import { commandMethod } from './command-method.js';
import { decodeLevelScope, decodeSetServiceLevels } from './decode/service-level.js';
import { written } from './encode/admin.js';
import { encodeServiceLevels } from './encode/service-level.js';
import type { HandlersOf } from './method.js';
import { isFailure } from './status.js';

/** The operator's methods on levels of service. */
export function levelMethods(ledger: LedgerApi) {
  return {
    setServiceLevels: commandMethod(ledger, decodeSetServiceLevels, (outcome) => ({
      $typeName: 'safeguards.v1.SetServiceLevelsResponse',
      ...written(outcome),
      serviceLevels: outcome.effectiveLevels && encodeServiceLevels(outcome.effectiveLevels),
    })),

    getServiceLevels: (request) => {
      const scope = decodeLevelScope(request);
      if (isFailure(scope)) return scope;
      const levels = ledger.serviceLevels(scope);
      if (isFailure(levels)) return levels;
      return {
        $typeName: 'safeguards.v1.GetServiceLevelsResponse',
        serviceLevels: encodeServiceLevels(levels),
      };
    },
  } satisfies HandlersOf<typeof BudgetAdminService>;
}
