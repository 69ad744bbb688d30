import type { LimitCounter, LimitCounts } from './counter.js';
import type { SpendingLimit } from './limit.js';
import type { BudgetMonitor } from './monitor.js';
import type { EmergencyPolicy } from './emergency/policy.js';
import type { EmergencyGrants, EmergencyRequest } from './emergency/request.js';
import type { Instant, Method, Uid } from './model.js';
import type { Opening, Retention } from './opening.js';
import type { Review, ReviewFindings, ReviewOrder } from './review.js';
import type { ChannelCooldown, CooldownLook } from './notification/channel-cooldown.js';
import type { DeliveryRow } from './notification/delivery.js';
import type { NotificationChannel } from './notification/notification-channel.js';
import type { AlertState, BudgetAlert, EndedAlert } from './alert.js';
import type { Schedule, ScheduleRun } from './schedule.js';
import type { ServiceLevels } from './service-level.js';
import type { ViolationCounts } from './violation-counts.js';
import type { Episode, Violation, ViolationEvent } from './violation.js';

/**
 * What is kept beside accounts, reservations and entries: one collection per noun, rows by a text key
 * of at most 400 bytes. The name is the table's on disk.
 */
export interface Collections {
  /** By sequenceKey of their number. */
  violations: Violation;
  /** By agentViolationKey: the numbers of each agent's violations. */
  violations_by_agent: { readonly sequence: number };
  /** By sequenceKey. */
  violation_events: ViolationEvent;
  /** Open episodes, by episodeKey. */
  episodes: Episode;
  /** By sequenceKey of the agent's uid. Written at most once a second. */
  denials: DenialCount;
  /** By serviceLevelsKey. */
  service_levels: ServiceLevels;
  /** By id. */
  limits: SpendingLimit;
  /** By countsKey. */
  limit_counts: LimitCounts;
  /** Of format 1, by limit uid/account uid: moved to `limit_counts` when the store is opened. */
  limit_counters: LimitCounter;
  /** By id. */
  monitors: BudgetMonitor;
  /** By policyKey. */
  emergency_policies: EmergencyPolicy;
  /** By sequenceKey of their number. */
  emergency_requests: EmergencyRequest;
  /** By id: the numbers of requests. */
  emergency_request_ids: EmergencyNumber;
  /** By sequenceKey of their number: the requests that wait, or did until they expired unseen. */
  emergency_pending: EmergencyNumber;
  /** By sequenceKey of the agent's uid. */
  emergency_grants: EmergencyGrants;
  /** By sequenceKey of their entry. */
  budget_reviews: Review;
  /** By the same key: apart, so that a list of reviews does not read what each found. */
  budget_review_findings: ReviewFindings;
  /** By countsKey: one row for all violations that are kept, one for those of each agent. */
  violation_stats: ViolationCounts;
  /** By requestTimeKey: idempotency records that no entry leads to, so that they are purged in time. */
  request_times: RequestTime;
  alerts: BudgetAlert;
  /** By alertStateKey. */
  alert_states: AlertState;
  /** By sequenceKey of their statesUid. */
  ended_alerts: EndedAlert;
  /** By runKey: what runs have ordered and is still to be made. */
  review_orders: ReviewOrder;
  schedules: Schedule;
  /** By runKey. */
  schedule_runs: ScheduleRun;
  /** By sequenceKey of the account's uid. */
  openings: Opening;
  /** One row, under RETENTION_KEY. */
  retention: Retention;
  /** By markKey: agents that a run in progress is done with, ahead of its turn. */
  schedule_marks: { readonly run: number };
  /** By id. */
  channels: NotificationChannel;
  /** By channelCooldownKey. */
  channel_cooldowns: ChannelCooldown;
  /** By lookKey: cooldowns by the time at which they are looked at. */
  cooldown_looks: CooldownLook;
  /** By deliveryKey: the outbox. */
  deliveries: DeliveryRow;
  /** By deliveryKey: what was given up. */
  dead_letters: DeliveryRow;
  /** By sequenceKey of their uid: deleted channels that have left something. */
  ended_channels: { readonly uid: Uid };
}

/** Names an idempotency record without a ledger entry. */
export interface RequestTime {
  readonly uid: Uid;
  readonly method: Method;
  readonly requestId: string;
}

/** Names an emergency request. */
export interface EmergencyNumber {
  readonly number: number;
}

/** How often an agent was denied over its life. */
export interface DenialCount {
  readonly agentUid: Uid;
  readonly count: number;
  readonly lastTime: Instant;
}

/** The name of a collection. */
export type CollectionName = keyof Collections;

/** Which rows of a collection, in the order of their keys' bytes. */
export interface RowRange {
  /** Keys that begin with it. Default: all. */
  readonly prefix?: string;
  /** Only keys after this one, in the direction of the walk. */
  readonly after?: string;
  /** From the last to the first. */
  readonly reverse?: boolean;
}

/** Rows that change, by collection and key; undefined takes one away. */
export type RowChanges = {
  -readonly [C in CollectionName]?: Map<string, Collections[C] | undefined>;
};

/** Notes that a row changes. */
export function changeRow<C extends CollectionName>(
  changes: RowChanges,
  collection: C,
  key: string,
  row: Collections[C] | undefined,
): void {
  const rows = changes[collection] ?? new Map<string, Collections[C] | undefined>();
  rows.set(key, row);
  // One assignment per collection: the compiler does not see that both sides are of the same C.
  (changes as Record<CollectionName, unknown>)[collection] = rows;
}

/** Puts later changes on top of earlier ones. */
export function mergeChanges(onto: RowChanges, later: RowChanges): void {
  for (const collection of namesOf(later)) {
    for (const [key, row] of changesIn(later, collection)) changeRow(onto, collection, key, row);
  }
}

/** The collections that changes touch. */
export function namesOf(changes: RowChanges): readonly CollectionName[] {
  return Object.keys(changes) as CollectionName[];
}

/** The changes of one collection. */
export function changesIn<C extends CollectionName>(
  changes: RowChanges,
  collection: C,
): ReadonlyMap<string, Collections[C] | undefined> {
  return changes[collection] ?? new Map<string, never>();
}

/** Whether a key is one that a range wants. */
export function inRowRange(key: string, range: RowRange): boolean {
  if (range.prefix !== undefined && !key.startsWith(range.prefix)) return false;
  if (range.after === undefined) return true;
  return range.reverse === true ? key < range.after : key > range.after;
}

/**
 * A walk over rows with changes on top. Where nothing changed it is the walk itself; changes are few,
 * so they are sorted and woven in.
 */
export function* weave<Row>(
  rows: Iterable<readonly [key: string, row: Row]>,
  changes: ReadonlyMap<string, Row | undefined>,
  range: RowRange,
): Generator<readonly [key: string, row: Row]> {
  const before = (a: string, b: string): boolean => (range.reverse === true ? a > b : a < b);
  const own = [...changes]
    .filter(([key]) => inRowRange(key, range))
    .sort(([a], [b]) => (before(a, b) ? -1 : 1));
  let next = 0;
  for (const [key, row] of rows) {
    for (let change = own[next]; change !== undefined; change = own[next]) {
      if (!before(change[0], key)) break;
      if (change[1] !== undefined) yield [change[0], change[1]];
      next += 1;
    }
    if (!changes.has(key)) yield [key, row];
  }
  for (const [key, row] of own.slice(next)) if (row !== undefined) yield [key, row];
}
