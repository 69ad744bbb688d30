import type { Rejection } from '../domain/answer.js';
import { agentNotFound, asOf, poolNotFound } from '../domain/decide/checks.js';
import type { Instant, Pool, Reservation, ReservationState } from '../domain/model.js';
import type { AgentScope, AgentWithPool, Page, PageRequest, ReservationView } from './api.js';
import type { DurableRows } from './rows.js';
import type { StoreReader } from './store.js';

/** Rows that one page looks at, at most: a filter that matches little gives short pages instead. */
const VISITED_MAX = 10_000;

/** What lists read from. */
export interface ListSources {
  readonly reader: StoreReader;
  readonly rows: DurableRows;
  readonly now: () => Instant;
}

/** Pools by priority, highest first, then by id. A page continues after `priority id`. */
export function listPools(sources: ListSources, page: PageRequest): Page<Pool> {
  const pools = [...sources.reader.pools()]
    .map((stored) => sources.rows.pool(stored.uid) ?? stored)
    .sort((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1));
  const [priority, id] = splitKey(page.after);
  const start =
    page.after === undefined
      ? 0
      : pools.findIndex(
          (pool) => pool.priority < priority || (pool.priority === priority && pool.id > id),
        );
  const items = start < 0 ? [] : pools.slice(start, start + page.size);
  const last = items.at(-1);
  const more = start >= 0 && start + page.size < pools.length;
  return { items, last: more && last ? `${last.priority} ${last.id}` : undefined };
}

function splitKey(key: string | undefined): readonly [priority: number, id: string] {
  const space = key?.indexOf(' ') ?? -1;
  if (key === undefined || space < 0) return [0, ''];
  return [Number(key.slice(0, space)), key.slice(space + 1)];
}

/** Agents by id, closed ones only when asked for. */
export function listAgents(
  sources: ListSources,
  filter: { readonly poolId: string; readonly showClosed: boolean },
  page: PageRequest,
): Page<AgentWithPool> | Rejection {
  const pool = filter.poolId === '' ? undefined : sources.rows.poolById(filter.poolId);
  if (filter.poolId !== '' && pool === undefined) return poolNotFound(filter.poolId);
  return collect(
    sources.reader.agentIds(page.after, pool?.uid),
    page.size,
    ([id]) => id,
    ([, uid]) => {
      const agent = sources.rows.agent(uid);
      if (agent === undefined || (agent.state === 'CLOSED' && !filter.showClosed)) return undefined;
      const own = sources.rows.pool(agent.poolUid);
      return own && { agent, pool: own };
    },
  );
}

/** Reservations by id, of one agent or of all. */
export function listReservations(
  sources: ListSources,
  filter: {
    readonly agentId: string;
    readonly state: ReservationState | undefined;
    readonly runId: string;
    readonly admits?: AgentScope | undefined;
  },
  page: PageRequest,
): Page<ReservationView> | Rejection {
  const now = sources.now();
  const view = (stored: Reservation): ReservationView | undefined => {
    const reservation = asOf(sources.rows.reservation(stored.id) ?? stored, now);
    if (filter.state !== undefined && reservation.state !== filter.state) return undefined;
    if (filter.runId !== '' && reservation.runId !== filter.runId) return undefined;
    const agentId = sources.rows.agent(reservation.agentUid)?.id;
    if (agentId === undefined || filter.admits?.(agentId) === false) return undefined;
    return { reservation, agentId };
  };
  if (filter.agentId === '') {
    return collect(sources.reader.reservations(page.after), page.size, ({ id }) => id, view);
  }
  const agent = sources.rows.agentById(filter.agentId);
  if (agent === undefined) return agentNotFound(filter.agentId);
  return collect(
    sources.reader.reservationIds(agent.uid, page.after),
    page.size,
    (id) => id,
    (id) => {
      const reservation = sources.rows.reservation(id);
      return reservation && view(reservation);
    },
  );
}

/**
 * A page of what `view` lets through, of at most `visitedMax` rows; `last` is the key of the last row
 * that was looked at.
 */
export function collect<Row, Item>(
  rows: Iterable<Row>,
  size: number,
  keyOf: (row: Row) => string,
  view: (row: Row) => Item | undefined,
  visitedMax = VISITED_MAX,
): Page<Item> {
  const items: Item[] = [];
  let visited = 0;
  let last: string | undefined;
  for (const row of rows) {
    if (items.length === size || visited === visitedMax) return { items, last };
    const item = view(row);
    if (item !== undefined) items.push(item);
    visited += 1;
    last = keyOf(row);
  }
  return { items, last: undefined };
}
