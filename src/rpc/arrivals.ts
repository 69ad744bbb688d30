/** What a listener holds of requests that are not whole yet. */
export interface Arrivals {
  /** Bytes that are held. */
  held(): number;
  /** Takes room for so many bytes more. False when there is none: nothing is taken. */
  take(bytes: number): boolean;
  /** Gives room back. */
  give(bytes: number): void;
}

/**
 * Counts what arriving requests hold, so that many large ones that never end cannot fill the
 * memory. A request that arrives in one piece holds nothing: small calls pass when all room is
 * taken.
 */
export function countArrivals(bytesMax: number): Arrivals {
  let held = 0;
  return {
    held: () => held,
    take: (bytes) => {
      if (held + bytes > bytesMax) return false;
      held += bytes;
      return true;
    },
    give: (bytes) => {
      held -= bytes;
    },
  };
}

/** What deflate makes of a byte at most (zlib's technical details). */
const INFLATION_MAX = 1_032;

/** The most bytes that a compressed message may become before it is refused for its size. */
export function inflatedBytes(compressedBytes: number, messageBytesMax: number): number {
  return Math.min(messageBytesMax, compressedBytes * INFLATION_MAX);
}
