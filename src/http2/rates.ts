import { excess } from './errors.js';

/** What a peer may do in a second. */
export interface RateLimits {
  /** Most frames in a second that only ask for an answer or say nothing. */
  readonly controlsPerSecondMax: number;
  /** Most streams in a second that end by a reset. */
  readonly resetsPerSecondMax: number;
}

/** Counts what costs the peer nothing. */
export class Rates {
  readonly #limits: RateLimits;
  #controls = 0;
  #resets = 0;

  constructor(limits: RateLimits) {
    this.#limits = limits;
  }

  /** A second has passed. */
  beginSecond(): void {
    this.#controls = 0;
    this.#resets = 0;
  }

  control(): void {
    this.#controls += 1;
    if (this.#controls > this.#limits.controlsPerSecondMax) throw excess('Too many frames');
  }

  reset(): void {
    this.#resets += 1;
    if (this.#resets > this.#limits.resetsPerSecondMax) throw excess('Too many resets');
  }
}
