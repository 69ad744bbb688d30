import type { Agent, Instant, Uid } from '../domain/model.js';
import { NOTHING_CUT, RETENTION_KEY } from '../domain/opening.js';
import {
  addTo,
  addToRow,
  dayOfHour,
  emptySum,
  hourOf,
  minuteOf,
  monthOfDay,
  NO_QUANTITIES,
  STORE_UID,
  sumRow,
  type UsageCell,
  type UsageDelta,
  type UsageSum,
} from '../domain/usage.js';

import { minutesOf } from './history.js';
import { rowCache, type RowCache } from './row-cache.js';
import type { StoreReader, StoreWriter } from './store.js';

/** What one entry adds to usage, and the pool that paid. */
export interface Charge {
  readonly usage: UsageDelta;
  readonly poolUid: Uid;
}

/** The minutes of the hour in which an account was last used. */
export interface OpenHour {
  readonly hour: number;
  readonly cells: readonly UsageCell[];
}

/**
 * Keeps the packed usage rows: one row of minutes per account and hour. The minutes of the hour in which
 * an agent was last used lie in its own row, which a spend writes anyway. Pools have rows, and under
 * STORE_UID the whole store; each is written once per group, however many spends share it. When an account
 * first uses a later hour, the hour before is folded into its day's row, and a day that ended into its
 * month's. Nothing has to run on time for that.
 */
export interface UsageBook {
  /** Writes a group's usage of pools and the store. `before` is the hour of the account's newest row, 0 for none. */
  write(
    rows: UsageRows,
    time: Instant,
    charges: readonly Charge[],
    before: HoursBefore,
  ): ReadonlyMap<Uid, OpenHour>;
  /** Gives an agent's minutes a row of their own, as its row had them, where it uses another hour now. */
  endHour(rows: UsageRows, before: Agent, hour: number): void;
  /** The rows that a group wrote are the newest ones. */
  remember(rows: ReadonlyMap<Uid, OpenHour>): void;
  /** The rows that a group wrote became durable. */
  settle(rows: ReadonlyMap<Uid, OpenHour>): void;
}

/** Where usage rows are read and put. */
export interface UsageRows {
  readonly writer: StoreWriter;
  /** Reads rows that the book does not keep, while nothing else writes them. */
  readonly settled: StoreReader;
}

/** The hour of an account's newest usage row before the group. */
export type HoursBefore = (uid: Uid) => number;

/** Pools whose open hours are kept, and the store's. */
const OPEN_MAX = 10_000;

/** Makes a book. */
export function makeUsageBook(): UsageBook {
  const open: RowCache<Uid, OpenHour> = rowCache(OPEN_MAX);

  function write(
    rows: UsageRows,
    time: Instant,
    charges: readonly Charge[],
    before: HoursBefore,
  ): ReadonlyMap<Uid, OpenHour> {
    const hour = hourOf(time);
    const minute = minuteOf(time);
    const sums = sumsOf(charges, minute);
    const written = new Map<Uid, OpenHour>();
    for (const [uid, cell] of sums) {
      const row = openHour(rows, uid, before(uid), hour);
      const cells = addToRow(row.cells, cell);
      rows.writer.putUsage('MINUTE', hour, uid, cells);
      written.set(uid, { hour, cells });
    }
    return written;
  }

  function openHour(rows: UsageRows, uid: Uid, newest: number, hour: number): OpenHour {
    const cached = open.newest(uid);
    const last =
      cached ??
      (newest === 0
        ? undefined
        : { hour: newest, cells: rows.writer.usage('MINUTE', newest, uid) });
    if (last?.hour === hour) return last;
    if (last !== undefined) foldHour(rows, uid, last, hour);
    return { hour, cells: [] };
  }

  return {
    write,
    endHour: (rows, agent, hour) => {
      if (agent.usageHour === 0 || agent.usageHour === hour) return;
      const cells = minutesOf(rows.writer, agent, agent.usageHour);
      rows.writer.putUsage('MINUTE', agent.usageHour, agent.uid, cells);
      foldHour(rows, agent.uid, { hour: agent.usageHour, cells }, hour);
    },
    remember: (rows) => {
      for (const [uid, row] of rows) open.write(uid, row);
    },
    settle: (rows) => {
      for (const [uid, row] of rows) open.settle(uid, row);
    },
  };
}

/** What a group adds to each pool and the store: summed in place, for there may be a thousand charges. */
function sumsOf(charges: readonly Charge[], minute: number): ReadonlyMap<Uid, UsageCell> {
  const sums = new Map<Uid, UsageSum>();
  const store = emptySum(minute);
  for (const { usage, poolUid } of charges) {
    // Without quantities, since the names of all agents of a pool together have no bound.
    addTo(sumOf(sums, poolUid, minute), usage, NO_QUANTITIES);
    store.entries += usage.entries;
    store.requests += usage.requests;
  }
  if (charges.length > 0) sums.set(STORE_UID, store);
  return sums;
}

function sumOf(sums: Map<Uid, UsageSum>, uid: Uid, minute: number): UsageSum {
  const known = sums.get(uid);
  if (known !== undefined) return known;
  const sum = emptySum(minute);
  sums.set(uid, sum);
  return sum;
}

/**
 * Folds an hour that ended into its day's row, and the day, when it ended too, into its month's. What
 * retention would have cut by now, had it been folded, goes with that.
 */
function foldHour({ writer, settled }: UsageRows, uid: Uid, ended: OpenHour, now: number): void {
  const kept = settled.row('retention', RETENTION_KEY) ?? NOTHING_CUT;
  const day = dayOfHour(ended.hour);
  const hours = addToRow(settled.usage('HOUR', day, uid), sumRow(ended.cells, ended.hour % 24));
  if (ended.hour < kept.minutesFrom) writer.removeUsage('MINUTE', ended.hour, uid);
  if (day < kept.hoursFrom && dayOfHour(now) !== day) writer.removeUsage('HOUR', day, uid);
  else writer.putUsage('HOUR', day, uid, hours);
  if (dayOfHour(now) === day) return;
  const { month, index } = monthOfDay(day);
  if (month < kept.daysFrom) return;
  const days = addToRow(settled.usage('DAY', month, uid), sumRow(hours, index));
  writer.putUsage('DAY', month, uid, days);
}
