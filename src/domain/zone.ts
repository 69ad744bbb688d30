import type { Instant } from './model.js';

/**
 * Most zones whose formatter is kept; the oldest goes when another is needed. A formatter costs some
 * 0.15 ms to make and 2 µs to ask.
 */
export const ZONES_KEPT_MAX = 128;

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

/** No zone has ever been further from UTC: Manila was at -15:56 until 1844. */
const OFFSET_MAX_MS = 16 * HOUR_MS;

/** How en-US ends with timeZoneName longOffset; UTC itself is a bare GMT. */
const OFFSET = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/;

/** A memo of what depends on nothing but the name. */
const formatters = new Map<string, Intl.DateTimeFormat>();

/**
 * Whether a text is the name of an IANA time zone that this process knows, in any case: UTC,
 * Europe/Berlin, US/Eastern, Etc/GMT+5. Fixed offsets (+02:00, which some versions of Node take) are
 * refused because they are no zones; empty is no name either.
 */
export function isZone(name: string): boolean {
  return canonicalZone(name) !== undefined;
}

/**
 * The spelling of a zone's name that is worth keeping, or undefined when it is no zone. It corrects
 * the case where Intl tells it and leaves another name of a zone as it is: an operator reads back
 * the Europe/Kyiv or Asia/Kolkata that was written, whichever of a zone's names Intl prefers in this
 * version of Node.
 */
export function canonicalZone(name: string): string | undefined {
  if (!/^[A-Za-z]/.test(name)) return undefined;
  try {
    const resolved = formatterOf(name).resolvedOptions().timeZone;
    return resolved.toLowerCase() === name.toLowerCase() ? resolved : name;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * What a zone's clocks show ahead of UTC at a moment, in milliseconds, to the second. Throws a
 * RangeError when the zone is none.
 */
export function offsetAt(zone: string, time: Instant): number {
  const match = OFFSET.exec(formatterOf(zone).format(time));
  if (match === null) throw new Error('Intl does not print the offset of a time zone');
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = match;
  const size = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  return (sign === '-' ? -size : size) * SECOND_MS;
}

/**
 * The first moment after `from` whose offset is not that of `from`, or undefined when `to` has the
 * same offset. Between the two the offset may change once: no zone has changed twice within a week
 * since 1970.
 */
export function offsetChange(zone: string, from: Instant, to: Instant): Instant | undefined {
  const before = offsetAt(zone, from);
  if (offsetAt(zone, to) === before) return undefined;
  let low = from;
  let high = to;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(zone, middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * The first moment at which a zone's clocks show `local` or later. `local` is a date and time of day
 * counted as if it were UTC. A local time that clocks skip is reached when they skip it; one that
 * they show twice is reached the first time.
 */
export function firstInstant(zone: string, local: number): Instant {
  const from = local - OFFSET_MAX_MS;
  const change = offsetChange(zone, from, local + OFFSET_MAX_MS);
  const unchanged = local - offsetAt(zone, from);
  if (change === undefined || unchanged < change) return unchanged;
  return Math.max(change, local - offsetAt(zone, change));
}

function formatterOf(zone: string): Intl.DateTimeFormat {
  const kept = formatters.get(zone);
  if (kept !== undefined) return kept;
  const made = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  const [oldest] = formatters.keys();
  if (oldest !== undefined && formatters.size >= ZONES_KEPT_MAX) formatters.delete(oldest);
  formatters.set(zone, made);
  return made;
}
