import type { Amount } from '../amount.js';

/** Who takes part in a split. */
export interface Claimant {
  readonly id: string;
  readonly priority: number;
}

/** By priority, highest first, then by id: who gets an indivisible step first. */
export function byPrecedence(a: Claimant, b: Claimant): number {
  return b.priority - a.priority || (a.id < b.id ? -1 : 1);
}

/**
 * Splits a total by weights with the largest remainder: everybody gets the whole steps of the exact
 * share, the steps that are left go one each to the largest remainders, ties by `byPrecedence`. The
 * parts are in the order of the claimants, none below 0, and sum to the total, whatever that order is.
 * The total is at least 0 and a multiple of `step`; weights are at least 0 and one is above it.
 */
export function splitByWeight(
  total: Amount,
  claimants: readonly Claimant[],
  weights: readonly bigint[],
  step: Amount,
): readonly Amount[] {
  const whole = weights.reduce((sum, weight) => sum + weight, 0n);
  if (whole === 0n) return claimants.map(() => 0n);
  const steps = total / step;
  let left = steps;
  const shares = claimants.map((claimant, at) => {
    const product = steps * (weights[at] ?? 0n);
    const floor = product / whole;
    left -= floor;
    return { claimant, floor, remainder: product % whole };
  });
  const favoured = shares.toSorted((a, b) => {
    if (a.remainder !== b.remainder) return a.remainder > b.remainder ? -1 : 1;
    return byPrecedence(a.claimant, b.claimant);
  });
  const extra = new Set(favoured.slice(0, Number(left)));
  return shares.map((share) => (share.floor + (extra.has(share) ? 1n : 0n)) * step);
}
