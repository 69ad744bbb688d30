import { accessDenied } from '../domain/decide/alarms.js';
import type { DeniedAccess } from './api.js';
import type { Judging } from './judge.js';

/**
 * Raises that a principal was denied access: on the agent that it asked for, where there is one.
 * Within an episode of the two only a count in memory changes.
 */
export function raiseDeniedAccess({ workspace }: Judging, denied: DeniedAccess): void {
  const { principal, method, agentId } = denied;
  const agent = agentId === '' ? undefined : workspace.agentById(agentId);
  const pool = agent && workspace.pool(agent.poolUid);
  const subject = agent && pool && { agent, pool };
  // Not counted among the agent's denials: it was not the one that asked.
  workspace.denied.push({
    agentUid: 0,
    alarm: accessDenied(principal, method, agentId, subject),
  });
}
