import type { RecordBudgetChangeCommand } from '../../src/domain/budget-change.js';
import { DEFAULT_THRESHOLDS, type ReviewRequest } from '../../src/domain/review.js';
import { money } from '../support/seed.js';

/** A change that a client notes, with defaults. */
export function recordBudgetChange(
  agentId: string,
  before: string,
  after: string,
  over: Partial<Omit<RecordBudgetChangeCommand, 'method'>> = {},
): RecordBudgetChangeCommand {
  return {
    method: 'RECORD_BUDGET_CHANGE',
    requestId: '',
    reason: '',
    agentId,
    oldBudget: money(before),
    newBudget: money(after),
    changeTime: undefined,
    metadata: [],
    ...over,
  };
}

/** What a review is asked for, with the guide's thresholds. */
export function reviewOf(over: Partial<ReviewRequest> = {}): ReviewRequest {
  return { requestId: '', reason: '', poolId: '', thresholds: DEFAULT_THRESHOLDS, ...over };
}
