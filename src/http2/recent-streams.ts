/** How many are remembered: as many as are refused in one burst. */
const SLOTS = 1_024;

/**
 * The streams of a connection that were closed last. What comes on one that we ended is on its way
 * from before the peer knew; on any other it is a breach of the protocol.
 */
export class RecentStreams {
  readonly #ids = new Int32Array(SLOTS);

  add(id: number, isOurs: boolean): void {
    this.#ids[slotOf(id)] = isOurs ? -id : id;
  }

  has(id: number): boolean {
    return Math.abs(this.#ids[slotOf(id)] ?? 0) === id;
  }

  isOurs(id: number): boolean {
    return this.#ids[slotOf(id)] === -id;
  }
}

function slotOf(id: number): number {
  return (id >>> 1) % SLOTS;
}
