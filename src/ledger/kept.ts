import type { Agent, Instant } from '../domain/model.js';
import { NOTHING_CUT, RETENTION_KEY, type Retention } from '../domain/opening.js';
import { firstDayOfMonth } from '../domain/usage.js';
import type { Page, TimeRange } from './api.js';
import type { StoreReader } from './store.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A page of what retention cuts. */
export interface HistoryPage<T> extends Page<T> {
  /** What was before this moment is not kept, or not all of it; undefined where all of the range is. */
  readonly retainedFrom: Instant | undefined;
}

/** Whose history it is: nothing was cut of what was before it. */
type Owner = Pick<Agent, 'createTime'>;

/**
 * From when on all entries of a range are kept; undefined where all of the range is. The moment of the
 * last entry that was cut is shared by others that were not.
 */
export function entriesKeptFrom(
  reader: StoreReader,
  owner: Owner,
  range: TimeRange,
): Instant | undefined {
  const { throughSequence, throughTime } = retentionOf(reader);
  return throughSequence === 0 ? undefined : within(throughTime + 1, owner, range);
}

/** From when on the sums of minutes, hours or days are kept; undefined where all of the range is. */
export function bucketsKeptFrom(
  reader: StoreReader,
  granularity: 'MINUTE' | 'HOUR' | 'DAY',
  owner: Owner,
  range: TimeRange,
): Instant | undefined {
  const { minutesFrom, hoursFrom, daysFrom } = retentionOf(reader);
  const from = {
    MINUTE: minutesFrom * HOUR_MS,
    HOUR: hoursFrom * DAY_MS,
    DAY: firstDayOfMonth(daysFrom) * DAY_MS,
  };
  return within(from[granularity], owner, range);
}

function retentionOf(reader: StoreReader): Retention {
  return reader.row('retention', RETENTION_KEY) ?? NOTHING_CUT;
}

function within(from: Instant, { createTime }: Owner, { start, end }: TimeRange) {
  return Math.max(start, createTime) < from && start < end ? from : undefined;
}
