import { formatAmount } from '../../domain/amount.js';
import type { Denial, DenialReason, Outcome, WarningCode } from '../../domain/answer.js';
import {
  Decision,
  DenialReason as ProtoDenialReason,
  WarningCode as ProtoWarningCode,
} from '../../gen/safeguards/v1/decision_pb.js';
import type { Denial as ProtoDenial, Warning } from '../../gen/safeguards/v1/decision_pb.js';
import { timestampOf } from './time.js';

const REASONS = {
  INSUFFICIENT_BUDGET: ProtoDenialReason.INSUFFICIENT_BUDGET,
  AGENT_FROZEN: ProtoDenialReason.AGENT_FROZEN,
  POOL_FROZEN: ProtoDenialReason.POOL_FROZEN,
  SPENDING_LIMIT_EXCEEDED: ProtoDenialReason.SPENDING_LIMIT_EXCEEDED,
  MONITOR_REJECTED: ProtoDenialReason.MONITOR_REJECTED,
} as const satisfies Record<DenialReason, ProtoDenialReason>;

const WARNINGS = {
  OVERSPENT: warning(
    ProtoWarningCode.OVERSPENT,
    'The amount was not covered. Further requests are denied until the agent is topped up.',
  ),
  LATE_COMMIT: warning(
    ProtoWarningCode.LATE_COMMIT,
    'The commit came after its reservation had expired.',
  ),
  PAID_BY_POOL: warning(
    ProtoWarningCode.PAID_BY_POOL,
    'The agent is closed. The amount was charged to its pool.',
  ),
  CLOCK_JUMPED: warning(
    ProtoWarningCode.CLOCK_JUMPED,
    'The wall clock has jumped ahead and is not followed until it has stayed there.',
  ),
} as const satisfies Record<WarningCode, Warning>;

/** Prints whether a request that was judged was approved. */
export function decisionOf(outcome: Outcome): Decision {
  return outcome.verdict === 'APPROVED' ? Decision.APPROVED : Decision.DENIED;
}

/** Prints a denial. */
export function encodeDenial(denial: Denial | undefined): ProtoDenial | undefined {
  if (denial === undefined) return undefined;
  return {
    $typeName: 'safeguards.v1.Denial',
    reason: REASONS[denial.reason],
    ruleId: denial.ruleId,
    limit: denial.limit === undefined ? '' : formatAmount(denial.limit),
    counted: denial.counted === undefined ? '' : formatAmount(denial.counted),
    shortfall: formatAmount(denial.shortfall),
    largestAmount: formatAmount(denial.largestAmount),
    retryTime: denial.retryTime === undefined ? undefined : timestampOf(denial.retryTime),
    message: denial.message,
  };
}

/** Prints warnings. */
export function encodeWarnings(codes: readonly WarningCode[]): Warning[] {
  return codes.map((code) => WARNINGS[code]);
}

function warning(code: ProtoWarningCode, message: string): Warning {
  return { $typeName: 'safeguards.v1.Warning', code, message };
}
