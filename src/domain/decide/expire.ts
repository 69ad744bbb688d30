import { carryOut, unchanged, type Decided } from '../decided.js';
import { beginDraft } from '../draft.js';
import type { Reservation } from '../model.js';
import type { Context, State } from '../state.js';
import { isDue } from './checks.js';
import { endHold } from './holds.js';

/** Expires a reservation whose time has passed. On any other it has no effect. */
export function decideExpire(state: State, reservation: Reservation, context: Context): Decided {
  if (!isDue(reservation, context.now)) return unchanged({ reservation });
  const draft = beginDraft(state, context.now);
  const expired = endHold(draft, reservation, 'EXPIRED');
  return carryOut(draft, { amount: reservation.held, reservation: expired });
}
