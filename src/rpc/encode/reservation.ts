import { formatAmount } from '../../domain/amount.js';
import type { Reservation, ReservationState } from '../../domain/model.js';
import type { Reservation as ProtoReservation } from '../../gen/safeguards/v1/reservation_pb.js';
import { ReservationState as ProtoReservationState } from '../../gen/safeguards/v1/reservation_pb.js';
import { metadataMap, quantityMap } from './pairs.js';
import { timestampOf } from './time.js';

const STATES = {
  OPEN: ProtoReservationState.OPEN,
  COMMITTED: ProtoReservationState.COMMITTED,
  RELEASED: ProtoReservationState.RELEASED,
  EXPIRED: ProtoReservationState.EXPIRED,
} as const satisfies Record<ReservationState, ProtoReservationState>;

/** Prints a reservation of an agent. */
export function encodeReservation(reservation: Reservation, agentId: string): ProtoReservation {
  return {
    $typeName: 'safeguards.v1.Reservation',
    id: reservation.id,
    agentId,
    state: STATES[reservation.state],
    amount: formatAmount(reservation.amount),
    heldAmount: formatAmount(reservation.held),
    committedAmount: formatAmount(reservation.committed),
    category: reservation.category,
    quantities: quantityMap(reservation.quantities),
    runId: reservation.runId,
    metadata: metadataMap(reservation.metadata),
    extensionCount: reservation.extensions,
    createTime: timestampOf(reservation.createTime),
    expireTime: timestampOf(reservation.expireTime),
    endTime: reservation.endTime === 0 ? undefined : timestampOf(reservation.endTime),
    settledLate: reservation.settledLate,
  };
}
