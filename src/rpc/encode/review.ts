import { formatAmount, percentOf } from '../../domain/amount.js';
import {
  FINDING_KINDS,
  FINDING_SEVERITIES,
  REVIEW_TRIGGERS,
  type Review,
  type ReviewFinding as FindingRow,
} from '../../domain/review.js';
import { findingMessage } from '../../domain/review-text.js';
import { SEVERITIES } from '../../domain/violation.js';
import type { ReviewView } from '../../ledger/metrics-views.js';
import type { BudgetReview, ReviewFinding } from '../../gen/safeguards/v1/review_pb.js';
import { timestampOf } from './time.js';

/** Prints a review. The numbers of triggers, kinds and severities are those on disk. */
export function encodeReview(review: Review): BudgetReview {
  const { thresholds, counts } = review;
  const { POOL_LOW, AGENT_DEPLETED, AGENT_UNDERUSED } = counts.found;
  return {
    $typeName: 'safeguards.v1.BudgetReview',
    reviewId: String(review.sequence),
    trigger: REVIEW_TRIGGERS[review.trigger],
    principal: review.principal,
    poolId: review.poolId,
    startTime: timestampOf(review.startTime),
    endTime: timestampOf(review.endTime),
    agentUnderusedPercent: formatAmount(thresholds.agentUnderusedPercent),
    agentDepletedPercent: formatAmount(thresholds.agentDepletedPercent),
    poolLowPercent: formatAmount(thresholds.poolLowPercent),
    agentCount: BigInt(counts.agents),
    poolCount: BigInt(counts.pools),
    poolLowCount: BigInt(POOL_LOW),
    agentDepletedCount: BigInt(AGENT_DEPLETED),
    agentUnderusedCount: BigInt(AGENT_UNDERUSED),
    omittedFindingCount: BigInt(POOL_LOW + AGENT_DEPLETED + AGENT_UNDERUSED - review.kept),
  };
}

/** Prints a review with what it found. */
export function encodeReviewView({ review, findings }: ReviewView): {
  readonly review: BudgetReview;
  readonly findings: ReviewFinding[];
} {
  return {
    review: encodeReview(review),
    findings: findings.map((finding) => encodeFinding(finding, review)),
  };
}

function encodeFinding(finding: FindingRow, { thresholds }: Review): ReviewFinding {
  const { kind, agentId, poolId, unit, remaining, baseline } = finding;
  return {
    $typeName: 'safeguards.v1.ReviewFinding',
    kind: FINDING_KINDS[kind],
    severity: SEVERITIES[FINDING_SEVERITIES[kind]],
    agentId,
    poolId,
    unit,
    remaining: formatAmount(remaining),
    baseline: formatAmount(baseline),
    remainingPercent: percentOf(remaining, baseline),
    message: findingMessage(finding, thresholds),
  };
}
