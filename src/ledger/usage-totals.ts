import type { Instant } from '../domain/model.js';
import { NOTHING_CUT, RETENTION_KEY, type Retention } from '../domain/opening.js';
import {
  addCells,
  dayOfHour,
  firstDayOfMonth,
  monthOfDay,
  sumRow,
  type UsageCell,
  type UsageTotals,
} from '../domain/usage.js';
import { daysOfMonth, hoursOfDay, minutesOf, type UsageOwner } from './history.js';
import type { StoreReader } from './store.js';

/** Whose usage: an agent, a pool, or the store under STORE_UID. */
export interface UsageAccount extends UsageOwner {
  readonly createTime: Instant;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The usage of who used nothing. */
export const NO_USAGE: UsageCell = sumRow([], 0);

/** The cells of a packed row that a sum takes whole: those that begin in [from, to). */
interface Run {
  readonly cells: readonly UsageCell[];
  /** When the cell of index 0 begins. */
  readonly rowStart: Instant;
  readonly stepMs: number;
  readonly to: Instant;
}

/**
 * Sums an account's usage in a half-open range. The minutes that its ends lie in count wholly. Minutes
 * are read where an hour is not whole, hours where a day is not, days for the rest: the last 24 hours
 * take at most five rows, a year at most sixteen. An account that was not used since the range began
 * takes none. The account must be of the reader's own snapshot: which hour is not folded yet must not be
 * of another moment. Where retention has left only hours or days, the hour or day counts wholly that an
 * end lies in.
 */
export function usageTotals(
  reader: Pick<StoreReader, 'usage' | 'row'>,
  account: UsageAccount,
  start: Instant,
  end: Instant,
): UsageTotals {
  const kept = reader.row('retention', RETENTION_KEY) ?? NOTHING_CUT;
  // Nobody used anything before being created or after the newest row.
  const first = Math.max(start, account.createTime);
  let position = floorTo(first, stepAt(first, kept));
  const stop = Math.min(ceilTo(end, stepAt(end - 1, kept)), (account.usageHour + 1) * HOUR_MS);
  let sum = NO_USAGE;
  while (position < stop) {
    const run = runAt(reader, account, position, stop);
    for (const cell of run.cells) {
      const at = run.rowStart + cell.index * run.stepMs;
      if (at >= position && at < run.to) sum = addCells(sum, cell);
    }
    position = run.to;
  }
  return sum;
}

/** The finest sums that are kept of a moment. */
function stepAt(time: Instant, kept: Retention): number {
  if (time < kept.hoursFrom * DAY_MS) return DAY_MS;
  return time < kept.minutesFrom * HOUR_MS ? HOUR_MS : MINUTE_MS;
}

/** The longest run of whole cells from a position on, in one row of the coarsest level that fits. */
function runAt(
  reader: Pick<StoreReader, 'usage'>,
  account: UsageAccount,
  position: Instant,
  stop: Instant,
): Run {
  const hour = Math.floor(position / HOUR_MS);
  const day = dayOfHour(hour);
  if (position % DAY_MS === 0 && position + DAY_MS <= stop) {
    const { month } = monthOfDay(day);
    return {
      cells: daysOfMonth(reader, account, month),
      rowStart: firstDayOfMonth(month) * DAY_MS,
      stepMs: DAY_MS,
      to: Math.min(firstDayOfMonth(month + 1) * DAY_MS, floorTo(stop, DAY_MS)),
    };
  }
  if (position % HOUR_MS === 0 && position + HOUR_MS <= stop) {
    const to = Math.min((day + 1) * DAY_MS, floorTo(stop, HOUR_MS));
    // The hour that is not folded yet need not be read where the run ends before it.
    const folded = account.usageHour * HOUR_MS >= to;
    return {
      cells: folded ? reader.usage('HOUR', day, account.uid) : hoursOfDay(reader, account, day),
      rowStart: day * DAY_MS,
      stepMs: HOUR_MS,
      to,
    };
  }
  return {
    cells: minutesOf(reader, account, hour),
    rowStart: hour * HOUR_MS,
    stepMs: MINUTE_MS,
    to: Math.min((hour + 1) * HOUR_MS, stop),
  };
}

function floorTo(time: Instant, step: number): Instant {
  return Math.floor(time / step) * step;
}

function ceilTo(time: Instant, step: number): Instant {
  return Math.ceil(time / step) * step;
}
