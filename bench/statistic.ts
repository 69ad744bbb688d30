/** The middle and the ends of some numbers. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The spread of at least one number. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median =
    sorted.length % 2 === 1
      ? at(sorted, Math.floor(middle))
      : (at(sorted, middle - 1) + at(sorted, middle)) / 2;
  return { median, min: at(sorted, 0), max: at(sorted, sorted.length - 1) };
}

/** The number below which a part of sorted numbers lies; NaN of none. */
export function percentile(sorted: readonly number[], part: number): number {
  return at(sorted, Math.min(sorted.length - 1, Math.floor(sorted.length * part)));
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? Number.NaN;
}
