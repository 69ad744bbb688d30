import { formatAmount } from '../../domain/amount.js';
import type { NamedLevels, PlacedLevel } from '../../domain/effective-levels.js';
import type { ScopeKind } from '../../domain/scope.js';
import { BUILT_IN_LEVELS } from '../../domain/service-level.js';
import {
  ServiceLevelSource as Source,
  type NextServiceLevel,
  type ServiceLevel,
  type ServiceLevels,
} from '../../gen/safeguards/v1/service_level_pb.js';
import { timestampOf } from './time.js';

/** What every answer at a level says, made once. */
interface Shared {
  readonly features: string[];
  readonly nextLower: NextServiceLevel | undefined;
}

const SHARED = new WeakMap<PlacedLevel, Shared>();

/** Prints the level of an agent, with the percentage that its budget prints. */
export function encodeServiceLevel(level: PlacedLevel, remainingPercent: string): ServiceLevel {
  let shared = SHARED.get(level);
  if (shared === undefined) {
    shared = sharedOf(level);
    SHARED.set(level, shared);
  }
  return {
    $typeName: 'safeguards.v1.ServiceLevel',
    name: level.name,
    features: shared.features,
    remainingPercent,
    nextLower: shared.nextLower,
  };
}

/** Prints the level of what an answer has of an agent: its level and its budget. */
export function serviceLevelOf(
  level: PlacedLevel | undefined,
  budget: { readonly remainingPercent: string } | undefined,
): ServiceLevel | undefined {
  if (level === undefined || budget === undefined) return undefined;
  return encodeServiceLevel(level, budget.remainingPercent);
}

function sharedOf({ features, minPercent, nextLower }: PlacedLevel): Shared {
  return {
    features: [...features],
    nextLower: nextLower && {
      $typeName: 'safeguards.v1.NextServiceLevel',
      name: nextLower.name,
      // An agent leaves its level for the next one below the level's own threshold.
      atPercent: formatAmount(minPercent),
    },
  };
}

/** Whose levels a set's scope says they are. */
const SOURCES: Partial<Record<ScopeKind, Source>> = {
  AGENT: Source.AGENT,
  EACH_AGENT_OF_POOL: Source.POOL,
  EVERY_AGENT: Source.EVERY_AGENT,
};

/** Prints the levels that count for a scope. */
export function encodeServiceLevels({ sourceId, set }: NamedLevels): ServiceLevels {
  const kind = set?.scope.kind;
  return {
    $typeName: 'safeguards.v1.ServiceLevels',
    source: (kind && SOURCES[kind]) ?? Source.BUILT_IN,
    agentId: kind === 'AGENT' ? sourceId : '',
    poolId: kind === 'EACH_AGENT_OF_POOL' ? sourceId : '',
    levels: (set?.levels ?? BUILT_IN_LEVELS).map(({ name, minPercent, features }) => ({
      $typeName: 'safeguards.v1.ServiceLevelDefinition',
      name,
      minPercent: formatAmount(minPercent),
      features: [...features],
    })),
    revision: BigInt(set?.revision ?? 0),
    createTime: set && timestampOf(set.createTime),
    updateTime: set && timestampOf(set.updateTime),
  };
}
