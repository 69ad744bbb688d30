import type { Instant, Uid } from '../domain/model.js';
import type { Retention } from '../domain/opening.js';
import { dayOfHour, hourOf, monthOfDay, STORE_UID } from '../domain/usage.js';
import type { Header, StoreWriter, UsageLevel, UsageRow } from './store.js';

/** How long usage is kept. Each is a setting of the same name in the configuration. */
export interface UsageRetention {
  /** Sums of minutes: `usage_minutes_retention`. */
  readonly usageMinutesRetentionMs: number;
  /** Sums of hours: `usage_hours_retention`. */
  readonly usageHoursRetentionMs: number;
  /** Sums of days: `usage_days_retention`. */
  readonly usageDaysRetentionMs: number;
}

/** Rows that one step looks at, at most. */
export const USAGE_STEP_MAX = 250;

/** Takes away the usage that is too old, step by step. */
export interface UsageCutter {
  /** One step. Returns what is kept from now on, and whether there may be more. */
  step(
    writer: StoreWriter,
    header: Header,
    now: Instant,
    before: Retention,
  ): { readonly retention: Retention; readonly more: boolean };
}

const LEVELS: readonly UsageLevel[] = ['MINUTE', 'HOUR', 'DAY'];

/**
 * Makes a cutter. Nothing is lost by taking minutes or hours away: what has ended is folded into the
 * next coarser row, and the newest hour of an account stays, however old, until it is used again.
 */
export function makeUsageCutter(retention: UsageRetention): UsageCutter {
  /** Where the walk of each level is: rows before it were looked at since the start. */
  const positions = new Map<UsageLevel, UsageRow>();

  const step: UsageCutter['step'] = (writer, header, now, before) => {
    const next = keptFrom(before, now, retention);
    const from: Record<UsageLevel, number> = {
      MINUTE: next.minutesFrom,
      HOUR: next.hoursFrom,
      DAY: next.daysFrom,
    };
    let looked = 0;
    for (const level of LEVELS) {
      const limit = USAGE_STEP_MAX - looked;
      if (limit === 0) break;
      const rows = writer.usageRows(level, positions.get(level), from[level], limit);
      for (const { slot, uid } of rows) {
        if (!isOpen(writer, header, level, slot, uid)) writer.removeUsage(level, slot, uid);
      }
      const last = rows.at(-1);
      if (last !== undefined) positions.set(level, last);
      looked += rows.length;
    }
    const more = looked === USAGE_STEP_MAX;
    return { retention: looked > 0 && changed(before, next) ? next : before, more };
  };

  return { step };
}

/** What is kept from now on; never less than was kept before, since that is gone. */
function keptFrom(row: Retention, now: Instant, retention: UsageRetention): Retention {
  const hour = (ms: number): number => Math.max(0, hourOf(now - ms));
  const minutes = hour(retention.usageMinutesRetentionMs);
  const hours = dayOfHour(hour(retention.usageHoursRetentionMs));
  const days = monthOfDay(dayOfHour(hour(retention.usageDaysRetentionMs))).month;
  return {
    ...row,
    minutesFrom: Math.max(row.minutesFrom, minutes),
    hoursFrom: Math.max(row.hoursFrom, hours),
    daysFrom: Math.max(row.daysFrom, days),
  };
}

function changed(a: Retention, b: Retention): boolean {
  return (
    a.minutesFrom !== b.minutesFrom || a.hoursFrom !== b.hoursFrom || a.daysFrom !== b.daysFrom
  );
}

/** Whether a row has what is not folded yet: the newest hour of its account, or the day of that. */
function isOpen(
  writer: StoreWriter,
  header: Header,
  level: UsageLevel,
  slot: number,
  uid: Uid,
): boolean {
  if (level === 'DAY') return false;
  const newest =
    uid === STORE_UID ? header.usageHour : (writer.agent(uid) ?? writer.pool(uid))?.usageHour;
  if (newest === undefined) return false;
  return slot === (level === 'MINUTE' ? newest : dayOfHour(newest));
}
