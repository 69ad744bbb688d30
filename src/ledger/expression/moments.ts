import { TIMESTAMP_MAX } from './operators.js';

const TIMESTAMP =
  /^((?:19[7-9]|[2-9]\d\d)\d)-(\d\d)-(\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,3})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const DURATION = /^(-?)((?:\d{1,12}(?:h|ms|m|s))+)$/;
const STEP = /(\d+)(h|ms|m|s)/g;
const MS_PER: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** Reads a timestamp of RFC 3339 from 1970 on, to the millisecond, or says what one looks like. */
export function timestampOf(text: string): number | string {
  const parts = TIMESTAMP.exec(text);
  const instant = parts === null ? NaN : Date.parse(text);
  const inRange = instant >= 0 && instant <= TIMESTAMP_MAX;
  if (parts !== null && inRange && isDay(parts)) return instant;
  return 'This is not a timestamp: one is written "2026-01-31T08:00:00Z", from 1970 on';
}

// Date.parse takes the 30th of February for the 2nd of March.
function isDay([, year, month, day]: readonly string[]): boolean {
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  return date.getUTCDate() === Number(day) && date.getUTCMonth() === Number(month) - 1;
}

/** Reads a duration in whole hours, minutes, seconds and ms, or says what one looks like. */
export function durationOf(text: string): number | string {
  const [, sign, steps] = DURATION.exec(text) ?? [];
  let total = steps === undefined ? NaN : 0;
  for (const [, number, unit] of steps?.matchAll(STEP) ?? []) {
    total += Number(number) * (MS_PER[unit ?? ''] ?? NaN);
  }
  if (total <= TIMESTAMP_MAX) return sign === '-' ? -total : total;
  return 'This is not a duration: one is written "1h30m", "45s" or "500ms"';
}
