import type { Command } from '../domain/command.js';
import type { Uid } from '../domain/model.js';
import { ALLOCATED_AGENTS_MAX, type State } from '../domain/state.js';
import { agentsConcerned } from './agents-concerned.js';
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
  for (const uid of agentsConcerned(workspace, command)) settleAgent(running, uid);
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

/** The pool all of whose agents a strategy sets, if it may. */
function poolsSetBy(state: State, command: Command): readonly Uid[] {
  if (!('agentIds' in command) || command.agentIds.length > 0) return [];
  const pool = state.poolById(command.poolId);
  return pool === undefined || pool.agentCount > ALLOCATED_AGENTS_MAX ? [] : [pool.uid];
}
