import { formatAmount } from '../../domain/amount.js';
import { changeLine } from '../../domain/budget-change.js';
import { ENTRY_KINDS } from '../../domain/entry.js';
import type { Entry } from '../../domain/entry.js';
import type { BudgetChangeView, UsageBucketView } from '../../ledger/metrics-views.js';
import type {
  BudgetChange,
  UsageBucket,
  UsageEntry,
} from '../../gen/safeguards/v1/metrics_service_pb.js';
import { metadataMap, quantityMap } from './pairs.js';
import { timestampOf } from './time.js';

/** Prints a spend or commit. */
export function encodeUsageEntry(entry: Entry): UsageEntry {
  return {
    $typeName: 'safeguards.v1.UsageEntry',
    sequence: BigInt(entry.sequence),
    time: timestampOf(entry.time),
    amount: formatAmount(entry.amount ?? 0n),
    category: entry.category,
    quantities: quantityMap(entry.quantities),
    runId: entry.runId,
    reservationId: entry.reservationId,
  };
}

/** Prints the usage of a minute, hour or day. */
export function encodeUsageBucket(bucket: UsageBucketView): UsageBucket {
  return {
    $typeName: 'safeguards.v1.UsageBucket',
    startTime: timestampOf(bucket.start),
    amount: formatAmount(bucket.amount),
    entryCount: BigInt(bucket.entries),
    requestCount: BigInt(bucket.requests),
    quantities: quantityMap(bucket.quantities),
    refundedAmount: formatAmount(bucket.refunded),
  };
}

/** Prints a change of an agent's remaining money, or what a client noted of one. */
export function encodeBudgetChange(change: BudgetChangeView): BudgetChange {
  const { entry, agentId, before, after, priority, external, externalTime } = change;
  const { kind, reason } = entry;
  return {
    $typeName: 'safeguards.v1.BudgetChange',
    sequence: BigInt(entry.sequence),
    time: timestampOf(entry.time),
    kind: ENTRY_KINDS[kind],
    agentId,
    oldBudget: formatAmount(before),
    newBudget: formatAmount(after),
    changeAmount: formatAmount(after - before),
    reason,
    principal: entry.principal,
    requestId: entry.requestId,
    line: changeLine({ agentId, priority, before, after, kind, reason }),
    priority,
    external,
    externalTime: externalTime === undefined ? undefined : timestampOf(externalTime),
    metadata: external ? metadataMap(entry.metadata) : {},
  };
}
