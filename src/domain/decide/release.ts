import type { ReleaseCommand } from '../command.js';
import { carryOut, unchanged, type Decided } from '../decided.js';
import { beginDraft } from '../draft.js';
import type { Context, State } from '../state.js';
import { asOf, isDue, poolOf } from './checks.js';
import { alreadyCommitted, endHold, reservationNotFound } from './holds.js';

/** Gives back what a reservation holds. On a released or expired one it is OK without effect. */
export function decideRelease(state: State, command: ReleaseCommand, context: Context): Decided {
  const reservation = state.reservation(command.reservationId);
  const agent = reservation && state.agent(reservation.agentUid);
  if (reservation === undefined || agent === undefined) {
    return reservationNotFound(command.reservationId);
  }
  const pool = poolOf(state, agent);
  if (reservation.state === 'COMMITTED') return alreadyCommitted(reservation);
  if (reservation.state !== 'OPEN' || isDue(reservation, context.now)) {
    return unchanged({ agent, pool, reservation: asOf(reservation, context.now) });
  }

  const draft = beginDraft(state, context.now);
  const released = endHold(draft, reservation, 'RELEASED', {
    method: 'RELEASE',
    requestId: command.requestId,
  });
  return carryOut(draft, { amount: reservation.held, agent, pool, reservation: released });
}
