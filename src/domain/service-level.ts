import { AMOUNT_DECIMALS, minAmount, type Amount } from './amount.js';
import type { Instant } from './model.js';
import type { Scope, ScopeKind } from './scope.js';

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

/** The scope of a key of levels. */
export function scopeOfLevelsKey(key: string): Scope {
  const [kind = '', uid = ''] = key.split('/');
  return { kind: kind as ScopeKind, uid: Number(uid) };
}

/** Levels of one set. */
export const LEVELS_MAX = 16;

/** Features of one level. */
export const FEATURES_MAX = 32;

/** One percent as a threshold. */
const PERCENT: Amount = 10n ** BigInt(AMOUNT_DECIMALS);

/** All of the baseline. */
export const WHOLE: Amount = 100n * PERCENT;

/** How far above its threshold an agent rises to a level: api.md, "Guide to RPC". */
const RISE: Amount = 2n * PERCENT;

/** The levels where nobody set any: those of the guide, "Graceful Degradation". */
export const BUILT_IN_LEVELS: readonly ServiceLevel[] = [
  { name: 'full', minPercent: 50n * PERCENT, features: ['high_quality', 'all_capabilities'] },
  {
    name: 'standard',
    minPercent: 20n * PERCENT,
    features: ['medium_quality', 'core_capabilities'],
  },
  { name: 'minimal', minPercent: 5n * PERCENT, features: ['low_quality', 'basic_capabilities'] },
  { name: 'emergency', minPercent: 0n, features: ['text_only', 'critical_only'] },
];

/**
 * The level of who has this much remaining and was at a level before. Falling is immediate, rising needs
 * 2 points above the threshold, or 100 where that would be more. A name that is not in the set, such as
 * the empty one, was no level: then the thresholds count as they are. A baseline of 0 is the lowest
 * level. Percent are compared exactly, by products, never by what is printed.
 */
export function levelAfter<Level extends ServiceLevel>(
  levels: readonly Level[],
  currentName: string,
  remaining: Amount,
  baseline: Amount,
): Level {
  const lowest = levels[levels.length - 1];
  if (lowest === undefined) throw new Error('a set without levels');
  if (baseline <= 0n) return lowest;
  const share = remaining * WHOLE;
  let index = 0;
  const current = levels.findIndex(({ name }) => name === currentName);
  for (const level of levels) {
    const threshold = index < current ? riseAt(level.minPercent) : level.minPercent;
    if (share >= threshold * baseline) return level;
    index += 1;
  }
  return lowest;
}

function riseAt(minPercent: Amount): Amount {
  return minAmount(minPercent + RISE, WHOLE);
}
