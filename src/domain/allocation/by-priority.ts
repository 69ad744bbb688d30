import { stepOf, type Amount } from '../amount.js';
import type { AllocateByPriorityCommand } from './command.js';
import type { Shortage } from './shortage.js';
import { splitByWeight, type Claimant } from './split.js';

/** How a total is divided by priority. */
export type PriorityRule = Pick<
  AllocateByPriorityCommand,
  'criticalPriority' | 'criticalMinimum' | 'shortage'
>;

/**
 * Divides a total: critical agents get the minimum first, then everybody, they included, shares the
 * rest in proportion to priority. Minimums above the total are a shortage, or are scaled to it and
 * leave nothing to share. The parts sum to the total. Guide: allocate_by_priority, where critical
 * agents get nothing beyond their minimum and the parts do not sum up.
 */
export function divideByPriority(
  rule: PriorityRule,
  total: Amount,
  claimants: readonly Claimant[],
  scale: number,
): readonly Amount[] | Shortage {
  const step = stepOf(scale);
  const minimums = claimants.map(({ priority }) =>
    priority >= rule.criticalPriority ? rule.criticalMinimum : 0n,
  );
  const needed = minimums.reduce((sum, minimum) => sum + minimum, 0n);
  if (needed > total) {
    if (rule.shortage === 'REJECT') return { minimums: needed };
    return splitByWeight(total, claimants, minimums, step);
  }
  const priorities = claimants.map(({ priority }) => BigInt(priority));
  const shares = splitByWeight(total - needed, claimants, priorities, step);
  return shares.map((share, at) => share + (minimums[at] ?? 0n));
}
