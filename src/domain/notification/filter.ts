import { rankOf, type Severity, type ViolationEvent, type ViolationType } from './notification.js';

/** What a channel wants to be told. An empty list leaves nothing out. */
export interface ChannelFilter {
  readonly minSeverity: Severity;
  readonly agentIds: readonly string[];
  readonly poolIds: readonly string[];
  readonly types: readonly ViolationType[];
}

/**
 * Whether an event passes a channel's filter: every list that is not empty must name the violation as
 * it is in the event. A violation of a pool as a whole has no agent, so a list of agents leaves it out.
 */
export function isWanted(filter: ChannelFilter, { violation }: ViolationEvent): boolean {
  const { minSeverity, agentIds, poolIds, types } = filter;
  return (
    rankOf(violation.severity) >= rankOf(minSeverity) &&
    admits(agentIds, violation.agentId) &&
    admits(poolIds, violation.poolId) &&
    admits(types, violation.type)
  );
}

function admits<T>(list: readonly T[], value: T): boolean {
  return list.length === 0 || list.includes(value);
}
