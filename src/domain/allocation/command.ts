import type { Amount } from '../amount.js';
import type { AdminFields } from '../command.js';

/** How usage becomes one number: per spend or commit, or per hour of the window. */
export type UsageStatistic = 'MEAN_PER_ENTRY' | 'MEAN_PER_HOUR';

/** What happens when the critical minimums exceed the total. */
export type ShortagePolicy = 'REJECT' | 'SCALE';

/**
 * How priority and usage are made comparable. SHARE: each as a share of its sum. RAW, the guide's:
 * the priority and the mean per entry are added as they are.
 */
export type Normalization = 'SHARE' | 'RAW';

/** What every strategy has. */
interface AllocationFields extends AdminFields {
  readonly poolId: string;
  /** Sorted, each once; all of that pool. Empty: every living agent of it. */
  readonly agentIds: readonly string[];
  readonly validateOnly: boolean;
  /** Of the pool. */
  readonly expectedRevision: number | undefined;
}

export interface AllocateDynamicCommand extends AllocationFields {
  readonly method: 'ALLOCATE_DYNAMIC';
  readonly baseBudget: Amount;
  /** Above 0. */
  readonly usageMultiplier: Amount;
  /** Undefined: none. */
  readonly maxBudget: Amount | undefined;
  readonly statistic: UsageStatistic;
  readonly windowMs: number;
}

export interface AllocateByPriorityCommand extends AllocationFields {
  readonly method: 'ALLOCATE_BY_PRIORITY';
  /** Undefined: what these agents and the free money of the pool come to. */
  readonly total: Amount | undefined;
  /** 1..10: agents of this priority or above are critical. */
  readonly criticalPriority: number;
  readonly criticalMinimum: Amount;
  readonly shortage: ShortagePolicy;
}

export interface RebalancePoolCommand extends AllocationFields {
  readonly method: 'REBALANCE_POOL';
  /** Undefined: what these agents and the free money of the pool come to. */
  readonly total: Amount | undefined;
  /** Not 0 together with `usageWeight`. */
  readonly priorityWeight: Amount;
  readonly usageWeight: Amount;
  readonly minPerAgent: Amount;
  readonly normalization: Normalization;
  readonly windowMs: number;
}

/** A mutation that sets the budgets of many agents of a pool at once. */
export type AllocationCommand =
  AllocateDynamicCommand | AllocateByPriorityCommand | RebalancePoolCommand;
