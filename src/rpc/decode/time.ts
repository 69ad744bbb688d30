import type { Duration, Timestamp } from '@bufbuild/protobuf/wkt';
import type { Instant } from '../../domain/model.js';
import { refuseField } from './form.js';
import type { Form } from './form.js';

/** The range of a duration, in milliseconds. */
export interface DurationBounds {
  readonly min: number;
  readonly max: number;
  readonly default: number;
  /** What to do about one out of range. */
  readonly advice: string;
}

/** How long a reservation may be held. */
export const TTL: DurationBounds = {
  min: 1_000,
  max: 86_400_000,
  default: 60_000,
  advice: 'Give a ttl from 1 s to 24 h',
};

/** How often WatchBudgets may speak of the same agent. */
export const MIN_INTERVAL: DurationBounds = {
  min: 100,
  max: 86_400_000,
  default: 100,
  advice: 'Give an interval from 100 ms to 24 h',
};

/** How long after an approved emergency request an agent may ask again. */
export const COOLDOWN: DurationBounds = {
  min: 0,
  max: 30 * 86_400_000,
  default: 0,
  advice: 'Give a cooldown from 0 s to 30 d',
};

/** How long an emergency request may wait for an operator. */
export const APPROVAL_TTL: DurationBounds = {
  min: 60_000,
  max: 30 * 86_400_000,
  default: 86_400_000,
  advice: 'Give an approval ttl from 1 min to 30 d',
};

/** What a rolling limit counts over. */
export const ROLLING: DurationBounds = {
  min: 60_000,
  max: 90 * 86_400_000,
  default: 86_400_000,
  advice: 'Give a duration from 1 min to 90 d',
};

/** How far back an allocation looks at usage. */
export const USAGE_WINDOW: DurationBounds = {
  min: 60_000,
  max: 90 * 86_400_000,
  default: 86_400_000,
  advice: 'Give a window from 1 min to 90 d',
};

const NANOS_PER_MS = 1_000_000;
const NANOS_MAX = 999_999_999;

/** Seconds of 0001-01-01 and 9999-12-31T23:59:59, the range of a Timestamp. */
const TIMESTAMP_SECONDS = { min: -62_135_596_800n, max: 253_402_300_799n };

/** Reads a duration in whole milliseconds, what is finer cut off; left out it has its default. */
export function durationMs(
  form: Form,
  field: string,
  duration: Duration | undefined,
  bounds: DurationBounds,
): number {
  if (duration === undefined) return bounds.default;
  const { seconds, nanos } = duration;
  const exact =
    nanos >= 0 && nanos <= NANOS_MAX ? Number(seconds) * 1_000 + nanos / NANOS_PER_MS : -1;
  if (exact < bounds.min || exact > bounds.max) {
    refuseField(form, field, bounds.advice);
    return bounds.default;
  }
  return Math.floor(exact);
}

/**
 * Reads one end of a half-open range. The ledger's times are whole milliseconds, so an end between
 * two of them is moved to the later one, which changes nothing; one before 1970 is moved to it.
 */
export function instantOf(
  form: Form,
  field: string,
  time: Timestamp | undefined,
): Instant | undefined {
  if (time === undefined) return undefined;
  const { seconds, nanos } = time;
  if (
    seconds < TIMESTAMP_SECONDS.min ||
    seconds > TIMESTAMP_SECONDS.max ||
    nanos < 0 ||
    nanos > NANOS_MAX
  ) {
    refuseField(form, field, 'Give a time between the years 1 and 9999');
    return undefined;
  }
  return Math.max(0, Number(seconds) * 1_000 + Math.ceil(nanos / NANOS_PER_MS));
}
