import type { TimeSource } from '../../src/ledger/clock.js';

/** A Thursday morning. */
export const T0 = Date.UTC(2026, 0, 1, 8, 0, 0);

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const YEAR = 365 * DAY;

/** Clocks that move by hand. */
export class ManualTime implements TimeSource {
  #wall: number;
  #monotonic = 5_000;

  constructor(wall = T0) {
    this.#wall = wall;
  }

  wall(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** Time passes: both clocks move. */
  pass(ms: number): void {
    this.#wall += ms;
    this.#monotonic += ms;
  }

  /** Somebody sets the wall clock. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  /** Another process: the wall clock stays, the monotonic one begins anew. */
  restart(): ManualTime {
    return new ManualTime(this.#wall);
  }
}
