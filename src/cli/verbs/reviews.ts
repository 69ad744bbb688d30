import { MetricsService } from '../../gen/safeguards/v1/metrics_service_pb.js';
import {
  ReviewTrigger,
  type BudgetReview,
  type ReviewFinding,
} from '../../gen/safeguards/v1/review_pb.js';
import { Severity } from '../../gen/safeguards/v1/severity_pb.js';
import { entryNote, nameIn, table, timeText } from '../show.js';
import { verb, type Verb } from '../verb.js';

const { method } = MetricsService;

/** A review reads every agent: a million of them take a while. */
const REVIEW_TIMEOUT_MS = 10 * 60_000;

/** Reviews of budgets, and changes that were made elsewhere. */
export const REVIEW_VERBS: readonly Verb[] = [
  verb({
    words: 'review run',
    summary: 'Find the agents and pools that have much or little left',
    listener: 'admin',
    method: method.runBudgetReview,
    positional: [],
    example: 'review run --pool research --agent-depleted-percent 25',
    timeoutMs: REVIEW_TIMEOUT_MS,
    show: (response) =>
      response.review === undefined
        ? `The review${entryNote(response)} is not kept any more.\n`
        : reviewText(response.review, response.findings, entryNote(response)),
  }),
  verb({
    words: 'review get',
    summary: 'Show a review and what it found',
    listener: 'admin',
    method: method.getBudgetReview,
    positional: ['review_id'],
    example: 'review get 17',
    show: ({ review, findings }) => (review ? reviewText(review, findings) : ''),
  }),
  verb({
    words: 'review list',
    summary: 'List the reviews, newest first',
    listener: 'admin',
    method: method.listBudgetReviews,
    positional: [],
    example: 'review list --all',
    show: ({ reviews }) =>
      table(
        [
          'REVIEW',
          'TIME',
          'POOL',
          'AGENTS',
          'LOW POOLS',
          'DEPLETED',
          'UNDER-USED',
          'BY',
          'TRIGGER',
        ],
        reviews.map((review) => [
          review.reviewId,
          timeText(review.endTime),
          review.poolId,
          String(review.agentCount),
          String(review.poolLowCount),
          String(review.agentDepletedCount),
          String(review.agentUnderusedCount),
          review.principal,
          nameIn(ReviewTrigger, review.trigger),
        ]),
      ),
  }),
  verb({
    words: 'change record',
    summary: 'Note in the history of an agent what was changed elsewhere',
    listener: 'admin',
    method: method.recordBudgetChange,
    positional: ['agent_id', 'old_budget', 'new_budget'],
    example: 'change record writer 100 75.5 --reason usage',
    show: (response) => `Noted${entryNote(response)}. ${response.change?.line ?? ''}\n`,
  }),
];

/** What the guide's review logs, under what it looked at. */
function reviewText(
  review: BudgetReview,
  findings: readonly ReviewFinding[],
  note: string = '',
): string {
  const { reviewId, agentCount, poolCount, poolId, omittedFindingCount } = review;
  const scope = poolId === '' ? '' : ` of pool ${poolId}`;
  const times = `from ${timeText(review.startTime)} to ${timeText(review.endTime)}`;
  const rows = findings.map((finding) => [
    nameIn(Severity, finding.severity),
    finding.remaining,
    finding.baseline,
    finding.unit,
    finding.remainingPercent,
    finding.message,
  ]);
  const lines = [
    `Review ${reviewId}${scope}${note}: ${agentCount} agent(s) and ${poolCount} pool(s), each read ${times}.\n`,
    table(['SEVERITY', 'REMAINING', 'OF', 'UNIT', 'LEFT %', 'FINDING'], rows),
    omittedFindingCount === 0n ? '' : `${omittedFindingCount} more were counted and not kept.\n`,
  ];
  return lines.join('');
}
