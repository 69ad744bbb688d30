import { stepOf, AMOUNT_DECIMALS, type Amount } from '../amount.js';
import type { RebalancePoolCommand } from './command.js';
import type { UsageBasis } from './row.js';
import type { Shortage } from './shortage.js';
import { splitByWeight, type Claimant } from './split.js';

/** How a pool's money is divided by priority and usage. */
export type RebalanceRule = Pick<
  RebalancePoolCommand,
  'priorityWeight' | 'usageWeight' | 'minPerAgent' | 'normalization'
>;

/** Who takes part, and what it used. */
export interface UsingClaimant extends Claimant {
  readonly usage: UsageBasis;
}

const ONE = 10n ** BigInt(AMOUNT_DECIMALS);

/**
 * How much finer than an amount a mean is kept: cut at 36 decimals. Exact means would need a common
 * denominator, which for ten thousand agents has as many digits as their counts together.
 */
const FINER = 10n ** 24n;

/**
 * Divides a total: everybody gets the minimum first, the rest is shared by weight. Minimums above the
 * total are a shortage. The parts sum to the total. Guide: rebalance_agent_budgets.
 */
export function rebalance(
  rule: RebalanceRule,
  total: Amount,
  claimants: readonly UsingClaimant[],
  scale: number,
): readonly Amount[] | Shortage {
  const minimums = rule.minPerAgent * BigInt(claimants.length);
  if (minimums > total) return { minimums };
  const weights = weightsOf(rule, claimants);
  const shares = splitByWeight(total - minimums, claimants, weights, stepOf(scale));
  return shares.map((share) => share + rule.minPerAgent);
}

/** The weights, or where they come to nothing the priorities alone: those are never 0. */
function weightsOf(rule: RebalanceRule, claimants: readonly UsingClaimant[]): readonly bigint[] {
  const weights =
    rule.normalization === 'SHARE' ? sharedWeights(rule, claimants) : rawWeights(rule, claimants);
  return weights.some((weight) => weight > 0n)
    ? weights
    : claimants.map(({ priority }) => BigInt(priority));
}

/** Each factor as a share of its sum, over their common denominator; nobody used: priority alone. */
function sharedWeights(
  { priorityWeight, usageWeight }: RebalanceRule,
  claimants: readonly UsingClaimant[],
): readonly bigint[] {
  const priorities = claimants.reduce((sum, { priority }) => sum + BigInt(priority), 0n);
  const used = claimants.reduce((sum, { usage }) => sum + usage.amount, 0n);
  if (used === 0n) return [];
  return claimants.map(
    ({ priority, usage }) =>
      priorityWeight * BigInt(priority) * used + usageWeight * usage.amount * priorities,
  );
}

/** The priority and the mean of a spend or commit, 1 where there was none, as they are. */
function rawWeights(
  { priorityWeight, usageWeight }: RebalanceRule,
  claimants: readonly UsingClaimant[],
): readonly bigint[] {
  return claimants.map(({ priority, usage }) => {
    const mean = usage.entries === 0 ? ONE * FINER : (usage.amount * FINER) / BigInt(usage.entries);
    return priorityWeight * BigInt(priority) * ONE * FINER + usageWeight * mean;
  });
}
