import type { Command, TransferParty } from '../domain/command.js';
import type { Uid } from '../domain/model.js';
import { ALLOCATED_AGENTS_MAX, type State } from '../domain/state.js';
import { finishPoolRuns, markNewcomer, settleAgent, type Running } from './pool-runs.js';

/**
 * Sees to it that a command meets budgets as they are after every run that was due: while a run goes
 * through a large pool, the agents that the command is about are set before it is judged. However many
 * wait, nobody is judged on last month's money.
 */
export function settleBudgets(running: Running, command: Command): void {
  const { workspace } = running;
  if (workspace.rules.schedules.running.length === 0) return;
  for (const uid of poolsSetBy(workspace, command)) finishPoolRuns(running, uid);
  for (const uid of agentsOf(workspace, command)) settleAgent(running, uid);
  if (command.method === 'MOVE_AGENT') {
    newcomer(running, command.agentId, command.poolId);
  } else if (command.method === 'APPLY_CONFIGURATION') {
    for (const { id, poolId } of command.agents) newcomer(running, id, poolId);
  }
}

/** An agent that is set by the runs of the pool it leaves is not set by those of the one it joins. */
function newcomer(running: Running, agentId: string, poolId: string | undefined): void {
  const agent = running.workspace.agentById(agentId);
  const pool = poolId === undefined ? undefined : running.workspace.poolById(poolId);
  if (agent !== undefined && pool !== undefined && agent.poolUid !== pool.uid) {
    markNewcomer(running, agent.uid, pool.uid);
  }
}

/** The agents that a command is about. */
function agentsOf(state: State, command: Command): readonly Uid[] {
  const { method } = command;
  if (method === 'COMMIT' || method === 'RELEASE' || method === 'EXTEND') {
    const reservation = state.reservation(command.reservationId);
    return reservation === undefined ? [] : [reservation.agentUid];
  }
  if (method === 'REFUND') {
    const accounts = state.entry(command.sequence)?.accounts ?? [];
    return accounts.filter(({ kind }) => kind === 'AGENT').map(({ uid }) => uid);
  }
  return uidsOf(state, idsOf(command));
}

function idsOf(command: Command): readonly string[] {
  const { method } = command;
  if (method === 'TRANSFER') return [command.source, command.destination].flatMap(agentIdOf);
  if (method === 'APPLY_CONFIGURATION') return command.agents.map(({ id }) => id);
  if ('agentIds' in command) return command.agentIds;
  return 'agentId' in command ? [command.agentId] : [];
}

/** The pool all of whose agents a strategy sets, if it may. */
function poolsSetBy(state: State, command: Command): readonly Uid[] {
  if (!('agentIds' in command) || command.agentIds.length > 0) return [];
  const pool = state.poolById(command.poolId);
  return pool === undefined || pool.agentCount > ALLOCATED_AGENTS_MAX ? [] : [pool.uid];
}

function agentIdOf({ kind, id }: TransferParty): readonly string[] {
  return kind === 'AGENT' ? [id] : [];
}

function uidsOf(state: State, ids: readonly string[]): readonly Uid[] {
  return ids.flatMap((id) => state.agentById(id)?.uid ?? []);
}
