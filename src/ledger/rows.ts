import type { Amount } from '../domain/amount.js';
import {
  type CollectionName,
  type Collections,
  type RowChanges,
  type RowRange,
  changesIn,
  namesOf,
} from '../domain/collection.js';
import type { Entry } from '../domain/entry.js';
import type { Agent, Pool, Reservation, Uid } from '../domain/model.js';
import { type Rules, loadRules } from '../domain/rules.js';
import type { State } from '../domain/state.js';
import { type Count, type EpisodeBook, makeEpisodeBook } from './episode-book.js';
import { compileExpression } from './expression.js';
import { type RowCache, rowCache } from './row-cache.js';
import type { Header, Store, StoreReader } from './store.js';
import { sequenceKey } from '../domain/violation.js';
import { NO_USAGE, usageTotals } from './usage-totals.js';

/** Bounds of the caches, in rows. */
export interface CacheBounds {
  readonly agentRows: number;
  readonly reservationRows: number;
}

/** The cached rows of the store. Decisions see the newest ones, reads the durable ones. */
export interface Rows {
  readonly agents: RowCache<Uid, Agent>;
  readonly agentUids: RowCache<string, Uid>;
  readonly pools: RowCache<Uid, Pool>;
  readonly poolUids: RowCache<string, Uid>;
  readonly reservations: RowCache<string, Reservation>;
  /** The cache of a collection's rows, made when it is first asked for. */
  collection<C extends CollectionName>(name: C): RowCache<string, Collections[C]>;
  readonly episodes: EpisodeBook;
  /** The newest rules. */
  rules: Rules;
  /** The durable rules. */
  durableRules: Rules;
}

/** Pools are few; their cache is as large as the agents' may be small. */
const POOL_ROWS = 10_000;

/** What decisions on an agent read of it: cached for as many as agents are. */
const OF_AGENTS: ReadonlySet<CollectionName> = new Set([
  'limit_counts',
  'alert_states',
  'episodes',
  'denials',
  'emergency_grants',
  'violation_stats',
]);

/** Rows of any other collection, which decisions seldom read again. */
const OTHER_ROWS = 1_000;

/** Makes caches of a store: empty ones but for the rules and the open episodes. */
export function makeRows(bounds: CacheBounds, reader: StoreReader): Rows {
  const rules = loadRules((collection) => reader.rows(collection, {}), compileExpression);
  return {
    agents: rowCache(bounds.agentRows),
    agentUids: rowCache(bounds.agentRows),
    pools: rowCache(POOL_ROWS),
    poolUids: rowCache(POOL_ROWS),
    reservations: rowCache(bounds.reservationRows),
    collection: cachePerCollection(bounds.agentRows),
    episodes: makeEpisodeBook(reader.rows('episodes', {})),
    rules,
    durableRules: rules,
  };
}

function cachePerCollection(max: number): Rows['collection'] {
  const caches: { [C in CollectionName]?: RowCache<string, Collections[C]> } = {};
  return <C extends CollectionName>(name: C) => {
    const known = caches[name];
    if (known !== undefined) return known;
    const made = rowCache<string, Collections[C]>(OF_AGENTS.has(name) ? max : OTHER_ROWS);
    (caches as Record<C, RowCache<string, Collections[C]>>)[name] = made;
    return made;
  };
}

/** A row from its cache, or from the store into it: what the cache forgot is durable. */
function through<Key, Row>(
  cache: RowCache<Key, Row>,
  key: Key,
  read: (key: Key) => Row | undefined,
): Row | undefined {
  const cached = cache.find(key);
  if (cached !== undefined) return cached.newest;
  const row = read(key);
  if (row !== undefined) cache.load(key, row);
  return row;
}

/**
 * The state that a group's decisions start from: the newest rows. `reader` is asked for rows that the
 * caches do not have, `settled` for what they cannot know.
 */
export function stateOf(
  rows: Rows,
  reader: StoreReader,
  settled: StoreReader,
  header: Header,
): State {
  const agent = (uid: Uid): Agent | undefined =>
    through(rows.agents, uid, (key) => reader.agent(key));
  const pool = (uid: Uid): Pool | undefined => through(rows.pools, uid, (key) => reader.pool(key));
  const reservation = (id: string): Reservation | undefined =>
    through(rows.reservations, id, (key) => reader.reservation(key));
  return {
    headSequence: header.headSequence,
    nextUid: header.nextUid,
    agent,
    agentById: (id) => {
      const uid = through(rows.agentUids, id, (key) => reader.agentUid(key));
      return uid === undefined ? undefined : agent(uid);
    },
    pool,
    poolById: (id) => {
      const uid = through(rows.poolUids, id, (key) => reader.poolUid(key));
      const found = uid === undefined ? undefined : pool(uid);
      return found?.state === 'DELETED' ? undefined : found;
    },
    reservation,
    openReservations: (uid) => openReservations(settled, reservation, agent(uid)),
    entry: (sequence): Entry | undefined => settled.entry(sequence)?.entry,
    oldestSequence: () => settled.oldestSequence(),
    refunded: (sequence): Amount => settled.refunded(sequence),
    rules: rows.rules,
    violationSequence: header.violationSequence,
    row: (collection, key) => rowOf(rows, reader, collection, key),
    rows: (collection, range) => rowsOf(rows, settled, collection, range),
    livingAgents: () => livingAgents(settled, agent, undefined),
    agentsOfPool: (uid) => livingAgents(settled, agent, uid),
    usage: (uid, start, end) => {
      const account = agent(uid) ?? pool(uid);
      // One that is made in this very group used nothing before.
      return account === undefined ? NO_USAGE : usageTotals(settled, account, start, end);
    },
    livingPools: () => livingPools(settled, pool),
  };
}

function rowOf<C extends CollectionName>(
  rows: Rows,
  reader: StoreReader,
  collection: C,
  key: string,
): Collections[C] | undefined {
  const row = through(rows.collection(collection), key, () => reader.row(collection, key));
  if (row === undefined || collection !== 'episodes') return row;
  return rows.episodes.withRepeats(key, row as Collections['episodes']) as Collections[C];
}

function* rowsOf<C extends CollectionName>(
  rows: Rows,
  reader: StoreReader,
  collection: C,
  range: RowRange,
): Generator<readonly [key: string, row: Collections[C]]> {
  for (const [key, row] of reader.rows(collection, range)) {
    if (collection !== 'episodes') yield [key, row];
    else {
      const counted = rows.episodes.withRepeats(key, row as Collections['episodes']);
      yield [key, counted as Collections[C]];
    }
  }
}

/** Long rows that no decision reads: cached they would only fill the memory. */
const UNCACHED: ReadonlySet<CollectionName> = new Set(['budget_review_findings']);

/** The rows that a group changed are the newest ones. */
export function rememberRows(rows: Rows, changes: RowChanges): void {
  for (const collection of namesOf(changes)) {
    if (UNCACHED.has(collection)) continue;
    const cache = rows.collection(collection);
    for (const [key, row] of changesIn(changes, collection)) cache.write(key, row);
  }
}

/** The rows that a group changed became durable. */
export function settleRows(rows: Rows, changes: RowChanges): void {
  for (const collection of namesOf(changes)) {
    if (UNCACHED.has(collection)) continue;
    const cache = rows.collection(collection);
    for (const [key, row] of changesIn(changes, collection)) cache.settle(key, row);
  }
}

function openReservations(
  reader: StoreReader,
  reservation: (id: string) => Reservation | undefined,
  agent: Agent | undefined,
): readonly Reservation[] {
  if (agent === undefined || agent.openReservations === 0) return [];
  const open: Reservation[] = [];
  for (const id of reader.openReservationIds(agent.uid)) {
    const row = reservation(id);
    if (row?.state === 'OPEN') open.push(row);
  }
  return open;
}

function* livingAgents(
  reader: StoreReader,
  agent: (uid: Uid) => Agent | undefined,
  poolUid: Uid | undefined,
): Generator<Agent> {
  for (const [, uid] of reader.agentIds(undefined, poolUid)) {
    const row = agent(uid);
    if (row !== undefined && row.state !== 'CLOSED') yield row;
  }
}

function* livingPools(reader: StoreReader, pool: (uid: Uid) => Pool | undefined): Generator<Pool> {
  for (const stored of reader.pools()) {
    const row = pool(stored.uid);
    if (row !== undefined && row.state !== 'DELETED') yield row;
  }
}

/** Reads of durable rows, from the caches where they have them. Leaves the caches as they are. */
export interface DurableRows {
  agent(uid: Uid): Agent | undefined;
  agentById(id: string): Agent | undefined;
  pool(uid: Uid): Pool | undefined;
  poolById(id: string): Pool | undefined;
  reservation(id: string): Reservation | undefined;
  /** How often an agent was denied, what is not written yet too; undefined: never. */
  denials(uid: Uid): Count | undefined;
  readonly rules: Rules;
}

/** A read outside of transactions never fills a cache: its snapshot may be older than the newest row. */
export function durableRows(rows: Rows, store: Store): DurableRows {
  const agent = (uid: Uid): Agent | undefined => rows.agents.durable(uid) ?? store.agent(uid);
  const pool = (uid: Uid): Pool | undefined => rows.pools.durable(uid) ?? store.pool(uid);
  return {
    agent,
    agentById: (id) => {
      const uid = rows.agentUids.durable(id) ?? store.agentUid(id);
      return uid === undefined ? undefined : agent(uid);
    },
    pool,
    poolById: (id) => {
      const uid = rows.poolUids.durable(id) ?? store.poolUid(id);
      const found = uid === undefined ? undefined : pool(uid);
      return found?.state === 'DELETED' ? undefined : found;
    },
    reservation: (id) => rows.reservations.durable(id) ?? store.reservation(id),
    denials: (uid) => {
      // The newest row and not the durable one: from the moment on in which what was counted becomes
      // part of it, nobody else counts it.
      const key = sequenceKey(uid);
      const written = rows.collection('denials').newest(key) ?? store.row('denials', key);
      const more = rows.episodes.unwritten(uid);
      if (more === undefined) return written;
      return { count: (written?.count ?? 0) + more.count, lastTime: more.lastTime };
    },
    get rules() {
      return rows.durableRules;
    },
  };
}
