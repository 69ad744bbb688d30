import type { AllocationRow } from './allocation/row.js';
import type { Amount } from './amount.js';
import type { DocumentRuleKind } from './document-rule.js';
import type { EmergencyPolicy } from './emergency/policy.js';
import type { EmergencyAnswer } from './emergency/request.js';
import type { NamedLevels, PlacedLevel } from './effective-levels.js';
import type { Agent, Instant, Pool, Reservation } from './model.js';
import type { CollectionName } from './collection.js';
import type { Alarm, Violation } from './violation.js';

/** Why a request was denied. */
export type DenialReason =
  | 'INSUFFICIENT_BUDGET'
  | 'AGENT_FROZEN'
  | 'POOL_FROZEN'
  | 'SPENDING_LIMIT_EXCEEDED'
  | 'MONITOR_REJECTED';

/** By what, by how much and until when a request was denied. */
export interface Denial {
  readonly reason: DenialReason;
  /** The agent's id, the pool's for POOL_FROZEN, or the limit's or monitor's. */
  readonly ruleId: string;
  /** Undefined where the rule has no limit. */
  readonly limit: Amount | undefined;
  /** Undefined where the rule has no limit. */
  readonly counted: Amount | undefined;
  readonly shortfall: Amount;
  /** The largest amount that would pass now. */
  readonly largestAmount: Amount;
  /** When waiting helps. */
  readonly retryTime: Instant | undefined;
  readonly message: string;
}

/** Facts about a request that was carried out. */
export type WarningCode = 'OVERSPENT' | 'LATE_COMMIT' | 'PAID_BY_POOL' | 'CLOCK_JUMPED';

/** Why a request could not be judged or carried out; each maps to one gRPC code in rpc/status. */
export type RejectionReason =
  | 'INVALID_REQUEST'
  | 'PAGE_TOKEN_INVALID'
  | 'BATCH_TOO_LARGE'
  | 'EXPRESSION_INVALID'
  | 'POOL_NOT_FOUND'
  | 'AGENT_NOT_FOUND'
  | 'RESERVATION_NOT_FOUND'
  | 'ENTRY_NOT_FOUND'
  | 'LIMIT_NOT_FOUND'
  | 'MONITOR_NOT_FOUND'
  | 'EMERGENCY_REQUEST_NOT_FOUND'
  | 'REVIEW_NOT_FOUND'
  | 'VIOLATION_NOT_FOUND'
  | 'POOL_ALREADY_EXISTS'
  | 'AGENT_ALREADY_EXISTS'
  | 'LIMIT_ALREADY_EXISTS'
  | 'MONITOR_ALREADY_EXISTS'
  | 'ALERT_NOT_FOUND'
  | 'ALERT_ALREADY_EXISTS'
  | 'SCHEDULE_NOT_FOUND'
  | 'SCHEDULE_ALREADY_EXISTS'
  | 'CHANNEL_NOT_FOUND'
  | 'CHANNEL_ALREADY_EXISTS'
  | 'DELIVERY_NOT_FOUND'
  | 'REQUEST_ID_REUSED'
  | 'RESERVATION_ALREADY_COMMITTED'
  | 'RESERVATION_ALREADY_RELEASED'
  | 'RESERVATION_EXPIRED'
  | 'EXTENSIONS_EXHAUSTED'
  | 'ACTUAL_EXCEEDS_RESERVATION'
  | 'TOO_MANY_RESERVATIONS'
  | 'AGENT_CLOSED'
  | 'AGENT_HAS_RESERVATIONS'
  | 'POOL_NOT_EMPTY'
  | 'INSUFFICIENT_POOL_BUDGET'
  | 'INSUFFICIENT_AGENT_BUDGET'
  | 'ALLOCATION_SHORTAGE'
  | 'UNIT_MISMATCH'
  | 'BALANCE_OVERFLOW'
  | 'TOO_MANY_COMMITS'
  | 'REFUND_EXCEEDS_SPEND'
  | 'TOO_MANY_RULES'
  | 'ENTRY_COMPACTED'
  | 'EMERGENCY_REQUEST_NOT_PENDING'
  | 'VIOLATION_ALREADY_RESOLVED'
  | 'REVISION_STALE'
  | 'CURSOR_COMPACTED'
  | 'CURSOR_UNKNOWN'
  | 'SERVER_BUSY'
  | 'DISK_LOW'
  | 'TOO_MANY_STREAMS'
  | 'TOO_MANY_REPORTS'
  | 'CREDENTIALS_MISSING'
  | 'CREDENTIALS_INVALID'
  | 'NOT_PERMITTED'
  | 'SHUTTING_DOWN'
  | 'STORE_UNAVAILABLE'
  | 'LEDGER_CORRUPT'
  | 'INTERNAL';

/** One field of a request that is not as it must be. */
export interface FieldViolation {
  /** Path in the proto's names, such as `items[3].amount`. */
  readonly field: string;
  /** What to do, in one sentence. */
  readonly description: string;
}

/**
 * A request that could not be judged or carried out. Nothing changed. The message is one sentence
 * without values and without the characters `,;/?:@&=+$#`, which some clients see percent-encoded;
 * values are in the metadata.
 */
export interface Rejection {
  readonly verdict: 'REJECTED';
  readonly reason: RejectionReason;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** For INVALID_REQUEST: every offending field. */
  readonly fields: readonly FieldViolation[];
  /** When to come back, for RESOURCE_EXHAUSTED. */
  readonly retryAfterMs: number | undefined;
  /** The violation that the request was, where it was one. */
  readonly alarm?: Alarm;
}

/** Makes a rejection. */
export function reject(
  reason: RejectionReason,
  message: string,
  metadata: Readonly<Record<string, string>> = {},
): Rejection {
  return {
    verdict: 'REJECTED',
    reason,
    message,
    metadata,
    fields: [],
    retryAfterMs: undefined,
  };
}

/** Makes an INVALID_REQUEST of one or more fields. */
export function rejectFields(fields: readonly FieldViolation[]): Rejection {
  const names = [...new Set(fields.map((field) => field.field))].join(',');
  return {
    ...reject('INVALID_REQUEST', 'The request is malformed. See the violations of its fields', {
      fields: names,
    }),
    fields,
  };
}

/** An object that ApplyConfiguration changes. */
export interface ConfigurationChange {
  readonly action: 'CREATE' | 'UPDATE' | 'DELETE' | 'MOVE';
  readonly objectKind: 'pool' | 'agent' | DocumentRuleKind;
  readonly objectId: string;
  readonly fields: readonly string[];
}

/** Names a row of a collection. */
export interface ObjectName {
  readonly collection: CollectionName;
  readonly key: string;
}

/** A request that was judged: carried out, replayed, or denied. */
export interface Outcome {
  readonly verdict: 'APPROVED' | 'DENIED';
  /** Set when denied. */
  readonly denial: Denial | undefined;
  /** The last entry written, 0 when none was. */
  readonly sequence: number;
  readonly replayed: boolean;
  /** Granted, committed, released, returned (signed), withdrawn, refunded or allocated, by method. */
  readonly amount: Amount;
  /** Overage of a commit, or what is still refundable. */
  readonly secondAmount: Amount;
  readonly warnings: readonly WarningCode[];
  /** Whether a commit's reservation had expired. */
  readonly late: boolean;
  /** The agent concerned, after the request, and its pool. */
  readonly agent: Agent | undefined;
  /** The pool concerned: the agent's, or the one administered. */
  readonly pool: Pool | undefined;
  readonly reservation: Reservation | undefined;
  /** The destination of a transfer, when an agent: with its pool in `otherPool`. */
  readonly otherAgent: Agent | undefined;
  /**
   * The destination of a transfer, when a pool, or the pool of `otherAgent`. For a refund: the pool
   * that was paid, when not the agent.
   */
  readonly otherPool: Pool | undefined;
  /** What ApplyConfiguration changed. */
  readonly changes: readonly ConfigurationChange[];
  /** The object that was administered: its row shows how it is. */
  readonly object: ObjectName | undefined;
  /** What an allocation makes of each agent, by priority, highest first, then by id. */
  readonly allocations: readonly AllocationRow[];
  /** What became of an emergency request. */
  readonly emergency?: EmergencyAnswer | undefined;
  /** The emergency policy after the request; undefined: taken away. */
  readonly emergencyPolicy?: EmergencyPolicy | undefined;
  /** The violation that was reported, escalated or resolved, as it was then. */
  readonly violation?: Violation | undefined;
  /** The level of service that the agent is at, after the request. */
  readonly serviceLevel?: PlacedLevel | undefined;
  /** The levels of service that count for the scope that was administered. */
  readonly effectiveLevels?: NamedLevels | undefined;
}

/** The answer to a command. */
export type Answer = Outcome | Rejection;
