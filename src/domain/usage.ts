import type { Instant, Quantities, Uid } from './model.js';
import type { Amount } from './amount.js';

/** The usage of one minute, hour or day of one account. */
export interface UsageCell {
  /** Minute of the hour, hour of the day, or day of the month from 0. */
  readonly index: number;
  readonly amount: Amount;
  readonly entries: number;
  readonly requests: number;
  readonly refunded: Amount;
  readonly quantities: Quantities;
}

/** What an entry adds to its agent's usage. */
export interface UsageDelta {
  readonly agentUid: Uid;
  /** Spent or committed. */
  readonly amount: Amount;
  /** 1 for a spend or commit. */
  readonly entries: number;
  /** 1 for a spend or reservation. */
  readonly requests: number;
  readonly refunded: Amount;
  readonly quantities: Quantities;
}

/** Usage summed over some time. */
export type UsageTotals = Omit<UsageCell, 'index'>;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Hours since 1970 of a moment. */
export function hourOf(time: Instant): number {
  return Math.floor(time / HOUR_MS);
}

/** Minute of the hour of a moment. */
export function minuteOf(time: Instant): number {
  return Math.floor(time / MINUTE_MS) % 60;
}

/** The moment at which the minute of a moment begins. */
export function minuteStart(time: Instant): Instant {
  return Math.floor(time / MINUTE_MS) * MINUTE_MS;
}

/** Days since 1970 of an hour since 1970. */
export function dayOfHour(hour: number): number {
  return Math.floor(hour / 24);
}

/** Months since 1970 and day of the month from 0, UTC, of a day since 1970. */
export function monthOfDay(day: number): { readonly month: number; readonly index: number } {
  const date = new Date(day * 24 * HOUR_MS);
  return {
    month: (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth(),
    index: date.getUTCDate() - 1,
  };
}

/** The first day since 1970 of a month since 1970. */
export function firstDayOfMonth(month: number): number {
  return Date.UTC(1970 + Math.floor(month / 12), month % 12, 1) / (24 * HOUR_MS);
}

/**
 * The uid under which the usage of the whole store is kept: no account has it. Its rows count entries
 * and requests only, since amounts of different units cannot be added.
 */
export const STORE_UID: Uid = 0;

/** The quantities of what has none, or is to have none. */
export const NO_QUANTITIES: Quantities = [];

/** A cell of one delta, with its own or other quantities. */
export function cellOf(index: number, delta: UsageDelta, quantities = delta.quantities): UsageCell {
  const { amount, entries, requests, refunded } = delta;
  return { index, amount, entries, requests, refunded, quantities };
}

/** Two cells as one, under the index of the first. */
export function addCells(a: UsageCell, b: UsageCell): UsageCell {
  return {
    index: a.index,
    amount: a.amount + b.amount,
    entries: a.entries + b.entries,
    requests: a.requests + b.requests,
    refunded: a.refunded + b.refunded,
    quantities: addQuantities(a.quantities, b.quantities),
  };
}

/** A row with a cell added: to the cell of its index, or behind the last. */
export function addToRow(row: readonly UsageCell[], cell: UsageCell): readonly UsageCell[] {
  const last = row.at(-1);
  if (last?.index === cell.index) return row.with(-1, addCells(last, cell));
  const at = row.findIndex(({ index }) => index === cell.index);
  const earlier = row[at];
  if (earlier === undefined) return [...row, cell];
  return row.with(at, addCells(earlier, cell));
}

/** Everything in a row as one cell. */
export function sumRow(row: readonly UsageCell[], index: number): UsageCell {
  return row.reduce(addCells, {
    index,
    amount: 0n,
    entries: 0,
    requests: 0,
    refunded: 0n,
    quantities: [],
  });
}

function addQuantities(a: Quantities, b: Quantities): Quantities {
  if (b.length === 0) return a;
  if (a.length === 0) return b;
  // The names are nearly always the same ones. A map of them takes six times as long.
  if (a.length === b.length && a.every(({ name }, at) => name === b[at]?.name)) {
    return a.map(({ name, amount }, at) => ({ name, amount: amount + (b[at]?.amount ?? 0n) }));
  }
  const sums = new Map(a.map(({ name, amount }) => [name, amount]));
  for (const { name, amount } of b) sums.set(name, (sums.get(name) ?? 0n) + amount);
  return [...sums]
    .map(([name, amount]) => ({ name, amount }))
    .sort((x, y) => (x.name < y.name ? -1 : 1));
}
