import type { Duration, Timestamp } from '@bufbuild/protobuf/wkt';
import type { Instant } from '../../domain/model.js';

/** Prints an instant. */
export function timestampOf(instant: Instant): Timestamp {
  const seconds = Math.floor(instant / 1000);
  return {
    $typeName: 'google.protobuf.Timestamp',
    seconds: BigInt(seconds),
    nanos: (instant - seconds * 1000) * 1_000_000,
  };
}

/** Prints an instant that there may not be. */
export function optionalTimestamp(instant: Instant | undefined): Timestamp | undefined {
  return instant === undefined ? undefined : timestampOf(instant);
}

/** Prints a duration of milliseconds, at least 0. */
export function durationOf(ms: number): Duration {
  const whole = Math.round(ms);
  const seconds = Math.floor(whole / 1000);
  return {
    $typeName: 'google.protobuf.Duration',
    seconds: BigInt(seconds),
    nanos: (whole - seconds * 1000) * 1_000_000,
  };
}
