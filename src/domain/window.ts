import type { Instant } from './model.js';
import { firstInstant, isZone, offsetAt, offsetChange } from './zone.js';

/** The calendar's units that a window may be. */
export type CalendarUnit = 'HOUR' | 'DAY' | 'WEEK' | 'MONTH';

/** What a limit of every kind but PER_REQUEST counts over. */
export type LimitWindow = LifetimeWindow | CalendarWindow | RollingWindow;

/** Everything since the limit was made. */
export interface LifetimeWindow {
  readonly kind: 'LIFETIME';
}

/** The hour, day, week or month that it is somewhere; a new one begins at nothing. */
export interface CalendarWindow {
  readonly kind: 'CALENDAR';
  readonly unit: CalendarUnit;
  /** Whose clocks and dates: the name of an IANA time zone. */
  readonly zone: string;
  /** The day that weeks begin on, 1 = Monday to 7 = Sunday. Only WEEK reads it. */
  readonly weekStart: number;
}

/**
 * The last `durationMs`, in slices: what is counted leaves up to one slice late, never early, and at
 * most 61 slots are kept.
 */
export interface RollingWindow {
  readonly kind: 'ROLLING';
  /** Whole milliseconds, 1 minute to 90 days. */
  readonly durationMs: number;
}

/** From a moment up to, and without, another. */
export interface Span {
  readonly start: Instant;
  readonly end: Instant;
}

/** The shortest rolling window. */
export const ROLLING_MS_MIN = 60_000;

/** The longest rolling window. */
export const ROLLING_MS_MAX = 90 * 86_400_000;

const SLICES = 60;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * The span of a calendar window that contains a moment. Spans tile time: each begins where the one
 * before ends.
 *
 * A day begins when a zone's clocks first show its date, so it is 23 to 25 hours as a rule, begins at
 * 01:00 where midnight is skipped, and does not exist where a whole date is (Apia, 30 December 2011).
 * Where clocks go back past midnight, the new day goes on: a day that is over is not opened again.
 * Weeks and months are made of such days.
 *
 * An hour is one of the zone's wall clock and ends at the latest when the clocks change. One that
 * clocks repeat is two spans; one that they enter or leave halfway (Lord Howe moves by 30 minutes)
 * is a shorter span of its own.
 *
 * Costs some 10 µs, up to 100 beside a change of clocks: keep the span while it lasts. Throws a
 * RangeError when the zone is none.
 */
export function calendarSpan(window: CalendarWindow, time: Instant): Span {
  const { unit, zone } = window;
  if (unit === 'HOUR') return hourSpan(zone, time);
  const date = firstDate(window, time + offsetAt(zone, time));
  let next = nextDate(unit, date);
  let span = { start: firstInstant(zone, date), end: firstInstant(zone, next) };
  while (span.end <= time) {
    next = nextDate(unit, next);
    span = { start: span.end, end: firstInstant(zone, next) };
  }
  return span;
}

function hourSpan(zone: string, time: Instant): Span {
  const local = time + offsetAt(zone, time);
  const start = time - (local - Math.floor(local / HOUR_MS) * HOUR_MS);
  const end = start + HOUR_MS;
  return {
    start: offsetChange(zone, start, time) ?? start,
    end: offsetChange(zone, time, end) ?? end,
  };
}

/** The first date of the day, week or month of a local time; both as if they were UTC. */
function firstDate({ unit, weekStart }: CalendarWindow, local: number): number {
  const day = Math.floor(local / DAY_MS);
  if (unit === 'MONTH') return monthDate(day, 0);
  if (unit !== 'WEEK') return day * DAY_MS;
  // 1 January 1970 was a Thursday.
  const weekday = mod(day + 3, 7) + 1;
  return (day - mod(weekday - weekStart, 7)) * DAY_MS;
}

function nextDate(unit: CalendarUnit, date: number): number {
  if (unit === 'MONTH') return monthDate(date / DAY_MS, 1);
  return date + (unit === 'WEEK' ? 7 : 1) * DAY_MS;
}

/** The 1st of the month of a day since 1970, or of a later month. */
function monthDate(day: number, monthsLater: number): number {
  const date = new Date(day * DAY_MS);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + monthsLater, 1);
}

function mod(value: number, by: number): number {
  return ((value % by) + by) % by;
}

/**
 * How long one slice of a rolling window is: a sixtieth of it, rounded up to a whole millisecond.
 * Slices are counted from 1970 UTC.
 */
export function sliceOf(window: RollingWindow): number {
  return Math.ceil(window.durationMs / SLICES);
}

/**
 * The earliest moment whose spends are counted at `now`; for LIFETIME 0. In a rolling window this is
 * the start of a slice, up to one slice before `now` less the duration.
 */
export function countsSince(window: LimitWindow, now: Instant): Instant {
  switch (window.kind) {
    case 'LIFETIME':
      return 0;
    case 'CALENDAR':
      return calendarSpan(window, now).start;
    case 'ROLLING': {
      const slice = sliceOf(window);
      return Math.floor((now - window.durationMs) / slice) * slice;
    }
  }
}

/** What is wrong with a window, as a sentence for who sent it, or undefined when nothing is. */
export function windowProblem(window: LimitWindow): string | undefined {
  switch (window.kind) {
    case 'LIFETIME':
      return undefined;
    case 'CALENDAR':
      if (!isZone(window.zone)) {
        return 'The time zone is not known here. It must be the name of an IANA zone such as UTC';
      }
      return Number.isInteger(window.weekStart) && window.weekStart >= 1 && window.weekStart <= 7
        ? undefined
        : 'The start of the week must be a day from 1 for Monday to 7 for Sunday';
    case 'ROLLING':
      if (!Number.isInteger(window.durationMs)) {
        return 'The duration must be a whole number of milliseconds';
      }
      return window.durationMs >= ROLLING_MS_MIN && window.durationMs <= ROLLING_MS_MAX
        ? undefined
        : 'The duration must be from 1 minute to 90 days';
  }
}
