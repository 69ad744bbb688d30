import { remainingOf } from './budget.js';
import type { Agent, Uid } from './model.js';
import type { Scope } from './scope.js';
import {
  BUILT_IN_LEVELS,
  levelAfter,
  serviceLevelsKey,
  type ServiceLevel,
  type ServiceLevels,
} from './service-level.js';

/** A level in its set. There is one object per level of a set, which all answers share. */
export interface PlacedLevel extends ServiceLevel {
  /** Undefined at the lowest. */
  readonly nextLower: ServiceLevel | undefined;
}

/** The levels that count for somebody. */
export interface EffectiveLevels {
  /** From the highest threshold to the lowest. Never empty. */
  readonly levels: readonly PlacedLevel[];
  /** The set that they are of; undefined: nobody set any. */
  readonly set: ServiceLevels | undefined;
}

/** The levels that count for a scope, and whose they are. */
export interface NamedLevels {
  /** The id of the agent or pool whose they are; empty for every agent's and the built-in ones. */
  readonly sourceId: string;
  readonly set: ServiceLevels | undefined;
}

/** Finds the levels that count: the agent's own, else its pool's, else everybody's, else the built-in. */
export interface LevelIndex {
  ofAgent(agent: Pick<Agent, 'uid' | 'poolUid'>): EffectiveLevels;
  ofPool(poolUid: Uid): EffectiveLevels;
  ofEveryAgent(): EffectiveLevels;
}

const BUILT_IN: EffectiveLevels = { levels: placed(BUILT_IN_LEVELS), set: undefined };

/** Of every set, so that its levels stay the same objects when another set changes. */
const EFFECTIVE = new WeakMap<ServiceLevels, EffectiveLevels>();

/** Indexes sets of levels by whom they are for. */
export function levelIndex(sets: ReadonlyMap<string, ServiceLevels>): LevelIndex {
  const agents = new Map<Uid, EffectiveLevels>();
  const pools = new Map<Uid, EffectiveLevels>();
  for (const set of sets.values()) {
    if (set.scope.kind === 'AGENT') agents.set(set.scope.uid, effectiveOf(set));
    if (set.scope.kind === 'EACH_AGENT_OF_POOL') pools.set(set.scope.uid, effectiveOf(set));
  }
  const common = sets.get(serviceLevelsKey({ kind: 'EVERY_AGENT', uid: 0 }));
  const everybody = common === undefined ? BUILT_IN : effectiveOf(common);
  const ofPool = (poolUid: Uid): EffectiveLevels => pools.get(poolUid) ?? everybody;
  return {
    ofAgent: ({ uid, poolUid }) => agents.get(uid) ?? ofPool(poolUid),
    ofPool,
    ofEveryAgent: () => everybody,
  };
}

/** The levels that count for a scope of levels. */
export function levelsOfScope(
  index: LevelIndex,
  scope: Scope,
  agent: Agent | undefined,
): EffectiveLevels {
  if (agent !== undefined) return index.ofAgent(agent);
  return scope.kind === 'EACH_AGENT_OF_POOL' ? index.ofPool(scope.uid) : index.ofEveryAgent();
}

/** The level that an agent is at, by its row and the levels that count now. */
export function levelOf(index: LevelIndex, agent: Agent): PlacedLevel {
  const { levels } = index.ofAgent(agent);
  return levelAfter(levels, agent.serviceLevel, remainingOf(agent), agent.baseline);
}

/**
 * The level of an answer that was stored under a name. When the levels that count now have none of that
 * name, the name is all that is left of it.
 */
export function levelNamed(index: LevelIndex, agent: Agent): PlacedLevel {
  const { levels } = index.ofAgent(agent);
  const name = agent.serviceLevel;
  if (name === '') return levelOf(index, agent);
  const found = levels.find((level) => level.name === name);
  return found ?? { name, minPercent: 0n, features: [], nextLower: undefined };
}

/** Names whose levels they are. */
export function namedLevels(
  rows: {
    agent(uid: Uid): { readonly id: string } | undefined;
    pool(uid: Uid): { readonly id: string } | undefined;
  },
  { set }: EffectiveLevels,
): NamedLevels {
  if (set === undefined) return { sourceId: '', set };
  const { kind, uid } = set.scope;
  if (kind === 'AGENT') return { sourceId: rows.agent(uid)?.id ?? '', set };
  if (kind === 'EACH_AGENT_OF_POOL') return { sourceId: rows.pool(uid)?.id ?? '', set };
  return { sourceId: '', set };
}

function effectiveOf(set: ServiceLevels): EffectiveLevels {
  const known = EFFECTIVE.get(set);
  if (known !== undefined) return known;
  const made = { levels: placed(set.levels), set };
  EFFECTIVE.set(set, made);
  return made;
}

function placed(levels: readonly ServiceLevel[]): readonly PlacedLevel[] {
  return levels.map((level, at) => ({ ...level, nextLower: levels[at + 1] }));
}
