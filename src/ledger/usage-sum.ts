import type { Agent, Instant } from '../domain/model.js';
import {
  addCells,
  dayOfHour,
  firstDayOfMonth,
  hourOf,
  minuteStart,
  monthOfDay,
  sumRow,
  type UsageCell,
  type UsageTotals,
} from '../domain/usage.js';
import { daysOfMonth, hoursOfDay } from './history.js';
import type { StoreReader } from './store.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const HOURS_PER_DAY = 24;

const NOTHING: UsageCell = sumRow([], 0);

/**
 * What an agent used from `start` up to `end`; the minutes that these lie in count wholly. Whole days
 * come from the rows of their months, whole hours from those of their days, only what is left at both
 * ends from minutes: 90 days take about ten rows. The agent's row must be of the reader's snapshot.
 */
export function sumUsage(
  reader: StoreReader,
  agent: Agent | undefined,
  start: Instant,
  end: Instant,
): UsageTotals {
  if (agent === undefined || agent.usageHour === 0) return NOTHING;
  // Nobody used anything before being created or after the newest row.
  const from = Math.max(minuteStart(start), minuteStart(agent.createTime));
  const to = Math.min(minuteStart(end - 1) + MINUTE_MS, (agent.usageHour + 1) * HOUR_MS);
  let sum = NOTHING;
  for (const cell of cellsOf(reader, agent, from, to)) sum = addCells(sum, cell);
  return sum;
}

/** Cells that cover a range of whole minutes, the coarsest there are. */
function* cellsOf(
  reader: StoreReader,
  agent: Agent,
  from: Instant,
  to: Instant,
): Generator<UsageCell> {
  if (from >= to) return;
  const firstHour = Math.ceil(from / HOUR_MS);
  const endHour = hourOf(to);
  if (firstHour > endHour) {
    yield* minutesOf(reader, agent, from, to);
    return;
  }
  yield* minutesOf(reader, agent, from, firstHour * HOUR_MS);
  yield* wholeHours(reader, agent, firstHour, endHour);
  yield* minutesOf(reader, agent, endHour * HOUR_MS, to);
}

/** The minutes of a range within one hour. */
function* minutesOf(
  reader: StoreReader,
  agent: Agent,
  from: Instant,
  to: Instant,
): Generator<UsageCell> {
  if (from >= to) return;
  const hour = hourOf(from);
  yield* within(reader.usage('MINUTE', hour, agent.uid), hour * HOUR_MS, MINUTE_MS, from, to);
}

function* wholeHours(
  reader: StoreReader,
  agent: Agent,
  firstHour: number,
  endHour: number,
): Generator<UsageCell> {
  const firstDay = Math.ceil(firstHour / HOURS_PER_DAY);
  const endDay = dayOfHour(endHour);
  if (firstDay > endDay) {
    yield* hoursOf(reader, agent, firstHour, endHour);
    return;
  }
  yield* hoursOf(reader, agent, firstHour, firstDay * HOURS_PER_DAY);
  yield* wholeDays(reader, agent, firstDay, endDay);
  yield* hoursOf(reader, agent, endDay * HOURS_PER_DAY, endHour);
}

/** The hours of a range within one day. */
function* hoursOf(
  reader: StoreReader,
  agent: Agent,
  firstHour: number,
  endHour: number,
): Generator<UsageCell> {
  if (firstHour >= endHour) return;
  const day = dayOfHour(firstHour);
  yield* within(hoursOfDay(reader, agent, day), day * HOURS_PER_DAY, 1, firstHour, endHour);
}

function* wholeDays(
  reader: StoreReader,
  agent: Agent,
  firstDay: number,
  endDay: number,
): Generator<UsageCell> {
  if (firstDay >= endDay) return;
  const { month: firstMonth } = monthOfDay(firstDay);
  const { month: lastMonth } = monthOfDay(endDay - 1);
  for (let month = firstMonth; month <= lastMonth; month += 1) {
    const days = daysOfMonth(reader, agent, month);
    yield* within(days, firstDayOfMonth(month), 1, firstDay, endDay);
  }
}

/** The cells of a row whose buckets begin from `from` up to `to`. */
function* within(
  row: readonly UsageCell[],
  rowStart: number,
  step: number,
  from: number,
  to: number,
): Generator<UsageCell> {
  for (const cell of row) {
    const start = rowStart + cell.index * step;
    if (start >= from && start < to) yield cell;
  }
}
