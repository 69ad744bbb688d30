import { formatAmount } from '../../domain/amount.js';
import type { Outcome } from '../../domain/answer.js';
import type { EmergencyPolicy as Policy } from '../../domain/emergency/policy.js';
import {
  EMERGENCY_RULES,
  EMERGENCY_STATES,
  type EmergencyAnswer,
  type EmergencyRequest as Request,
} from '../../domain/emergency/request.js';
import type { Instant } from '../../domain/model.js';
import {
  EmergencyOutcome,
  type ApproveEmergencyRequestResponse,
  type EmergencyPolicy,
  type EmergencyRequest,
  type RejectEmergencyRequestResponse,
  type RequestEmergencyAllocationResponse,
  type SetEmergencyPolicyResponse,
} from '../../gen/safeguards/v1/emergency_pb.js';
import { written } from './admin.js';
import { budgetOf } from './budget.js';
import { encodeWarnings } from './decision.js';
import { serviceLevelOf } from './service-level.js';
import { durationOf, timestampOf } from './time.js';

const OUTCOMES = {
  APPROVED: EmergencyOutcome.APPROVED,
  PARTIALLY_APPROVED: EmergencyOutcome.PARTIALLY_APPROVED,
  DENIED: EmergencyOutcome.DENIED,
  PENDING_APPROVAL: EmergencyOutcome.PENDING_APPROVAL,
} as const satisfies Record<EmergencyAnswer['outcome'], EmergencyOutcome>;

/** Prints the answer to a request for emergency money. */
export function encodeEmergencyAllocation(outcome: Outcome): RequestEmergencyAllocationResponse {
  const answer = answerIn(outcome);
  const waits = answer.outcome === 'PENDING_APPROVAL';
  const budget = budgetOf(outcome.agent, outcome.pool);
  return {
    $typeName: 'safeguards.v1.RequestEmergencyAllocationResponse',
    ...written(outcome),
    budget,
    serviceLevel: serviceLevelOf(outcome.serviceLevel, budget),
    warnings: encodeWarnings(outcome.warnings),
    ...judgementOf(answer),
    emergencyRequestId: answer.request.id,
    expireTime: waits ? timestampOf(answer.request.expireTime) : undefined,
  };
}

/** Prints the answer to an operator's approval. */
export function encodeEmergencyApproval(outcome: Outcome): ApproveEmergencyRequestResponse {
  const answer = answerIn(outcome);
  return {
    $typeName: 'safeguards.v1.ApproveEmergencyRequestResponse',
    ...written(outcome),
    emergencyRequest: encodeEmergencyRequest(answer.request),
    budget: budgetOf(outcome.agent, outcome.pool),
    ...judgementOf(answer),
  };
}

/** Prints the answer to an operator's rejection. */
export function encodeEmergencyRejection(outcome: Outcome): RejectEmergencyRequestResponse {
  return {
    $typeName: 'safeguards.v1.RejectEmergencyRequestResponse',
    ...written(outcome),
    emergencyRequest: encodeEmergencyRequest(answerIn(outcome).request),
  };
}

/** Prints the answer to a new policy. */
export function encodePolicySet(outcome: Outcome): SetEmergencyPolicyResponse {
  const { emergencyPolicy: policy, pool } = outcome;
  return {
    $typeName: 'safeguards.v1.SetEmergencyPolicyResponse',
    ...written(outcome),
    policy: policy && encodeEmergencyPolicy(policy, pool?.id ?? ''),
  };
}

/** Prints an emergency policy; `poolId` is empty for the server's. */
export function encodeEmergencyPolicy(policy: Policy, poolId: string): EmergencyPolicy {
  const amount = (value: bigint | undefined) => (value === undefined ? '' : formatAmount(value));
  return {
    $typeName: 'safeguards.v1.EmergencyPolicy',
    poolId,
    enabled: policy.enabled,
    priorityThreshold: policy.priorityThreshold,
    criticalShare: formatAmount(policy.criticalShare),
    perDayMax: amount(policy.perDayMax),
    perRequestMax: amount(policy.perRequestMax),
    cooldown: durationOf(policy.cooldownMs),
    approvalAbove: amount(policy.approvalAbove),
    approvalTtl: durationOf(policy.approvalTtlMs),
    mint: policy.mint,
    revision: BigInt(policy.revision),
    createTime: timestampOf(policy.createTime),
    updateTime: timestampOf(policy.updateTime),
  };
}

/** Prints an emergency request. The numbers of its state and rule are those on disk. */
export function encodeEmergencyRequest(request: Request): EmergencyRequest {
  return {
    $typeName: 'safeguards.v1.EmergencyRequest',
    id: request.id,
    agentId: request.agentId,
    poolId: request.poolId,
    unit: request.unit,
    priority: request.priority,
    amount: formatAmount(request.amount),
    reason: request.reason,
    state: EMERGENCY_STATES[request.state],
    rule: EMERGENCY_RULES[request.rule],
    approvedAmount: formatAmount(request.approved),
    approvableAmount: formatAmount(request.approvable),
    explanation: request.explanation,
    retryTime: timeOf(request.retryTime),
    sequence: BigInt(request.sequence),
    createTime: timestampOf(request.createTime),
    expireTime: timeOf(request.expireTime),
    endTime: timeOf(request.endTime),
    operatorReason: request.note,
  };
}

function judgementOf({ outcome, approved, explanation, retryTime, rule }: EmergencyAnswer) {
  return {
    outcome: OUTCOMES[outcome],
    approvedAmount: formatAmount(approved),
    explanation,
    retryTime: timeOf(retryTime),
    rule: EMERGENCY_RULES[rule],
  };
}

/** 0 is no time. */
function timeOf(instant: Instant) {
  return instant === 0 ? undefined : timestampOf(instant);
}

/** Every outcome of an emergency's command has one. */
function answerIn({ emergency }: Outcome): EmergencyAnswer {
  if (emergency === undefined) throw new Error('the outcome is not of an emergency');
  return emergency;
}
