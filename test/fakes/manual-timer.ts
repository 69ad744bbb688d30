import { setImmediate } from 'node:timers/promises';
import type { Timer } from '../../src/delivery/timer.js';
import { ManualTime } from './manual-time.js';

interface Pending {
  readonly at: number;
  readonly call: () => void;
}

/** A timer that goes off when time is moved by hand. */
export class ManualTimer implements Timer {
  readonly time: ManualTime;
  readonly #pending = new Set<Pending>();

  constructor(time = new ManualTime()) {
    this.time = time;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#pending.size;
  }

  after(ms: number, call: () => void): () => void {
    const one = { at: this.time.wall() + ms, call };
    this.#pending.add(one);
    return () => this.#pending.delete(one);
  }

  /** Time passes, up to each moment that something waits for, and all that follows from it happens. */
  async pass(ms: number): Promise<void> {
    const end = this.time.wall() + ms;
    await settled();
    for (;;) {
      const [first] = [...this.#pending].sort((a, b) => a.at - b.at);
      if (first === undefined || first.at > end) break;
      this.time.pass(first.at - this.time.wall());
      this.#pending.delete(first);
      first.call();
      await settled();
    }
    this.time.pass(end - this.time.wall());
  }
}

/** Resolves when everything that waits for nothing but promises has happened. */
export async function settled(): Promise<void> {
  await setImmediate();
  await setImmediate();
}
