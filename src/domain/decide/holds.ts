import { reject, type Rejection } from '../answer.js';
import {
  closeEntry,
  countHold,
  draftAgent,
  draftPool,
  moveMoney,
  touch,
  type Draft,
} from '../draft.js';
import type { EntryKind } from '../entry.js';
import type { Method, Reservation } from '../model.js';
import { isDue } from './checks.js';
import { countReturn } from './hold-counts.js';

/** RESERVATION_NOT_FOUND of an id. */
export function reservationNotFound(id: string): Rejection {
  return reject(
    'RESERVATION_NOT_FOUND',
    'There is no such reservation. It may have ended long ago',
    { reservation_id: id },
  );
}

/** RESERVATION_ALREADY_COMMITTED of a reservation. */
export function alreadyCommitted(reservation: Reservation): Rejection {
  return reject('RESERVATION_ALREADY_COMMITTED', 'The reservation was committed', {
    reservation_id: reservation.id,
  });
}

/** RESERVATION_ALREADY_RELEASED of a reservation. */
export function alreadyReleased(reservation: Reservation): Rejection {
  return reject('RESERVATION_ALREADY_RELEASED', 'The reservation was released', {
    reservation_id: reservation.id,
  });
}

/** RESERVATION_EXPIRED of a reservation. */
export function reservationExpired(reservation: Reservation, message: string): Rejection {
  return reject('RESERVATION_EXPIRED', message, {
    reservation_id: reservation.id,
    expire_time: new Date(reservation.expireTime).toISOString(),
  });
}

/**
 * Ends an open reservation in the draft by an entry of its own: what is held returns to its agent.
 * EXPIRE dates the end from the expiry, RELEASE from now. `verb` is put on the reservation's record.
 */
export function endHold(
  draft: Draft,
  reservation: Reservation,
  state: 'RELEASED' | 'EXPIRED',
  verb?: { readonly method: Method; readonly requestId: string },
): Reservation {
  const kind: EntryKind = state === 'EXPIRED' ? 'EXPIRE' : 'RELEASE';
  const agent = moveMoney(draft, reservation.agentUid, { reserved: -reservation.held });
  countHold(draft, agent.uid, -1);
  const ended: Reservation = {
    ...reservation,
    state,
    held: 0n,
    endTime: state === 'EXPIRED' ? reservation.expireTime : draft.now,
    verbs: verb === undefined ? reservation.verbs : [...reservation.verbs, verb],
  };
  draft.reservations.push(ended);
  countReturn(draft, reservation, draftPool(draft, agent.poolUid));
  closeEntry(draft, kind, {
    amount: reservation.held,
    reservationId: reservation.id,
    category: reservation.category,
    runId: reservation.runId,
  });
  return ended;
}

/** The reservation as every verb sees it: one whose time has passed expires first, swept or not. */
export function settleDue(draft: Draft, reservation: Reservation): Reservation {
  return isDue(reservation, draft.now) ? endHold(draft, reservation, 'EXPIRED') : reservation;
}

/** Names the reservation's agent in an entry that moves no money. */
export function touchAgent(draft: Draft, reservation: Reservation): void {
  const agent = draftAgent(draft, reservation.agentUid);
  draft.agents.set(agent.uid, agent);
  touch(draft, 'AGENT', agent.uid, agent.lastSequence);
}
