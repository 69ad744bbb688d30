import { formatAmount } from '../../domain/amount.js';
import type { Outcome } from '../../domain/answer.js';
import type {
  CommitResponse,
  ExtendReservationResponse,
  ReleaseResponse,
  ReserveResponse,
} from '../../gen/safeguards/v1/budget_service_pb.js';
import type { Reservation } from '../../gen/safeguards/v1/reservation_pb.js';
import { budgetOf } from './budget.js';
import { decisionOf, encodeDenial, encodeWarnings } from './decision.js';
import { encodeReservation } from './reservation.js';
import { serviceLevelOf } from './service-level.js';

/** Prints the answer to a hold. */
export function encodeReserve(outcome: Outcome): ReserveResponse {
  return {
    $typeName: 'safeguards.v1.ReserveResponse',
    ...common(outcome),
    decision: decisionOf(outcome),
    grantedAmount: formatAmount(outcome.amount),
    denial: encodeDenial(outcome.denial),
    reservation: reservationOf(outcome),
  };
}

/** Prints the answer to a settlement. */
export function encodeCommit(outcome: Outcome): CommitResponse {
  return {
    $typeName: 'safeguards.v1.CommitResponse',
    ...common(outcome),
    reservation: reservationOf(outcome),
    overageAmount: formatAmount(outcome.secondAmount),
    late: outcome.late,
    committedAmount: formatAmount(outcome.amount),
  };
}

/** Prints the answer to a return. */
export function encodeRelease(outcome: Outcome): ReleaseResponse {
  return {
    $typeName: 'safeguards.v1.ReleaseResponse',
    ...common(outcome),
    reservation: reservationOf(outcome),
    releasedAmount: formatAmount(outcome.amount),
  };
}

/** Prints the answer to an extension. */
export function encodeExtend(outcome: Outcome): ExtendReservationResponse {
  return {
    $typeName: 'safeguards.v1.ExtendReservationResponse',
    ...common(outcome),
    decision: decisionOf(outcome),
    denial: encodeDenial(outcome.denial),
    reservation: reservationOf(outcome),
  };
}

function common(outcome: Outcome) {
  const budget = budgetOf(outcome.agent, outcome.pool);
  return {
    sequence: BigInt(outcome.sequence),
    budget,
    serviceLevel: serviceLevelOf(outcome.serviceLevel, budget),
    warnings: encodeWarnings(outcome.warnings),
    replayed: outcome.replayed,
  };
}

function reservationOf({ reservation, agent }: Outcome): Reservation | undefined {
  return reservation === undefined ? undefined : encodeReservation(reservation, agent?.id ?? '');
}
