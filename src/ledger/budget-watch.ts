import { rejectFields, type Rejection } from '../domain/answer.js';
import { agentNotFound, poolNotFound } from '../domain/decide/checks.js';
import type { Agent, Instant, Uid } from '../domain/model.js';
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
    if (missing.length > 0) {
      return { ...agentNotFound(''), metadata: { agent_ids: missing.join(' ') } };
    }
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
  readonly complete: BudgetEvent;
  readonly poolUid: Uid | undefined;
  /** Changed since they were last sent. */
  readonly pending: Set<Uid>;
  /** Sent at least once, and not told to have left. */
  readonly members: Set<Uid>;
  /** Settles when something is pending or the signal aborts. */
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
  const stops =
    poolUid === undefined
      ? [...snapshot.keys()].map((uid) => feed.watchAgent(uid, onChange))
      : [feed.watchPool(poolUid, onChange)];
  const stop = (): void => {
    signal.removeEventListener('abort', stop);
    for (const end of stops) end();
    wake();
  };
  signal.addEventListener('abort', stop);
  return {
    snapshot,
    complete: {
      kind: 'SNAPSHOT_COMPLETE',
      sequence: sources.headSequence(),
      agentCount: snapshot.size,
      time: sources.now(),
    },
    poolUid,
    pending,
    members: new Set(snapshot.keys()),
    changed: () =>
      new Promise((resolve) => {
        if (pending.size > 0 || signal.aborted) resolve();
        else wake = resolve;
      }),
    stop,
  };
}

async function* events(
  sources: WatchSources,
  watch: Subscription,
  minIntervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<BudgetEvent> {
  try {
    yield* snapshot(sources, watch.snapshot);
    yield watch.complete;
    for (;;) {
      await watch.changed();
      if (signal.aborted) return;
      const batch = [...watch.pending];
      watch.pending.clear();
      for (const uid of batch) {
        const event = changeOf(sources, uid, watch);
        if (event !== undefined) yield event;
      }
      await pause(minIntervalMs, signal);
    }
  } finally {
    watch.stop();
  }
}

function* snapshot(
  sources: WatchSources,
  watched: ReadonlyMap<Uid, Agent>,
): Generator<BudgetEvent> {
  for (const agent of watched.values()) {
    const pool = sources.rows.pool(agent.poolUid);
    if (pool !== undefined) yield { kind: 'BUDGET', agent, pool };
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
    members.add(uid);
    return { kind: 'BUDGET', agent, pool };
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
