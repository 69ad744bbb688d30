import { reject } from '../answer.js';
import type { ExtendCommand } from '../command.js';
import { carryOut, deny, type Decided } from '../decided.js';
import { beginDraft, closeEntry } from '../draft.js';
import type { Reservation } from '../model.js';
import { EXTENSIONS_MAX, type Context, type State } from '../state.js';
import { frozenDenial, isDue, poolOf } from './checks.js';
import { reservationExpired, reservationNotFound, touchAgent } from './holds.js';

/** Moves the expiry of an open reservation to max(old, now + ttl), at most ten times. */
export function decideExtend(state: State, command: ExtendCommand, context: Context): Decided {
  const reservation = state.reservation(command.reservationId);
  const agent = reservation && state.agent(reservation.agentUid);
  if (reservation === undefined || agent === undefined) {
    return reservationNotFound(command.reservationId);
  }
  const pool = poolOf(state, agent);
  if (reservation.state !== 'OPEN' || isDue(reservation, context.now)) {
    return reservationExpired(reservation, 'The reservation is not open any more. Reserve anew');
  }
  const frozen = frozenDenial(agent, pool, 0n);
  if (frozen !== undefined) return deny(frozen, { agent, pool, reservation });
  if (reservation.extensions >= EXTENSIONS_MAX) {
    return reject(
      'EXTENSIONS_EXHAUSTED',
      'The reservation was extended as often as it may be. Commit it and reserve anew',
      { reservation_id: reservation.id, extensions_max: String(EXTENSIONS_MAX) },
    );
  }

  const extended: Reservation = {
    ...reservation,
    extensions: reservation.extensions + 1,
    expireTime: Math.max(reservation.expireTime, context.now + command.ttlMs),
    verbs: [...reservation.verbs, { method: 'EXTEND', requestId: command.requestId }],
  };
  const draft = beginDraft(state, context.now);
  draft.reservations.push(extended);
  touchAgent(draft, extended);
  closeEntry(draft, 'EXTEND', {
    reservationId: extended.id,
    category: extended.category,
    runId: extended.runId,
  });
  return carryOut(draft, {
    warnings: context.clockJumped ? ['CLOCK_JUMPED'] : [],
    agent,
    pool,
    reservation: extended,
  });
}
