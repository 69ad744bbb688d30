import { formatAmount, maxAmount, minAmount, type Amount } from '../amount.js';
import { reject, type Rejection, type WarningCode } from '../answer.js';
import { availableOf } from '../budget.js';
import type { CommitCommand } from '../command.js';
import { carryOut, type Decided } from '../decided.js';
import { beginDraft, closeEntry, countHold, draftAgent, moveMoney, type Draft } from '../draft.js';
import type { Agent, Quantities, Reservation } from '../model.js';
import type { Context, State } from '../state.js';
import { raiseOverspend } from './alarms.js';
import { addQuantityNames, checkScale, poolOf } from './checks.js';
import { countCommit } from './hold-counts.js';
import {
  alreadyCommitted,
  alreadyReleased,
  reservationExpired,
  reservationNotFound,
  settleDue,
} from './holds.js';
import { postSpent } from './spend.js';

/**
 * Settles a reservation. ledger.md, "Reservations": an open one posts from what it holds, an expired
 * one takes late commits until one is final or the late window has passed. Freezes do not matter:
 * the call has already happened.
 */
export function decideCommit(state: State, command: CommitCommand, context: Context): Decided {
  const stored = state.reservation(command.reservationId);
  if (stored === undefined) return reservationNotFound(command.reservationId);
  const agent = state.agent(stored.agentUid);
  if (agent === undefined) return reservationNotFound(command.reservationId);
  const pool = poolOf(state, agent);
  const names = addQuantityNames(agent, command.quantities);
  if ('verdict' in names) return names;

  const draft = beginDraft(state, context.now);
  const reservation = settleDue(draft, stored);
  const refusal = refusalOf(reservation, command, context);
  if (refusal !== undefined) return refusal;

  // What the hold covers: what it still holds, or once expired what of it was never posted.
  const late = reservation.state === 'EXPIRED';
  const covered = late
    ? maxAmount(0n, reservation.amount - reservation.committed)
    : reservation.held;
  const amount = command.amount ?? covered;
  const malformed = checkScale(pool, 'amount', amount);
  if (malformed !== undefined) return malformed;
  const overage = maxAmount(0n, amount - covered);
  const before = draftAgent(draft, agent.uid);
  const excess = checkOverage(command, before, reservation, {
    overage,
    unheld: late ? amount : overage,
  });
  if (excess !== undefined) return excess;

  // From here on the commit is certain.
  if (names !== agent.quantityNames) {
    draft.agents.set(agent.uid, { ...before, quantityNames: names });
  }
  const after = post(draft, reservation, { amount, final: command.final });
  const quantities = quantitiesOf(reservation, command);
  const settled = settle(draft, reservation, command, { amount, quantities });
  closeEntry(draft, 'COMMIT', {
    amount,
    reservationId: reservation.id,
    category: reservation.category,
    quantities,
    runId: reservation.runId,
    metadata: command.metadata,
    usage: { agentUid: agent.uid, amount, entries: 1, requests: 0, refunded: 0n, quantities },
  });
  countCommit(draft, reservation, pool, { amount, quantities, final: command.final });
  const warnings: WarningCode[] = [];
  const closed = agent.state === 'CLOSED';
  if (!closed && (late || overage > 0n) && availableOf(after) < 0n) {
    warnings.push('OVERSPENT');
    raiseOverspend(draft, after, pool, amount);
  }
  if (late) warnings.push('LATE_COMMIT');
  if (closed) warnings.push('PAID_BY_POOL');
  if (context.clockJumped) warnings.push('CLOCK_JUMPED');
  return carryOut(draft, {
    amount,
    secondAmount: overage,
    warnings,
    late,
    agent,
    pool,
    reservation: settled,
  });
}

/** What a commit posts: the quantities given, or when it is final all that are still held. */
function quantitiesOf(reservation: Reservation, command: CommitCommand): Quantities {
  if (command.quantities.length > 0) return command.quantities;
  return command.final ? reservation.quantities : [];
}

/** Why a reservation takes no such commit, by its state. */
function refusalOf(
  reservation: Reservation,
  command: CommitCommand,
  context: Context,
): Rejection | undefined {
  switch (reservation.state) {
    case 'COMMITTED':
      return alreadyCommitted(reservation);
    case 'RELEASED':
      return alreadyReleased(reservation);
    case 'EXPIRED':
      if (reservation.settledLate) return alreadyCommitted(reservation);
      if (context.now >= reservation.endTime + context.policy.lateWindowMs) {
        return reservationExpired(reservation, 'The late window of the reservation is over');
      }
      return tooManyCommits(reservation, command, context);
    case 'OPEN':
      return tooManyCommits(reservation, command, context);
  }
}

function tooManyCommits(
  reservation: Reservation,
  command: CommitCommand,
  context: Context,
): Rejection | undefined {
  const max = context.policy.reservationCommitsMax;
  if (command.final || reservation.commits < max) return undefined;
  return reject('TOO_MANY_COMMITS', 'The reservation took as many commits as it may', {
    reservation_id: reservation.id,
    reservation_commits_max: String(max),
  });
}

/**
 * ACTUAL_EXCEEDS_RESERVATION where the policy forbids the overage. `unheld` is what `available` must
 * cover: the overage, and of a late commit all of it, since nothing is held any more.
 */
function checkOverage(
  command: CommitCommand,
  agent: Agent,
  reservation: Reservation,
  cost: { readonly overage: Amount; readonly unheld: Amount },
): Rejection | undefined {
  if (cost.overage === 0n || command.overage === 'SETTLE_ACTUAL') return undefined;
  if (command.overage === 'WITHIN_AVAILABLE' && cost.unheld <= availableOf(agent)) {
    return undefined;
  }
  return reject(
    'ACTUAL_EXCEEDS_RESERVATION',
    'The amount exceeds what is held and the overage policy forbids that',
    {
      reservation_id: reservation.id,
      overage_policy: command.overage,
      held: formatAmount(reservation.held),
      overage: formatAmount(cost.overage),
      available: formatAmount(availableOf(agent)),
    },
  );
}

/** Posts the cost; of an open reservation the hold goes with it, wholly when final. */
function post(
  draft: Draft,
  reservation: Reservation,
  cost: { readonly amount: Amount; readonly final: boolean },
): Agent {
  const agent = draftAgent(draft, reservation.agentUid);
  if (reservation.state === 'EXPIRED') return postSpent(draft, agent, cost.amount);
  const released = cost.final ? reservation.held : minAmount(cost.amount, reservation.held);
  const after = moveMoney(draft, agent.uid, { spent: cost.amount, reserved: -released });
  return cost.final ? countHold(draft, agent.uid, -1) : after;
}

/** The reservation after a commit. An expired one stays EXPIRED. */
function settle(
  draft: Draft,
  reservation: Reservation,
  command: CommitCommand,
  cost: { readonly amount: Amount; readonly quantities: Quantities },
): Reservation {
  const ends = command.final && reservation.state === 'OPEN';
  const settled: Reservation = {
    ...reservation,
    state: ends ? 'COMMITTED' : reservation.state,
    held: ends ? 0n : maxAmount(0n, reservation.held - cost.amount),
    committed: reservation.committed + cost.amount,
    quantities: command.final ? cost.quantities : restOf(reservation.quantities, cost.quantities),
    endTime: ends ? draft.now : reservation.endTime,
    settledLate: command.final && reservation.state === 'EXPIRED',
    commits: reservation.commits + 1,
    verbs: [...reservation.verbs, { method: 'COMMIT', requestId: command.requestId }],
  };
  draft.reservations.push(settled);
  return settled;
}

/** The quantities still held after some were posted: none below 0, and those at 0 left out. */
function restOf(held: Quantities, posted: Quantities): Quantities {
  return held
    .map(({ name, amount }) => {
      const used = posted.find((quantity) => quantity.name === name)?.amount ?? 0n;
      return { name, amount: maxAmount(0n, amount - used) };
    })
    .filter(({ amount }) => amount > 0n);
}
