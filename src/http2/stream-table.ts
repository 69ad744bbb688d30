import { randomInt } from 'node:crypto';

/** What is found by the id of its stream. */
interface Entry {
  readonly id: number;
}

const SLOTS_MIN = 16;

/** Nobody can choose ids that all want the same place. */
const FACTOR = randomInt(2 ** 31) * 2 + 1;

/**
 * The open streams of a connection by their ids. Not a Map: V8 leaves each table that one has outgrown
 * pointing to the next, so every stream would be kept until the next full collection once one of them is old.
 */
export class StreamTable<T extends Entry> {
  /** A power of two, of which at most half is taken. */
  #slots: (T | undefined)[] = new Array<T | undefined>(SLOTS_MIN).fill(undefined);
  #size = 0;
  /** What is left of 32 bits are the places. */
  #shift = 32 - Math.log2(SLOTS_MIN);

  get size(): number {
    return this.#size;
  }

  get(id: number): T | undefined {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let at = this.#home(id); ; at = (at + 1) & mask) {
      const entry = slots[at];
      if (entry === undefined || entry.id === id) return entry;
    }
  }

  /** Adds one whose id is not there. */
  add(entry: T): void {
    if (2 * (this.#size + 1) > this.#slots.length) this.#grow();
    this.#place(entry);
    this.#size += 1;
  }

  delete(id: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#home(id);
    while (slots[hole]?.id !== id) {
      if (slots[hole] === undefined) return;
      hole = (hole + 1) & mask;
    }
    this.#size -= 1;
    slots[hole] = undefined;
    // Those behind that stand there only because the place was taken move up.
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const entry = slots[at];
      if (entry === undefined) return;
      const home = this.#home(entry.id);
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      slots[hole] = entry;
      slots[at] = undefined;
      hole = at;
    }
  }

  /** All of them, as they are now. */
  all(): readonly T[] {
    return this.#slots.filter((entry) => entry !== undefined);
  }

  #home(id: number): number {
    return Math.imul(id, FACTOR) >>> this.#shift;
  }

  #place(entry: T): void {
    const mask = this.#slots.length - 1;
    let at = this.#home(entry.id);
    while (this.#slots[at] !== undefined) at = (at + 1) & mask;
    this.#slots[at] = entry;
  }

  #grow(): void {
    const entries = this.all();
    this.#slots = new Array<T | undefined>(2 * this.#slots.length).fill(undefined);
    this.#shift -= 1;
    for (const entry of entries) this.#place(entry);
  }
}
