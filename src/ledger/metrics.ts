import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Rejection } from '../domain/answer.js';
import { assignedOf, availableOf } from '../domain/budget.js';
import { agentNotFound, poolNotFound } from '../domain/decide/checks.js';
import { levelOf } from '../domain/effective-levels.js';
import {
  DAY_MS,
  exhaustionTime,
  HOUR_MS,
  isHighUsage,
  ratePerHour,
  windowSpan,
  windowStart,
  type Burn,
} from '../domain/metrics.js';
import type { Agent, Instant, Pool } from '../domain/model.js';
import { STORE_UID, type UsageCell } from '../domain/usage.js';
import type { Page, PageRequest } from './api.js';
import type {
  AgentMetricsFilter,
  AgentMetricsView,
  PoolMetricsView,
  SystemMetricsView,
  UnitMetricsView,
} from './metrics-views.js';
import { collect, type ListSources } from './lists.js';
import type { DurableRows } from './rows.js';
import type { StoreReader } from './store.js';
import { usageTotals, type UsageAccount } from './usage-totals.js';

/** Items and rows of one turn of a list, and turns of a page: enough for the longest page. */
const SLICE_ITEMS = 10;
const SLICE_VISITED_MAX = 200;
const SLICES_MAX = 100;

/*
 * Rows are read from the store and not from the caches: a row and the usage beside it must be of one
 * moment.
 */

/** How an agent of any state uses its budget: the living incarnation, or else the newest closed one. */
export function agentMetrics(sources: ListSources, id: string): AgentMetricsView | Rejection {
  const { reader } = sources;
  const uid = reader.agentUid(id);
  const agent = uid === undefined ? undefined : reader.agent(uid);
  const pool = agent && reader.pool(agent.poolUid);
  if (agent === undefined || pool === undefined) return agentNotFound(id);
  return viewAgent(sources, agent, pool, sources.now());
}

/** The same of living agents, by id. */
export async function listAgentMetrics(
  sources: ListSources,
  filter: AgentMetricsFilter,
  page: PageRequest,
): Promise<Page<AgentMetricsView> | Rejection> {
  const { reader } = sources;
  const poolUid = filter.poolId === '' ? undefined : reader.poolUid(filter.poolId);
  if (filter.poolId !== '' && poolUid === undefined) return poolNotFound(filter.poolId);
  return inSlices(page, ({ after, size }) => {
    const now = sources.now();
    return collect(
      reader.agentIds(after, poolUid),
      size,
      ([id]) => id,
      ([, uid]) => {
        const agent = reader.agent(uid);
        if (agent === undefined || agent.state === 'CLOSED') return undefined;
        if (filter.onlyHighUsage && !isHighUsage(agent)) return undefined;
        const pool = reader.pool(agent.poolUid);
        return pool && viewAgent(sources, agent, pool, now);
      },
      SLICE_VISITED_MAX,
    );
  });
}

/** How a living pool's money is used. */
export function poolMetrics(sources: ListSources, id: string): PoolMetricsView | Rejection {
  const { reader } = sources;
  const uid = reader.poolUid(id);
  const pool = uid === undefined ? undefined : reader.pool(uid);
  return pool === undefined ? poolNotFound(id) : viewPool(reader, pool, sources.now());
}

/** The same of all, by id. */
export function listPoolMetrics(
  { reader, now: clock }: ListSources,
  page: PageRequest,
): Promise<Page<PoolMetricsView>> {
  return inSlices(page, ({ after, size }) => {
    const now = clock();
    return collect(
      reader.pools(after),
      size,
      ({ id }) => id,
      (pool) => viewPool(reader, pool, now),
    );
  });
}

/**
 * Makes a page out of slices, a turn each: the metrics of an agent that is busy every minute take 0.4 ms
 * to read, and spends do not wait for a thousand of them.
 */
async function inSlices<Item>(
  { after, size }: PageRequest,
  slice: (page: PageRequest) => Page<Item>,
): Promise<Page<Item>> {
  const items: Item[] = [];
  let last = after;
  for (let turn = 1; ; turn += 1) {
    const found = slice({ after: last, size: Math.min(SLICE_ITEMS, size - items.length) });
    items.push(...found.items);
    last = found.last;
    if (last === undefined || items.length === size || turn === SLICES_MAX) return { items, last };
    await nextTurn();
  }
}

function viewAgent(
  {
    reader,
    rows,
  }: { readonly reader: StoreReader; readonly rows: Pick<DurableRows, 'denials' | 'rules'> },
  agent: Agent,
  pool: Pool,
  now: Instant,
): AgentMetricsView {
  const available = availableOf(agent);
  const denials = rows.denials(agent.uid);
  const { lastHour, lastDay } = burnOf(reader, agent, now);
  return {
    agent,
    pool,
    available,
    burnLastHour: ratePerHour(lastHour, pool.scale),
    burnLastDay: ratePerHour(lastDay, pool.scale),
    exhaustionTime:
      agent.state === 'CLOSED' ? undefined : exhaustionTime(available, lastHour, lastDay, now),
    denials: denials?.count ?? 0,
    lastDenialTime: denials?.lastTime,
    level: levelOf(rows.rules.levels, agent),
  };
}

function viewPool(reader: StoreReader, pool: Pool, now: Instant): PoolMetricsView {
  const { lastHour, lastDay } = burnOf(reader, pool, now);
  return {
    pool,
    burnLastHour: ratePerHour(lastHour, pool.scale),
    burnLastDay: ratePerHour(lastDay, pool.scale),
  };
}

/** What an account burnt: six rows read at most, none when it was idle. */
function burnOf(
  reader: StoreReader,
  account: UsageAccount,
  now: Instant,
): { readonly lastHour: Burn; readonly lastDay: Burn } {
  // The minutes of the running hour are in both windows.
  const rows = new Map<string, readonly UsageCell[]>();
  const usage: StoreReader['usage'] = (level, slot, uid) => {
    const key = `${level} ${slot}`;
    const row = rows.get(key) ?? reader.usage(level, slot, uid);
    rows.set(key, row);
    return row;
  };
  const row: StoreReader['row'] = (collection, key) => reader.row(collection, key);
  const burn = (lengthMs: number): Burn => ({
    amount: usageTotals({ usage, row }, account, windowStart(now, lengthMs), now + 1).amount,
    spanMs: windowSpan(now, lengthMs, account.createTime),
  });
  return { lastHour: burn(HOUR_MS), lastDay: burn(DAY_MS) };
}

/**
 * Counts and sums everything in the store. Walks the pools, never the agents: those are counted by the
 * pools, by the tables, and the frozen ones in the header.
 */
export function systemMetrics({ reader, now: clock }: ListSources): SystemMetricsView {
  const now = clock();
  const header = reader.header();
  const { agents, openReservations, entries, sizeBytes } = reader.totals();
  const units = new Map<string, UnitMetricsView>();
  let pools = 0;
  let living = 0;
  for (const pool of reader.pools()) {
    pools += 1;
    living += pool.agentCount;
    units.set(pool.unit, addPool(units.get(pool.unit), pool));
  }
  const frozen = header.frozenAgents ?? 0;
  const { usageHour, usage, createTime } = header;
  const store = { uid: STORE_UID, usageHour, usage, createTime };
  const spends = (lengthMs: number): number =>
    usageTotals(reader, store, windowStart(now, lengthMs), now + 1).entries;
  return {
    pools,
    activeAgents: living - frozen,
    frozenAgents: frozen,
    closedAgents: agents - living,
    openReservations,
    units: [...units.values()].sort((a, b) => (a.unit < b.unit ? -1 : 1)),
    spendsLastHour: spends(HOUR_MS),
    spendsLastDay: spends(DAY_MS),
    headSequence: header.headSequence,
    entries,
    time: now,
    sizeBytes,
  };
}

function addPool(sum: UnitMetricsView | undefined, pool: Pool): UnitMetricsView {
  return {
    unit: pool.unit,
    pools: (sum?.pools ?? 0) + 1,
    funded: (sum?.funded ?? 0n) + pool.funded,
    spent: (sum?.spent ?? 0n) + pool.spent,
    reserved: (sum?.reserved ?? 0n) + pool.reserved,
    assigned: (sum?.assigned ?? 0n) + assignedOf(pool),
    unallocated: (sum?.unallocated ?? 0n) + pool.unallocated,
    debt: (sum?.debt ?? 0n) + pool.debt,
  };
}

/** Counts the frozen agents one by one: for a store that was never counted. */
export function countFrozenAgents(reader: StoreReader): number {
  const { nextUid } = reader.header();
  let frozen = 0;
  for (let uid = 1; uid < nextUid; uid += 1) {
    if (reader.agent(uid)?.state === 'FROZEN') frozen += 1;
  }
  return frozen;
}
