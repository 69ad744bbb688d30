import { changesIn } from '../domain/collection.js';
import type { Agent, Uid } from '../domain/model.js';
import type { Scope } from '../domain/scope.js';
import { scopeOfLevelsKey } from '../domain/service-level.js';
import type { Workspace } from './workspace.js';

/** Told of every watched agent that a durable group changed. */
export type FeedListener = (agent: Agent) => void;

/** Told of every scope whose service levels a durable group changed. */
export type LevelsListener = (scope: Scope) => void;

/** Wakes those who watch agents or pools. Costs nothing where nobody watches. */
export interface BudgetFeed {
  watchAgent(uid: Uid, listener: FeedListener): () => void;
  /** Also told of agents that leave the pool: their row names another one, or is closed. */
  watchPool(uid: Uid, listener: FeedListener): () => void;
  watchLevels(listener: LevelsListener): () => void;
  /** `movedFrom` has the pools that agents of the group left. */
  publish(workspace: Workspace, movedFrom: ReadonlyMap<Uid, Uid>): void;
}

/** Makes a feed without listeners. */
export function makeBudgetFeed(): BudgetFeed {
  const agents = new Map<Uid, Set<FeedListener>>();
  const pools = new Map<Uid, Set<FeedListener>>();
  const levels = new Set<LevelsListener>();
  return {
    watchAgent: (uid, listener) => add(agents, uid, listener),
    watchPool: (uid, listener) => add(pools, uid, listener),
    watchLevels: (listener) => {
      levels.add(listener);
      return () => {
        levels.delete(listener);
      };
    },
    publish: (workspace, movedFrom) => {
      if (agents.size === 0 && pools.size === 0) return;
      for (const key of changesIn(workspace.rowChanges, 'service_levels').keys()) {
        for (const listener of levels) listener(scopeOfLevelsKey(key));
      }
      for (const agent of workspace.agents.values()) {
        tell(agents, agent.uid, agent);
        tell(pools, agent.poolUid, agent);
        const left = movedFrom.get(agent.uid);
        if (left !== undefined) tell(pools, left, agent);
      }
    },
  };
}

function add(listeners: Map<Uid, Set<FeedListener>>, uid: Uid, listener: FeedListener): () => void {
  const those = listeners.get(uid) ?? new Set();
  listeners.set(uid, those.add(listener));
  return () => {
    those.delete(listener);
    if (those.size === 0) listeners.delete(uid);
  };
}

function tell(listeners: Map<Uid, Set<FeedListener>>, uid: Uid, agent: Agent): void {
  const those = listeners.get(uid);
  if (those !== undefined) for (const listener of those) listener(agent);
}
