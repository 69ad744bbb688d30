import { fitsScale } from '../amount.js';
import { reject, type Rejection } from '../answer.js';
import { debtOf, remainingOf } from '../budget.js';
import type { DeleteAgentCommand, MoveAgentCommand } from '../command.js';
import { carryOut, unchanged, type Decided } from '../decided.js';
import {
  beginDraft,
  closeEntry,
  draftAgent,
  draftPool,
  moveMoney,
  movePool,
  touch,
} from '../draft.js';
import { leaveAlerts } from '../end-alerts.js';
import type { Agent, Pool, Reservation } from '../model.js';
import type { Context, State } from '../state.js';
import { countAgent, reviseAgent } from './agents.js';
import { agentClosed, agentNotFound, checkRevision, poolNotFound, poolOf } from './checks.js';
import { raisePoolBaseline, takeFree } from './funds.js';
import { moveHoldCounts } from './hold-counts.js';
import { endHold } from './holds.js';
import { dropRulesOf } from './rules.js';
import { dropServiceLevels } from './service-levels.js';
import { dropSchedulesOf } from './schedules.js';

/**
 * Moves an agent to another pool. What it has left, holds included, leaves the old pool as funding of
 * the new one; what it spent stays with the old one. An agent below zero takes its debt along, which
 * the new pool must have free.
 */
export function decideMoveAgent(
  state: State,
  command: MoveAgentCommand,
  context: Context,
): Decided {
  const agent = state.agentById(command.agentId);
  if (agent === undefined) return agentNotFound(command.agentId);
  if (agent.state === 'CLOSED') return agentClosed(agent);
  const source = poolOf(state, agent);
  const target = state.poolById(command.poolId);
  if (target === undefined) return poolNotFound(command.poolId);
  const refusal =
    checkRevision(command.expectedRevision, agent.revision) ??
    checkUnits(source, target) ??
    checkDigits(agent, state.openReservations(agent.uid), target);
  if (refusal !== undefined) return refusal;
  if (source.uid === target.uid) return unchanged({ agent, pool: source });

  const draft = beginDraft(state, context.now);
  const moved = agent.allocated - agent.spent;
  const debt = debtOf(agent);
  touch(draft, 'AGENT', agent.uid, agent.lastSequence);
  // The pool it left first, the one it joined last: a verification follows the agent by that order.
  touch(draft, 'POOL', source.uid, source.lastSequence);
  const shortage = takeFree(draft, target, debt);
  if (shortage !== undefined) return shortage;
  movePool(draft, source.uid, { funded: -moved, reserved: -agent.reserved, debt: -debt });
  movePool(draft, target.uid, { funded: moved, reserved: agent.reserved, debt });
  if (moved > 0n) raisePoolBaseline(draft, target.uid);
  moveHoldCounts(draft, agent, state.openReservations(agent.uid), target);
  leaveAlerts(draft, agent, ['EACH_AGENT_OF_POOL', 'LIMIT'], 'agent moved');
  countAgent(draft, source.uid, -1);
  countAgent(draft, target.uid, 1);
  reviseAgent(draft, agent, { poolUid: target.uid });
  closeEntry(draft, 'AGENT_MOVE', {
    amount: moved,
    changes: [{ field: 'pool_id', before: source.id, after: target.id }],
  });
  return carryOut(draft, { amount: moved, agent, pool: target });
}

/** UNIT_MISMATCH when two pools count in different units. */
export function checkUnits(source: Pool, target: Pool): Rejection | undefined {
  if (source.unit === target.unit) return undefined;
  return reject('UNIT_MISMATCH', 'The pools count in different units', {
    source_unit: source.unit,
    destination_unit: target.unit,
  });
}

/** UNIT_MISMATCH when an agent's money has digits beyond the new pool's scale. */
function checkDigits(
  agent: Agent,
  holds: readonly Reservation[],
  target: Pool,
): Rejection | undefined {
  const amounts = [
    agent.allocated,
    agent.spent,
    agent.overdraftLimit,
    ...holds.map((hold) => hold.held),
  ];
  if (amounts.every((amount) => fitsScale(amount, target.scale))) return undefined;
  return reject('UNIT_MISMATCH', 'The money of the agent has digits beyond the scale of the pool', {
    agent_id: agent.id,
    pool_id: target.id,
    scale: String(target.scale),
  });
}

/**
 * Closes an agent. What remains returns to the pool, debt is charged to it, so that allocated = spent
 * from then on. Open reservations are released first when the command says so.
 */
export function decideDeleteAgent(
  state: State,
  command: DeleteAgentCommand,
  context: Context,
): Decided {
  const agent = state.agentById(command.agentId);
  if (agent === undefined) return agentNotFound(command.agentId);
  if (agent.state === 'CLOSED') return agentClosed(agent);
  const stale = checkRevision(command.expectedRevision, agent.revision);
  if (stale !== undefined) return stale;
  if (agent.openReservations > 0 && !command.releaseReservations) {
    return reject(
      'AGENT_HAS_RESERVATIONS',
      'The agent has open reservations. Settle them or release them with the deletion',
      { agent_id: agent.id, open_reservation_count: String(agent.openReservations) },
    );
  }

  const draft = beginDraft(state, context.now);
  for (const hold of state.openReservations(agent.uid)) {
    endHold(draft, hold, hold.expireTime <= context.now ? 'EXPIRED' : 'RELEASED');
  }
  const returned = remainingOf(draftAgent(draft, agent.uid));
  touch(draft, 'AGENT', agent.uid, draftAgent(draft, agent.uid).lastSequence);
  touch(draft, 'POOL', agent.poolUid, draftPool(draft, agent.poolUid).lastSequence);
  moveMoney(draft, agent.uid, { allocated: -returned });
  dropRulesOf(draft, 'AGENT', agent.uid);
  leaveAlerts(draft, agent, ['EACH_AGENT_OF_POOL', 'EVERY_AGENT', 'LIMIT'], 'agent deleted');
  dropSchedulesOf(draft, 'AGENT', agent.uid);
  countAgent(draft, agent.poolUid, -1);
  reviseAgent(draft, agent, { state: 'CLOSED', deleteTime: context.now });
  closeEntry(draft, 'AGENT_DELETE', {
    amount: returned,
    changes: [
      { field: 'state', before: agent.state, after: 'CLOSED' },
      ...dropServiceLevels(draft, { kind: 'AGENT', uid: agent.uid }),
    ],
  });
  return carryOut(draft, { amount: returned, agent, pool: poolOf(state, agent) });
}
