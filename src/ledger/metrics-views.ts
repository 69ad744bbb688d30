import type { Amount } from '../domain/amount.js';
import type { Outcome } from '../domain/answer.js';
import type { PlacedLevel } from '../domain/effective-levels.js';
import type { Entry } from '../domain/entry.js';
import type { Instant, Pool, Quantities } from '../domain/model.js';
import type { Review, ReviewFinding } from '../domain/review.js';
import type { AgentWithPool } from './api.js';

/** Which agents' metrics are listed. */
export interface AgentMetricsFilter {
  /** Empty: of all pools. */
  readonly poolId: string;
  readonly onlyHighUsage: boolean;
}

/** How an agent uses its budget, read at one moment. Burn rates are per hour, at the pool's scale. */
export interface AgentMetricsView extends AgentWithPool {
  readonly available: Amount;
  readonly burnLastHour: Amount;
  readonly burnLastDay: Amount;
  readonly exhaustionTime: Instant | undefined;
  /** Requests that were denied over its life. */
  readonly denials: number;
  readonly lastDenialTime: Instant | undefined;
  /** The level of service that it is at. */
  readonly level: PlacedLevel;
}

/** How a pool's money is used, read at one moment. */
export interface PoolMetricsView {
  readonly pool: Pool;
  readonly burnLastHour: Amount;
  readonly burnLastDay: Amount;
}

/** How everything in the store is used, read at one moment. */
export interface SystemMetricsView {
  readonly pools: number;
  readonly activeAgents: number;
  readonly frozenAgents: number;
  readonly closedAgents: number;
  readonly openReservations: number;
  /** By unit. */
  readonly units: readonly UnitMetricsView[];
  readonly spendsLastHour: number;
  readonly spendsLastDay: number;
  readonly headSequence: number;
  readonly entries: number;
  readonly time: Instant;
  readonly sizeBytes: number;
}

/** Sums over the living pools of one unit. */
export interface UnitMetricsView {
  readonly unit: string;
  readonly pools: number;
  readonly funded: Amount;
  readonly spent: Amount;
  readonly reserved: Amount;
  readonly assigned: Amount;
  readonly unallocated: Amount;
  readonly debt: Amount;
}

/** Sums of one minute, hour or day. */
export interface UsageBucketView {
  readonly start: Instant;
  readonly amount: Amount;
  readonly entries: number;
  readonly requests: number;
  readonly refunded: Amount;
  readonly quantities: Quantities;
}

/** One change of an agent's remaining money, or what a client noted of one. */
export interface BudgetChangeView {
  readonly entry: Entry;
  readonly agentId: string;
  readonly before: Amount;
  readonly after: Amount;
  /** The agent's priority after the entry. */
  readonly priority: number;
  /** Whether a client noted it: no balance changed. */
  readonly external: boolean;
  /** When the client says it happened. */
  readonly externalTime: Instant | undefined;
}

/** A change that a client noted. */
export interface RecordedChange {
  readonly outcome: Outcome;
  readonly change: BudgetChangeView;
}

/** A review and what it found. */
export interface ReviewView {
  readonly review: Review;
  /** The most severe first, then pools before agents, then by id. */
  readonly findings: readonly ReviewFinding[];
}

/** A review that was made. */
export interface MadeReview {
  readonly outcome: Outcome;
  /** Undefined in a stored answer whose review is not kept any more. */
  readonly view: ReviewView | undefined;
}
