import { NOTHING_CUT, RETENTION_KEY } from '../domain/opening.js';
import { addToRow, dayOfHour, monthOfDay, sumRow } from '../domain/usage.js';
import { minutesOf, type UsageOwner } from './history.js';
import type { StoreReader, StoreWriter } from './store.js';

/** Where usage rows are read and put. */
export interface UsageRows {
  readonly writer: StoreWriter;
  /** Reads rows of hours and days, while nothing else writes them. */
  readonly settled: StoreReader;
}

/**
 * Where an account uses another hour than the one it was last used in: gives the minutes of that one a row,
 * folds them into the row of its day, and the day, when it ended too, into its month's. What retention would
 * have cut by now, had it been folded, goes with that. Nothing has to run on time for usage to be whole.
 * `owner` is the account as it was before.
 */
export function endHour({ writer, settled }: UsageRows, owner: UsageOwner, now: number): void {
  const { uid, usageHour: hour } = owner;
  if (hour === 0 || hour === now) return;
  const minutes = minutesOf(writer, owner, hour);
  const kept = settled.row('retention', RETENTION_KEY) ?? NOTHING_CUT;
  const day = dayOfHour(hour);
  const hours = addToRow(settled.usage('HOUR', day, uid), sumRow(minutes, hour % 24));
  if (hour < kept.minutesFrom) writer.removeUsage('MINUTE', hour, uid);
  else writer.putUsage('MINUTE', hour, uid, minutes);
  if (day < kept.hoursFrom && dayOfHour(now) !== day) writer.removeUsage('HOUR', day, uid);
  else writer.putUsage('HOUR', day, uid, hours);
  if (dayOfHour(now) === day) return;
  const { month, index } = monthOfDay(day);
  if (month < kept.daysFrom) return;
  const days = addToRow(settled.usage('DAY', month, uid), sumRow(hours, index));
  writer.putUsage('DAY', month, uid, days);
}
