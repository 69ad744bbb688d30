import type { Instant } from './model.js';

/** Something that is due again and again: at `start`, and every `everyMs` (above 0) after it. */
export interface Interval {
  readonly start: Instant;
  readonly everyMs: number;
}

/** The first moment after `time` at which an interval is due. */
export function nextDue(interval: Interval, time: Instant): Instant {
  return time < interval.start ? interval.start : dueBy(interval, time) + interval.everyMs;
}

/** The last moment up to and with `time` at which it was due, or undefined before its start. */
export function lastDue(interval: Interval, time: Instant): Instant | undefined {
  return time < interval.start ? undefined : dueBy(interval, time);
}

/** How many times it was due after `from`, up to and with `to`; 0 when `to` is not after `from`. */
export function dueBetween(interval: Interval, from: Instant, to: Instant): number {
  const first = nextDue(interval, from);
  return to < first ? 0 : Math.floor((to - first) / interval.everyMs) + 1;
}

function dueBy({ start, everyMs }: Interval, time: Instant): Instant {
  return start + Math.floor((time - start) / everyMs) * everyMs;
}
