import type { BudgetAlert } from '../domain/alert.js';
import type { Rejection } from '../domain/answer.js';
import { agentNotFound, poolNotFound } from '../domain/decide/checks.js';
import type { AlertFilter, Page, PageRequest } from './api.js';
import { collect, type ListSources } from './lists.js';

/** Alerts by id, of one agent, of one pool, or all. */
export function listAlerts(
  { reader, rows }: ListSources,
  { agentId, poolId }: AlertFilter,
  page: PageRequest,
): Page<BudgetAlert> | Rejection {
  const agent = agentId === '' ? undefined : rows.agentById(agentId);
  if (agentId !== '' && agent === undefined) return agentNotFound(agentId);
  const pool = poolId === '' ? undefined : rows.poolById(poolId);
  if (poolId !== '' && pool === undefined) return poolNotFound(poolId);
  const wanted = ({ scope }: BudgetAlert): boolean => {
    const ofPool = scope.kind === 'EACH_AGENT_OF_POOL';
    if (agent !== undefined) {
      if (ofPool) return scope.uid === agent.poolUid;
      return scope.kind === 'EVERY_AGENT' || (scope.kind === 'AGENT' && scope.uid === agent.uid);
    }
    return pool === undefined || ((ofPool || scope.kind === 'POOL') && scope.uid === pool.uid);
  };
  return collect(
    reader.rows('alerts', page.after === undefined ? {} : { after: page.after }),
    page.size,
    ([id]) => id,
    ([, alert]) => (wanted(alert) ? alert : undefined),
  );
}
