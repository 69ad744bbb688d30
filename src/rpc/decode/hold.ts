import type { Rejection } from '../../domain/answer.js';
import type {
  CommitCommand,
  ExtendCommand,
  OveragePolicy,
  ReleaseCommand,
} from '../../domain/command.js';
import type {
  CommitRequest,
  ExtendReservationRequest,
  ReleaseRequest,
} from '../../gen/safeguards/v1/budget_service_pb.js';
import { requiredAmount } from './amount.js';
import { formOf, judged } from './form.js';
import { enumOf } from './number.js';
import { AGENT_METADATA, metadataOf, quantitiesOf } from './pairs.js';
import { requestIdOf, requiredId } from './text.js';
import { TTL, durationMs } from './time.js';

const OVERAGES: readonly OveragePolicy[] = [
  'SETTLE_ACTUAL',
  'SETTLE_ACTUAL',
  'WITHIN_AVAILABLE',
  'REJECT',
];

/** Reads a settlement. */
export function decodeCommit(request: CommitRequest): CommitCommand | Rejection {
  const form = formOf();
  const { amount } = request;
  return judged(form, {
    method: 'COMMIT',
    requestId: requestIdOf(form, request.requestId, true),
    reservationId: requiredId(form, 'reservation_id', request.reservationId),
    amount: amount === undefined ? undefined : requiredAmount(form, 'amount', amount),
    final: request.final ?? true,
    overage: enumOf(form, 'overage', request.overage, OVERAGES, 'SETTLE_ACTUAL'),
    quantities: quantitiesOf(form, request.quantities),
    metadata: metadataOf(form, request.metadata, AGENT_METADATA),
  });
}

/** Reads the return of a hold. */
export function decodeRelease(request: ReleaseRequest): ReleaseCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'RELEASE',
    requestId: requestIdOf(form, request.requestId, true),
    reservationId: requiredId(form, 'reservation_id', request.reservationId),
  });
}

/** Reads the extension of a hold. */
export function decodeExtend(request: ExtendReservationRequest): ExtendCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'EXTEND',
    requestId: requestIdOf(form, request.requestId, true),
    reservationId: requiredId(form, 'reservation_id', request.reservationId),
    ttlMs: durationMs(form, 'ttl', request.ttl, TTL),
  });
}
