import type { Instant } from '../domain/model.js';

/** Where time comes from: the machine's clocks, or a test's. */
export interface TimeSource {
  /** Milliseconds since 1970 UTC, as the machine believes now. May jump. */
  wall(): number;
  /** Milliseconds since any moment, never going back. */
  monotonic(): number;
}

/** The machine's clocks. */
export const machineTime: TimeSource = {
  wall: () => Date.now(),
  monotonic: () => Math.floor(performance.now()),
};

/** How far and how long the wall clock may lead before it is followed. */
export interface ClockPolicy {
  /** A lead beyond this is not followed at once. */
  readonly jumpMaxMs: number;
  /** A lead that lasts this long is followed; one that jumps further begins anew. */
  readonly settleMs: number;
}

/**
 * The store's time: max(last + monotonic time since, wall clock). It always advances, so a clock set
 * back prolongs nothing and reopens nothing (invariant I10). A wall clock far ahead is ignored until it
 * has stayed there.
 */
export interface StoreClock {
  readonly now: () => Instant;
  /** Whether the wall clock is ahead and not followed. */
  readonly jumped: () => boolean;
}

/** Starts the clock at a time that the store knows: max of the last persisted and the wall clock's. */
export function startClock(
  source: TimeSource,
  policy: ClockPolicy,
  persisted: Instant,
): StoreClock {
  let base = Math.max(persisted, source.wall());
  let baseAt = source.monotonic();
  /** Since when the wall clock leads, and the least by which it has led since. */
  let ahead: { readonly since: number; readonly lead: number } | undefined;

  function now(): Instant {
    const at = source.monotonic();
    const elapsed = base + (at - baseAt);
    const wall = source.wall();
    const lead = wall - elapsed;
    if (lead > policy.jumpMaxMs) {
      // One that grows by another jump has stayed for no time yet.
      if (ahead === undefined || lead > ahead.lead + policy.jumpMaxMs) ahead = { since: at, lead };
      ahead = { since: ahead.since, lead: Math.min(lead, ahead.lead) };
      if (at - ahead.since < policy.settleMs) return elapsed;
    }
    ahead = undefined;
    if (lead <= 0) return elapsed;
    base = wall;
    baseAt = at;
    return wall;
  }

  return { now, jumped: () => ahead !== undefined };
}
