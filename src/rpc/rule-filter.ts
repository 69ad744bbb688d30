import type { Rejection } from '../domain/answer.js';
import { poolNotFound } from '../domain/decide/checks.js';
import type { Uid } from '../domain/model.js';
import type { Scoped } from '../domain/scope.js';
import type { LedgerApi } from '../ledger/api.js';
import { agentOf } from './budget-service.js';
import { isFailure } from './status.js';

/** Whose rules are listed: an agent's and its pool's, a pool's, or all when both are undefined. */
export interface RuleFilter {
  readonly agentUid: Uid | undefined;
  readonly poolUid: Uid | undefined;
}

/** Finds the agent or pool whose rules are asked for. */
export function ruleFilter(
  ledger: LedgerApi,
  { agentId, poolId = '' }: { readonly agentId: string; readonly poolId?: string },
): RuleFilter | Rejection {
  if (agentId !== '') {
    const found = agentOf(ledger, agentId);
    if (isFailure(found)) return found;
    return { agentUid: found.agent.uid, poolUid: found.agent.poolUid };
  }
  if (poolId === '') return { agentUid: undefined, poolUid: undefined };
  const pool = ledger.pool(poolId);
  return pool === undefined ? poolNotFound(poolId) : { agentUid: undefined, poolUid: pool.uid };
}

/** Whether a rule is among those that were asked for. */
export function judges({ agentUid, poolUid }: RuleFilter, { scope }: Scoped): boolean {
  if (poolUid === undefined) return true;
  switch (scope.kind) {
    case 'AGENT':
      return scope.uid === agentUid;
    case 'POOL':
    case 'EACH_AGENT_OF_POOL':
      return scope.uid === poolUid;
    case 'EVERY_AGENT':
      return agentUid !== undefined;
    case 'LIMIT':
      return false;
  }
}
