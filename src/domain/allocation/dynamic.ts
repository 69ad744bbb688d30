import { maxAmount, minAmount, stepOf, AMOUNT_DECIMALS, type Amount } from '../amount.js';
import type { AllocateDynamicCommand } from './command.js';
import type { UsageBasis } from './row.js';

/** How a dynamic budget is computed. */
export type DynamicRule = Pick<
  AllocateDynamicCommand,
  'baseBudget' | 'usageMultiplier' | 'maxBudget' | 'statistic' | 'windowMs'
>;

const HOUR_MS = 3_600_000n;

/** One, as an amount: what a product of two amounts is divided by to be an amount again. */
const ONE = 10n ** BigInt(AMOUNT_DECIMALS);

/**
 * The budget of one agent: the mean of its usage times the multiplier, at least the base, at most the
 * maximum, which wins over the base. Divided last and rounded once, half up at the pool's scale; who
 * used nothing gets the base. Guide: allocate_dynamic_budget.
 */
export function dynamicBudget(rule: DynamicRule, usage: UsageBasis, scale: number): Amount {
  const { baseBudget, usageMultiplier, maxBudget, statistic, windowMs } = rule;
  let budget = baseBudget;
  if (usage.entries > 0) {
    const product = usage.amount * usageMultiplier;
    const mean =
      statistic === 'MEAN_PER_ENTRY'
        ? halfUp(product, BigInt(usage.entries) * ONE, stepOf(scale))
        : halfUp(product * HOUR_MS, BigInt(windowMs) * ONE, stepOf(scale));
    budget = maxAmount(mean, baseBudget);
  }
  return maxBudget === undefined ? budget : minAmount(budget, maxBudget);
}

/** A quotient of what is not negative, rounded half up to a multiple of `step`. */
function halfUp(numerator: bigint, denominator: bigint, step: Amount): Amount {
  const divisor = denominator * step;
  return ((2n * numerator + divisor) / (2n * divisor)) * step;
}
