import type { AllocationRow } from '../../domain/allocation/row.js';
import { formatAmount } from '../../domain/amount.js';
import type { Outcome } from '../../domain/answer.js';
import type { Allocation } from '../../gen/safeguards/v1/allocation_pb.js';
import type { Pool } from '../../gen/safeguards/v1/pool_pb.js';
import { writtenPool } from './admin.js';
import type { Written } from './admin.js';

/** What the answers of all strategies have. */
export interface Allocated extends Written {
  readonly pool: Pool | undefined;
  readonly allocations: Allocation[];
  readonly total: string;
}

/** Prints what an allocation made of each agent. */
export function allocated(outcome: Outcome): Allocated {
  return {
    ...writtenPool(outcome),
    allocations: outcome.allocations.map(encodeAllocation),
    total: formatAmount(outcome.amount),
  };
}

function encodeAllocation(row: AllocationRow): Allocation {
  const { agentId, priority, before, after, baseline, usage, leftOut } = row;
  return {
    $typeName: 'safeguards.v1.Allocation',
    agentId,
    priority,
    oldRemaining: formatAmount(before),
    newRemaining: formatAmount(after),
    changeAmount: formatAmount(after - before),
    baseline: formatAmount(baseline),
    usageAmount: usage === undefined ? '' : formatAmount(usage.amount),
    usageEntryCount: BigInt(usage?.entries ?? 0),
    leftOut,
  };
}
