import { formatAmount } from '../amount.js';
import { EXTERNAL_FIELDS, type RecordBudgetChangeCommand } from '../budget-change.js';
import { carryOut, tell, type Decided } from '../decided.js';
import { beginDraft, closeEntry, putRow, removeRow, touch, type Draft } from '../draft.js';
import type { FieldChange } from '../entry.js';
import { REVIEWS_MAX, type Review, type RunReviewCommand } from '../review.js';
import type { Context, State } from '../state.js';
import { sequenceKey } from '../violation.js';
import { agentClosed, agentNotFound, checkScales, poolNotFound, poolOf } from './checks.js';

/** Notes in an agent's history what a client changed elsewhere. No balance changes. */
export function decideRecordBudgetChange(
  state: State,
  command: RecordBudgetChangeCommand,
  context: Context,
): Decided {
  const agent = state.agentById(command.agentId);
  if (agent === undefined) return agentNotFound(command.agentId);
  if (agent.state === 'CLOSED') return agentClosed(agent);
  const pool = poolOf(state, agent);
  const { oldBudget, newBudget, changeTime, metadata } = command;
  const misfit = checkScales(pool, [
    ['old_budget', oldBudget],
    ['new_budget', newBudget],
  ]);
  if (misfit !== undefined) return misfit;

  const draft = beginDraft(state, context.now);
  touch(draft, 'AGENT', agent.uid, agent.lastSequence);
  const changes: FieldChange[] = [
    {
      field: EXTERNAL_FIELDS.budget,
      before: formatAmount(oldBudget),
      after: formatAmount(newBudget),
    },
  ];
  if (changeTime !== undefined) {
    const after = new Date(changeTime).toISOString();
    changes.push({ field: EXTERNAL_FIELDS.time, before: '', after });
  }
  closeEntry(draft, 'ANNOTATE', { amount: newBudget - oldBudget, changes, metadata });
  return carryOut(draft, { agent, pool });
}

/** Keeps what a review found, and lets the oldest go. Its entry is about no account. */
export function decideRunReview(
  state: State,
  command: RunReviewCommand,
  context: Context,
): Decided {
  const { poolId, thresholds, scanned } = command;
  const { order } = scanned;
  const draft = beginDraft(state, context.now);
  // Carried out once, or not at all when its pool is gone: either way nobody waits for it any more.
  if (order !== undefined) removeRow(draft, 'review_orders', order);
  if (poolId !== '' && state.poolById(poolId) === undefined) {
    return order === undefined ? poolNotFound(poolId) : tell(draft, {});
  }
  const sequence = state.headSequence + 1;
  const review: Review = {
    sequence,
    ordinal: (newestReview(state)?.ordinal ?? 0) + 1,
    trigger: scanned.trigger,
    principal: scanned.principal,
    poolId,
    thresholds,
    startTime: scanned.startTime,
    endTime: scanned.endTime,
    counts: scanned.counts,
    kept: scanned.findings.length,
  };
  const key = sequenceKey(sequence);
  putRow(draft, 'budget_reviews', key, review);
  putRow(draft, 'budget_review_findings', key, { findings: scanned.findings });
  removeBefore(draft, review.ordinal - REVIEWS_MAX);
  closeEntry(draft, 'ANNOTATE', { changes: changesOfReview(review) });
  return carryOut(draft, {});
}

function newestReview(state: State): Review | undefined {
  for (const [, review] of state.rows('budget_reviews', { reverse: true })) return review;
  return undefined;
}

/** Takes the reviews up to an ordinal away. Nearly always that is the oldest one. */
function removeBefore(draft: Draft, ordinal: number): void {
  for (const [key, review] of draft.state.rows('budget_reviews', {})) {
    if (review.ordinal > ordinal) return;
    removeRow(draft, 'budget_reviews', key);
    removeRow(draft, 'budget_review_findings', key);
  }
}

function changesOfReview({ sequence, poolId, counts }: Review): readonly FieldChange[] {
  const { POOL_LOW, AGENT_DEPLETED, AGENT_UNDERUSED } = counts.found;
  const findings = String(POOL_LOW + AGENT_DEPLETED + AGENT_UNDERUSED);
  const changes = [{ field: `review/${sequence}.findings`, before: '', after: findings }];
  if (poolId !== '') changes.push({ field: `review/${sequence}.pool`, before: '', after: poolId });
  return changes;
}
