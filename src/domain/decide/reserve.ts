import { reject } from '../answer.js';
import type { ReserveCommand } from '../command.js';
import { carryOut, deny, type Decided } from '../decided.js';
import { beginDraft, closeEntry, countHold, moveMoney } from '../draft.js';
import type { Reservation } from '../model.js';
import type { Context, State } from '../state.js';
import { raiseReports } from './alarms.js';
import {
  addQuantityNames,
  agentClosed,
  agentNotFound,
  checkScale,
  checkUnit,
  frozenDenial,
  poolOf,
} from './checks.js';
import { grantOf, useOf } from './grant.js';
import { countUse } from './limit-checks.js';

/** Judges a hold: as a spend, but the amount is held until it is committed, released or expires. */
export function decideReserve(state: State, command: ReserveCommand, context: Context): Decided {
  const agent = state.agentById(command.agentId);
  if (agent === undefined) return agentNotFound(command.agentId);
  const pool = poolOf(state, agent);
  const malformed = checkScale(pool, 'amount', command.amount) ?? checkUnit(pool, command.unit);
  if (malformed !== undefined) return malformed;
  const names = addQuantityNames(agent, command.quantities);
  if ('verdict' in names) return names;

  if (agent.state === 'CLOSED') return agentClosed(agent);
  const frozen = frozenDenial(agent, pool, command.amount);
  if (frozen !== undefined) return deny(frozen, { agent, pool });
  if (agent.openReservations >= context.policy.openReservationsMax) {
    return reject(
      'TOO_MANY_RESERVATIONS',
      'The agent has as many open reservations as it may. Commit or release some',
      { agent_id: agent.id, open_reservations_max: String(context.policy.openReservationsMax) },
    );
  }
  const grant = grantOf(state, command, agent, pool, context);
  if ('denial' in grant) return deny(grant.denial, { agent, pool }, grant.alarm);
  const { granted } = grant;

  // From here on the hold is certain.
  const reservation: Reservation = {
    id: command.dryRun ? '' : context.newId(),
    agentUid: agent.uid,
    state: 'OPEN',
    amount: granted,
    held: granted,
    committed: 0n,
    category: command.category,
    quantities: command.quantities,
    runId: command.runId,
    metadata: command.metadata,
    extensions: 0,
    createTime: context.now,
    expireTime: context.now + command.ttlMs,
    endTime: 0,
    settledLate: false,
    commits: 0,
    verbs: command.requestId === '' ? [] : [{ method: 'RESERVE', requestId: command.requestId }],
  };
  const draft = beginDraft(state, context.now);
  if (names !== agent.quantityNames) {
    draft.agents.set(agent.uid, { ...agent, quantityNames: names });
  }
  moveMoney(draft, agent.uid, { reserved: granted });
  countHold(draft, agent.uid, 1);
  draft.reservations.push(reservation);
  closeEntry(draft, 'RESERVE', {
    amount: granted,
    reservationId: reservation.id,
    category: command.category,
    quantities: command.quantities,
    runId: command.runId,
    metadata: command.metadata,
    usage: {
      agentUid: agent.uid,
      amount: 0n,
      entries: 0,
      requests: 1,
      refunded: 0n,
      quantities: [],
    },
  });
  countUse(draft, agent, pool, useOf(command, granted), context.now);
  raiseReports(draft, grant.reports);
  return carryOut(draft, {
    amount: granted,
    warnings: context.clockJumped ? ['CLOCK_JUMPED'] : [],
    agent,
    pool,
    reservation,
  });
}
