import type { Amount } from './amount.js';
import type { Instant } from './model.js';
import type { Scope } from './scope.js';

/** One level of service. Guide: "Graceful Degradation". */
export interface ServiceLevel {
  readonly name: string;
  /** The agent is at this level from this much remaining on, in percent of its baseline. */
  readonly minPercent: Amount;
  /** What the agent may do at this level; words of the client. */
  readonly features: readonly string[];
}

/** The levels of one scope: AGENT, EACH_AGENT_OF_POOL or EVERY_AGENT. */
export interface ServiceLevels {
  readonly scope: Scope;
  /** From the highest threshold to the lowest, which is 0. */
  readonly levels: readonly ServiceLevel[];
  readonly revision: number;
  readonly createTime: Instant;
  readonly updateTime: Instant;
}

/** The key of a scope's levels. */
export function serviceLevelsKey(scope: Scope): string {
  return `${scope.kind}/${scope.uid}`;
}
