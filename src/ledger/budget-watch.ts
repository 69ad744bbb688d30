import { rejectFields, type Rejection } from '../domain/answer.js';
import { agentsNotFound, poolNotFound } from '../domain/decide/checks.js';
import { levelOf, type LevelIndex, type PlacedLevel } from '../domain/effective-levels.js';
import type { Agent, Instant, Uid } from '../domain/model.js';
import type { Scope } from '../domain/scope.js';
import type { BudgetEvent, WatchSelection } from './api.js';
import type { BudgetFeed } from './budget-feed.js';
import type { DurableRows } from './rows.js';
import type { StoreReader } from './store.js';

/** What a watch reads from. */
export interface WatchSources {
  readonly feed: BudgetFeed;
  readonly rows: DurableRows;
  readonly reader: StoreReader;
  readonly headSequence: () => number;
  readonly now: () => Instant;
  /** Agents of a pool that may be watched together. */
  readonly agentsMax: number;
}

/**
 * Watches budgets: a snapshot, then the newest row of each agent that changed, at most once per
 * interval. What is pending is a set of agents, so a slow reader costs a row per agent, never a queue.
 * A change of service levels looks through the watched agents for those that are at another one now.
 */
export function watchBudgets(
  sources: WatchSources,
  selection: WatchSelection,
  minIntervalMs: number,
  signal: AbortSignal,
): AsyncIterable<BudgetEvent> | Rejection {
  const watched = new Map<Uid, Agent>();
  let poolUid: Uid | undefined;
  if (selection.kind === 'POOL') {
    const pool = sources.rows.poolById(selection.poolId);
    if (pool === undefined) return poolNotFound(selection.poolId);
    poolUid = pool.uid;
    if (pool.agentCount > sources.agentsMax) return tooManyAgents(sources.agentsMax);
    for (const [, uid] of sources.reader.agentIds(undefined, poolUid)) {
      const agent = sources.rows.agent(uid);
      if (agent?.poolUid === poolUid && agent.state !== 'CLOSED') watched.set(uid, agent);
    }
  } else {
    const missing: string[] = [];
    for (const id of selection.agentIds) {
      const agent = sources.rows.agentById(id);
      if (agent === undefined) missing.push(id);
      else watched.set(agent.uid, agent);
    }
    if (missing.length > 0) return agentsNotFound(missing);
  }
  return events(sources, subscribe(sources, watched, poolUid, signal), minIntervalMs, signal);
}

function tooManyAgents(max: number): Rejection {
  return rejectFields([
    { field: 'pool_id', description: `the pool has more than ${max} agents; watch some by id` },
  ]);
}

/** A watch from the moment it was asked for: what changes after that is pending, read or not. */
interface Subscription {
  readonly snapshot: ReadonlyMap<Uid, Agent>;
  /** The levels of service at that moment. */
  readonly levels: LevelIndex;
  readonly complete: BudgetEvent;
  readonly poolUid: Uid | undefined;
  /** Changed since they were last sent. */
  readonly pending: Set<Uid>;
  /** Whose level may be another since the sets of levels changed. */
  readonly recheck: Set<Uid>;
  /** In the snapshot or sent since, and not told to have left, with the level last sent. */
  readonly members: Map<Uid, PlacedLevel | undefined>;
  /** Settles when something is pending or to recheck, or the signal aborts. */
  changed(): Promise<void>;
  stop(): void;
}

function subscribe(
  sources: WatchSources,
  snapshot: ReadonlyMap<Uid, Agent>,
  poolUid: Uid | undefined,
  signal: AbortSignal,
): Subscription {
  const { feed } = sources;
  const pending = new Set<Uid>();
  let wake: () => void = () => undefined;
  const onChange = (agent: Agent): void => {
    pending.add(agent.uid);
    wake();
  };
  const recheck = new Set<Uid>();
  const members = new Map<Uid, PlacedLevel | undefined>();
  for (const uid of snapshot.keys()) members.set(uid, undefined);
  const onLevels = (scope: Scope): void => {
    for (const uid of whoFollows(scope, members, poolUid)) recheck.add(uid);
    if (recheck.size > 0) wake();
  };
  const stops =
    poolUid === undefined
      ? [...snapshot.keys()].map((uid) => feed.watchAgent(uid, onChange))
      : [feed.watchPool(poolUid, onChange)];
  stops.push(feed.watchLevels(onLevels));
  const stop = (): void => {
    signal.removeEventListener('abort', stop);
    for (const end of stops) end();
    wake();
  };
  signal.addEventListener('abort', stop);
  return {
    snapshot,
    levels: sources.rows.rules.levels,
    complete: {
      kind: 'SNAPSHOT_COMPLETE',
      sequence: sources.headSequence(),
      agentCount: snapshot.size,
      time: sources.now(),
    },
    poolUid,
    pending,
    recheck,
    members,
    changed: () =>
      new Promise((resolve) => {
        if (pending.size > 0 || recheck.size > 0 || signal.aborted) resolve();
        else wake = resolve;
      }),
    stop,
  };
}

/** The watched agents that the levels of a scope may be for. */
function whoFollows(
  { kind, uid }: Scope,
  members: ReadonlyMap<Uid, unknown>,
  poolUid: Uid | undefined,
): Iterable<Uid> {
  if (kind === 'AGENT') return members.has(uid) ? [uid] : [];
  const elsewhere = kind === 'EACH_AGENT_OF_POOL' && poolUid !== undefined && poolUid !== uid;
  return elsewhere ? [] : members.keys();
}

async function* events(
  sources: WatchSources,
  watch: Subscription,
  minIntervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<BudgetEvent> {
  const isOver = (): boolean => signal.aborted;
  try {
    for (const event of snapshot(sources, watch)) {
      if (isOver()) return;
      yield event;
    }
    yield watch.complete;
    for (;;) {
      await watch.changed();
      if (isOver()) return;
      const batch = [...watch.pending];
      watch.pending.clear();
      for (const uid of batch) {
        const event = changeOf(sources, uid, watch);
        if (isOver()) return;
        if (event !== undefined) yield event;
      }
      yield* relevelled(sources, watch, signal);
      await pause(minIntervalMs, signal);
    }
  } finally {
    watch.stop();
  }
}

function* snapshot(sources: WatchSources, watch: Subscription): Generator<BudgetEvent> {
  for (const agent of watch.snapshot.values()) {
    const pool = sources.rows.pool(agent.poolUid);
    if (pool === undefined) continue;
    const level = levelOf(watch.levels, agent);
    watch.members.set(agent.uid, level);
    yield { kind: 'BUDGET', agent, pool, level };
  }
}

/** Agents that are looked at in one turn of the event loop. */
const RECHECKED_MAX = 500;

/** The agents that are at another level since the sets of levels changed. */
async function* relevelled(
  sources: WatchSources,
  watch: Subscription,
  signal: AbortSignal,
): AsyncGenerator<BudgetEvent> {
  const batch = [...watch.recheck];
  watch.recheck.clear();
  for (const [at, uid] of batch.entries()) {
    if (at > 0 && at % RECHECKED_MAX === 0) await pause(0, signal);
    if (signal.aborted) return;
    const agent = watch.members.has(uid) ? sources.rows.agent(uid) : undefined;
    // A level is an object of its set: a set that changed has others, one that did not the same.
    const changed = agent && levelOf(sources.rows.rules.levels, agent) !== watch.members.get(uid);
    const event = changed === true ? changeOf(sources, uid, watch) : undefined;
    if (event !== undefined) yield event;
  }
}

/** The newest budget of a changed agent, or that it left. Undefined for one never among the watched. */
function changeOf(
  sources: WatchSources,
  uid: Uid,
  { poolUid, members }: Subscription,
): BudgetEvent | undefined {
  const agent = sources.rows.agent(uid);
  const pool = agent && sources.rows.pool(agent.poolUid);
  if (agent === undefined || pool === undefined) return undefined;
  const inside = agent.state !== 'CLOSED' && (poolUid === undefined || agent.poolUid === poolUid);
  if (inside) {
    const level = levelOf(sources.rows.rules.levels, agent);
    members.set(uid, level);
    return { kind: 'BUDGET', agent, pool, level };
  }
  return members.delete(uid) ? { kind: 'LEFT', agentId: agent.id } : undefined;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
