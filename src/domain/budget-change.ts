import { formatAmount, type Amount } from './amount.js';
import type { AdminFields } from './command.js';
import type { EntryKind } from './entry.js';
import type { Instant, Metadata } from './model.js';

/** Notes a change of a budget that a client made elsewhere. Guide: record_budget_change. */
export interface RecordBudgetChangeCommand extends AdminFields {
  readonly method: 'RECORD_BUDGET_CHANGE';
  readonly agentId: string;
  /** Signed. */
  readonly oldBudget: Amount;
  /** Signed. */
  readonly newBudget: Amount;
  /** When the client says it happened; undefined: it does not say. */
  readonly changeTime: Instant | undefined;
  readonly metadata: Metadata;
}

/** What an entry's changes call the budget that a client noted, and when it says that happened. */
export const EXTERNAL_FIELDS = { budget: 'external/budget', time: 'external/time' } as const;

/** What a line says. */
export interface ChangeFacts {
  readonly agentId: string;
  /** 1..10. */
  readonly priority: number;
  readonly before: Amount;
  readonly after: Amount;
  readonly kind: EntryKind;
  /** Empty: the kind says why. */
  readonly reason: string;
}

/**
 * The guide's line of log_budget_change. It is one line whatever was given as a reason: line feeds and
 * other control characters become spaces, so that nobody forges a second one in a log.
 */
export function changeLine({ agentId, priority, before, after, ...why }: ChangeFacts): string {
  const change = after - before;
  const signed = `${change < 0n ? '' : '+'}${formatAmount(change)}`;
  const given = why.reason.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
  const reason = given === '' ? why.kind.toLowerCase().replaceAll('_', ' ') : given;
  return (
    `Budget change for agent ${agentId} (priority ${priority}): ` +
    `${formatAmount(before)} → ${formatAmount(after)} (${signed}). Reason: ${reason}`
  );
}
