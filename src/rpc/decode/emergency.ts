import { parseAmount, type Amount } from '../../domain/amount.js';
import type { Rejection } from '../../domain/answer.js';
import type {
  ApproveEmergencyCommand,
  RejectEmergencyCommand,
  RequestEmergencyCommand,
  SetEmergencyPolicyCommand,
} from '../../domain/command.js';
import { DEFAULT_TERMS, WHOLE_SHARE, type EmergencyTerms } from '../../domain/emergency/policy.js';
import { EMERGENCY_STATES, type EmergencyState } from '../../domain/emergency/request.js';
import type {
  ApproveEmergencyRequestRequest,
  EmergencyPolicy,
  ListEmergencyRequestsRequest,
  RejectEmergencyRequestRequest,
  RequestEmergencyAllocationRequest,
  SetEmergencyPolicyRequest,
} from '../../gen/safeguards/v1/emergency_pb.js';
import { positiveAmount, requiredAmount } from './amount.js';
import { formOf, judged, partOf, refuseField } from './form.js';
import type { Form } from './form.js';
import { enumOf, revisionOf } from './number.js';
import { adminFields } from './pool.js';
import { listingOf, type Listing } from './query.js';
import { optionalId, reasonOf, requestIdOf, requiredId } from './text.js';
import { APPROVAL_TTL, COOLDOWN, durationMs } from './time.js';

/** Priorities that all agents of it get what they ask for; the last one is nobody's. */
const THRESHOLD = { min: 1, max: 11 } as const;

/** Reads an agent's request for emergency money. */
export function decodeEmergencyRequest(
  request: RequestEmergencyAllocationRequest,
): RequestEmergencyCommand | Rejection {
  const form = formOf();
  if (request.reason === '') refuseField(form, 'reason', 'Say why the money is needed');
  return judged(form, {
    method: 'REQUEST_EMERGENCY',
    requestId: requestIdOf(form, request.requestId, true),
    agentId: requiredId(form, 'agent_id', request.agentId),
    amount: positiveAmount(form, 'amount', request.amount),
    reason: reasonOf(form, request.reason),
  });
}

/** Reads an emergency policy, or that it is taken away. */
export function decodeSetEmergencyPolicy(
  request: SetEmergencyPolicyRequest,
): SetEmergencyPolicyCommand | Rejection {
  const form = formOf();
  const { policy, remove } = request;
  if (remove && policy !== undefined) {
    refuseField(form, 'policy', 'Leave it out when the policy is to be removed');
  }
  return judged(form, {
    method: 'SET_EMERGENCY_POLICY',
    ...adminFields(form, request),
    poolId: optionalId(form, 'pool_id', request.poolId),
    terms: remove
      ? undefined
      : policy === undefined
        ? DEFAULT_TERMS
        : termsOf(partOf(form, 'policy.'), policy),
    expectedRevision: revisionOf(form, request.expectedRevision),
  });
}

function termsOf(form: Form, policy: EmergencyPolicy): EmergencyTerms {
  const priorityThreshold = policy.priorityThreshold ?? DEFAULT_TERMS.priorityThreshold;
  if (priorityThreshold < THRESHOLD.min || priorityThreshold > THRESHOLD.max) {
    const advice = `Give a whole number from ${THRESHOLD.min} to ${THRESHOLD.max}`;
    refuseField(form, 'priority_threshold', advice);
  }
  return {
    enabled: policy.enabled ?? DEFAULT_TERMS.enabled,
    priorityThreshold,
    criticalShare: shareOf(form, policy.criticalShare),
    perDayMax: unsetOr(form, 'per_day_max', policy.perDayMax),
    perRequestMax: unsetOr(form, 'per_request_max', policy.perRequestMax),
    cooldownMs: durationMs(form, 'cooldown', policy.cooldown, COOLDOWN),
    approvalAbove: unsetOr(form, 'approval_above', policy.approvalAbove),
    approvalTtlMs: durationMs(form, 'approval_ttl', policy.approvalTtl, APPROVAL_TTL),
    mint: policy.mint,
  };
}

function shareOf(form: Form, text: string): Amount {
  if (text === '') return DEFAULT_TERMS.criticalShare;
  const share = parseAmount(text);
  if (share !== undefined && share <= WHOLE_SHARE) return share;
  refuseField(form, 'critical_share', 'Give a share from 0 to 1 such as 0.5');
  return DEFAULT_TERMS.criticalShare;
}

/** Reads an amount >= 0; left out there is none. */
function unsetOr(form: Form, field: string, text: string): Amount | undefined {
  return text === '' ? undefined : requiredAmount(form, field, text);
}

/** Reads an operator's approval. */
export function decodeApproveEmergency(
  request: ApproveEmergencyRequestRequest,
): ApproveEmergencyCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'APPROVE_EMERGENCY',
    ...adminFields(form, request),
    emergencyRequestId: requiredId(form, 'emergency_request_id', request.emergencyRequestId),
    amount: request.amount === '' ? undefined : positiveAmount(form, 'amount', request.amount),
  });
}

/** Reads an operator's rejection. */
export function decodeRejectEmergency(
  request: RejectEmergencyRequestRequest,
): RejectEmergencyCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'REJECT_EMERGENCY',
    ...adminFields(form, request),
    emergencyRequestId: requiredId(form, 'emergency_request_id', request.emergencyRequestId),
  });
}

/** The states by their numbers, which are those of the proto. */
const STATES: readonly (EmergencyState | 'ANY')[] = [
  'ANY',
  ...(Object.keys(EMERGENCY_STATES) as EmergencyState[]).sort(
    (a, b) => EMERGENCY_STATES[a] - EMERGENCY_STATES[b],
  ),
];

/** Which emergency requests are listed. */
export interface EmergencyRequestFilter {
  readonly agentId: string;
  readonly poolId: string;
  readonly state: EmergencyState | undefined;
}

/** Reads which emergency requests are listed. */
export function decodeListEmergencyRequests(
  request: ListEmergencyRequestsRequest,
): Listing<EmergencyRequestFilter> | Rejection {
  const form = formOf();
  const agentId = optionalId(form, 'agent_id', request.agentId);
  const poolId = optionalId(form, 'pool_id', request.poolId);
  const state = enumOf(form, 'state', request.state, STATES, 'ANY');
  const filter = { agentId, poolId, state: state === 'ANY' ? undefined : state };
  return listingOf(form, filter, ['ListEmergencyRequests', agentId, poolId, state], request);
}
