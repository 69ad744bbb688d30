import type { LedgerApi } from '../ledger/api.js';
import type { BudgetAdminService } from '../gen/safeguards/v1/budget_admin_service_pb.js';
import { commandMethod } from './command-method.js';
import {
  decodeApproveEmergency,
  decodeListEmergencyRequests,
  decodeRejectEmergency,
  decodeSetEmergencyPolicy,
} from './decode/emergency.js';
import { decodeId } from './decode/query.js';
import {
  encodeEmergencyApproval,
  encodeEmergencyPolicy,
  encodeEmergencyRejection,
  encodeEmergencyRequest,
  encodePolicySet,
} from './encode/emergency.js';
import type { HandlersOf } from './method.js';
import { nextPageToken } from './paging.js';
import { isFailure } from './status.js';

/** The operator's methods on emergencies. */
export function emergencyMethods(ledger: LedgerApi) {
  return {
    setEmergencyPolicy: commandMethod(ledger, decodeSetEmergencyPolicy, encodePolicySet),
    approveEmergencyRequest: commandMethod(ledger, decodeApproveEmergency, encodeEmergencyApproval),
    rejectEmergencyRequest: commandMethod(ledger, decodeRejectEmergency, encodeEmergencyRejection),

    getEmergencyPolicy: ({ poolId }) => {
      const id = poolId === '' ? '' : decodeId('pool_id', poolId);
      if (typeof id !== 'string') return id;
      const view = ledger.emergencyPolicy(id);
      if (view !== undefined && isFailure(view)) return view;
      return {
        $typeName: 'safeguards.v1.GetEmergencyPolicyResponse',
        policy: view && encodeEmergencyPolicy(view.policy, view.poolId),
      };
    },

    listEmergencyRequests: (request) => {
      const listing = decodeListEmergencyRequests(request);
      if (isFailure(listing)) return listing;
      const page = ledger.listEmergencyRequests(listing.filter, listing.page);
      if (isFailure(page)) return page;
      return {
        $typeName: 'safeguards.v1.ListEmergencyRequestsResponse',
        emergencyRequests: page.items.map(encodeEmergencyRequest),
        nextPageToken: nextPageToken(listing.identity, page.last),
      };
    },
  } satisfies HandlersOf<typeof BudgetAdminService>;
}
