import { storedAmount, type Amount } from './amount.js';
import { poolRemainingOf, remainingOf } from './budget.js';
import type { AdminFields } from './command.js';
import type { Agent, Instant, Pool } from './model.js';
import type { Severity } from './violation.js';

/** What made a review. The number is on disk: never reuse one. */
export const REVIEW_TRIGGERS = { MANUAL: 1, SCHEDULED: 2 } as const;

/** The name of a trigger. */
export type ReviewTrigger = keyof typeof REVIEW_TRIGGERS;

/** What is found of an agent or pool. The number is on disk: never reuse one. */
export const FINDING_KINDS = { POOL_LOW: 1, AGENT_DEPLETED: 2, AGENT_UNDERUSED: 3 } as const;

/** The name of a kind of finding. */
export type FindingKind = keyof typeof FINDING_KINDS;

/** How bad each is: api.md, "Review thresholds". */
export const FINDING_SEVERITIES: { readonly [K in FindingKind]: Severity } = {
  POOL_LOW: 'MEDIUM',
  AGENT_DEPLETED: 'MEDIUM',
  AGENT_UNDERUSED: 'INFO',
};

/** Findings in the order in which they are kept and shown: the most severe first, pools before agents. */
export const FINDING_ORDER = ['POOL_LOW', 'AGENT_DEPLETED', 'AGENT_UNDERUSED'] as const;

/** Findings that one review keeps; the others are counted. */
export const FINDINGS_MAX = 1_000;

/** Reviews that are kept; the next one takes the place of the oldest. */
export const REVIEWS_MAX = 1_000;

/** Beyond which share of the baseline there is a finding. All strict, each 0..100 percent. */
export interface ReviewThresholds {
  /** Agents with more left are under-used. */
  readonly agentUnderusedPercent: Amount;
  /** Agents with less left are nearly depleted. Not above the one for under-used ones. */
  readonly agentDepletedPercent: Amount;
  /** Pools with less left are low. */
  readonly poolLowPercent: Amount;
}

/** The guide's thresholds: scheduled_budget_review. */
export const DEFAULT_THRESHOLDS: ReviewThresholds = {
  agentUnderusedPercent: storedAmount('90'),
  agentDepletedPercent: storedAmount('10'),
  poolLowPercent: storedAmount('20'),
};

/** One agent or pool that a review found. */
export interface ReviewFinding {
  readonly kind: FindingKind;
  /** Empty where it is about a pool. */
  readonly agentId: string;
  /** The pool, or the agent's. */
  readonly poolId: string;
  readonly unit: string;
  /** When it was read. */
  readonly remaining: Amount;
  readonly baseline: Amount;
}

/** What a review is asked to look at. */
export interface ReviewRequest extends AdminFields {
  /** Empty: all pools and agents. */
  readonly poolId: string;
  readonly thresholds: ReviewThresholds;
}

/** How many were judged and found. */
export interface ReviewCounts {
  readonly agents: number;
  readonly pools: number;
  /** Kept or not. */
  readonly found: { readonly [K in FindingKind]: number };
}

/** What was read outside of any transaction: every agent and pool at a moment of its own. */
export interface ReviewScan {
  readonly startTime: Instant;
  readonly endTime: Instant;
  readonly counts: ReviewCounts;
  /** In FINDING_ORDER, then by id, at most FINDINGS_MAX. */
  readonly findings: readonly ReviewFinding[];
}

/** A review that a schedule's run ordered, in the transaction of the run. */
export interface ReviewOrder {
  /** Empty: all pools. */
  readonly poolId: string;
  readonly principal: string;
  readonly reason: string;
}

/** Keeps what a scan found. */
export interface RunReviewCommand extends ReviewRequest {
  readonly method: 'RUN_REVIEW';
  /** What was found and by whom: not part of the request, which is the same when it is sent again. */
  readonly scanned: ReviewScan & {
    readonly trigger: ReviewTrigger;
    readonly principal: string;
    /** The key of the order that this carries out; undefined: nobody's. */
    readonly order?: string;
  };
}

/** A review as it is kept, beside its findings. Rows are never changed. */
export interface Review {
  /** Of its ledger entry: its id. */
  readonly sequence: number;
  /** From 1, without gaps: how many there were. */
  readonly ordinal: number;
  readonly trigger: ReviewTrigger;
  readonly principal: string;
  readonly poolId: string;
  readonly thresholds: ReviewThresholds;
  readonly startTime: Instant;
  readonly endTime: Instant;
  readonly counts: ReviewCounts;
  /** Findings that are kept. */
  readonly kept: number;
}

/** What a review found. */
export interface ReviewFindings {
  readonly findings: readonly ReviewFinding[];
}

/** What a threshold of one percent counts as. */
const ONE_PERCENT = storedAmount('1');

/** Whether an agent is judged: it lives and something counts as its 100 percent. */
export function isAgentReviewed(agent: Agent): boolean {
  return agent.state !== 'CLOSED' && agent.baseline > 0n;
}

/** Whether a pool is judged: it lives and something counts as its 100 percent. */
export function isPoolReviewed(pool: Pool): boolean {
  return pool.state !== 'DELETED' && pool.baseline > 0n;
}

/** What is found of an agent that is judged, or undefined. */
export function judgeAgent(agent: Agent, thresholds: ReviewThresholds): FindingKind | undefined {
  const remaining = remainingOf(agent);
  const { agentDepletedPercent, agentUnderusedPercent } = thresholds;
  if (compareShare(remaining, agent.baseline, agentDepletedPercent) < 0) return 'AGENT_DEPLETED';
  if (compareShare(remaining, agent.baseline, agentUnderusedPercent) > 0) return 'AGENT_UNDERUSED';
  return undefined;
}

/** What is found of a pool that is judged, or undefined. */
export function judgePool(pool: Pool, thresholds: ReviewThresholds): FindingKind | undefined {
  const share = compareShare(poolRemainingOf(pool), pool.baseline, thresholds.poolLowPercent);
  return share < 0 ? 'POOL_LOW' : undefined;
}

/** Below 0, 0 or above 0: 100 x remaining against percent x baseline, exactly. */
function compareShare(remaining: Amount, baseline: Amount, percent: Amount): number {
  const left = 100n * ONE_PERCENT * remaining;
  const right = percent * baseline;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
