import type { AlertSubject } from '../alert-text.js';
import { formatAmount, maxAmount, minAmount, type Amount } from '../amount.js';
import type { Denial } from '../answer.js';
import { countedAt, countIn, retryTime, type LimitCounter } from '../counter.js';
import type { Draft } from '../draft.js';
import {
  AMOUNT_METRIC,
  countsKey,
  REQUESTS_METRIC,
  usedOf,
  type SpendingLimit,
  type Use,
} from '../limit.js';
import { judgeLimitAlerts } from '../judge-alerts.js';
import type { Agent, Instant, Pool } from '../model.js';
import { raise } from '../raise.js';
import type { State } from '../state.js';
import type { Alarm } from '../violation.js';
import { concerned } from './alarms.js';
import { CounterFinder, DraftCounts } from './limit-counts.js';

/** A limit that denies a request. */
export interface Exceeded {
  readonly limit: SpendingLimit;
  /** Counted in its window before the request. */
  readonly counted: Amount;
  readonly used: Amount;
  readonly counter: LimitCounter | undefined;
}

/**
 * The first limit by id that denies a request of an agent. One that adds nothing to a limit's metric is not
 * judged by it. With `partial` the amount may be cut: a limit of the amount denies only when it lets
 * nothing through.
 */
export function exceededLimit(
  state: State,
  agent: Agent,
  use: Use,
  now: Instant,
  partial: boolean,
): Exceeded | undefined {
  const counters = new CounterFinder((key) => state.row('limit_counts', key));
  for (const limit of state.rules.limits.ofAgent(agent)) {
    if (limit.enforcement === 'OBSERVE') continue;
    const used = usedOf(limit.metric, use);
    if (used <= 0n) continue;
    const counter = counterOf(counters, limit, agent);
    const counted = countedBy(limit, counter, now);
    const cut = partial && limit.metric === AMOUNT_METRIC;
    if (cut ? counted >= limit.value : counted + used > limit.value) {
      return { limit, counted, used, counter };
    }
  }
  return undefined;
}

/** The largest amount that every limit of the amount lets through; undefined: any. */
export function headroomOf(state: State, agent: Agent, now: Instant): Amount | undefined {
  let headroom: Amount | undefined;
  const counters = new CounterFinder((key) => state.row('limit_counts', key));
  for (const limit of state.rules.limits.ofAgent(agent)) {
    if (limit.enforcement === 'OBSERVE' || limit.metric !== AMOUNT_METRIC) continue;
    const left = limit.value - countedBy(limit, counterOf(counters, limit, agent), now);
    headroom = minAmount(headroom ?? left, left);
  }
  return headroom;
}

function counterOf(
  counters: CounterFinder,
  limit: SpendingLimit,
  agent: Agent,
): LimitCounter | undefined {
  if (limit.window.kind === 'PER_REQUEST') return undefined;
  return counters.find(countsKey(limit, agent.uid), limit.uid);
}

/** What is counted against a limit at a moment. */
export function countedBy(
  { window }: SpendingLimit,
  counter: LimitCounter | undefined,
  now: Instant,
): Amount {
  return window.kind === 'PER_REQUEST' ? 0n : countedAt(window, counter, now);
}

/** The denial of a request that exceeds a limit. `largest` is what would pass everything. */
export function limitDenial(
  { limit, counted, used, counter }: Exceeded,
  agent: Agent,
  now: Instant,
  largest: Amount,
): Denial {
  const { window } = limit;
  const overage = counted + used - limit.value;
  const waits = window.kind !== 'PER_REQUEST' && used <= limit.value;
  return {
    reason: 'SPENDING_LIMIT_EXCEEDED',
    ruleId: limit.id,
    limit: limit.value,
    counted,
    shortfall: overage,
    largestAmount: limit.metric === AMOUNT_METRIC ? maxAmount(0n, largest) : 0n,
    retryTime: waits ? retryTime(window, counter, now, overage) : undefined,
    message:
      `Agent ${agent.id} asked for ${formatAmount(used)} ${wordOf(limit)} and limit ${limit.id} ` +
      `of ${formatAmount(limit.value)} has ${formatAmount(maxAmount(0n, limit.value - counted))} left`,
  };
}

function wordOf({ metric }: SpendingLimit): string {
  return metric === AMOUNT_METRIC ? 'to spend' : metric;
}

/** The violation of exceeding a limit. Guide: set_spending_limit's report. */
export function limitAlarm(limit: SpendingLimit, agent: Agent, pool: Pool, spent: Amount): Alarm {
  const { metric, window, value } = limit;
  const rate = metric === REQUESTS_METRIC && window.kind !== 'PER_REQUEST';
  const what =
    metric === AMOUNT_METRIC
      ? `spending limit of ${formatAmount(value)}`
      : `limit of ${formatAmount(value)} ${metric}`;
  return {
    rule: { kind: 'LIMIT', id: limit.id },
    type: rate && window.kind !== 'LIFETIME' ? 'RATE_LIMIT' : 'BUDGET_LIMIT_EXCEEDED',
    severity: limit.severity,
    message: `Agent exceeded ${what}`,
    details: [
      ['limit', formatAmount(value)],
      ['metric', metric],
      ['overage', formatAmount(spent - value)],
      ['spent', formatAmount(spent)],
    ],
    ...concerned(agent, pool),
  };
}

/**
 * Counts what was used against the limits of an agent, in the window of the moment `at`, and raises what
 * exceeds one: an observed limit, or any that a forced or committed cost passed.
 */
export function countUse(draft: Draft, agent: Agent, pool: Pool, use: Use, at: Instant): void {
  const counts = new DraftCounts(draft);
  for (const limit of draft.state.rules.limits.ofAgent(agent)) {
    const used = usedOf(limit.metric, use);
    if (used === 0n || at < limit.countFrom) continue;
    const counted = addTo(draft, counts, limit, agent, pool, at, used);
    if (used > 0n && counted > limit.value) {
      const alarm = limitAlarm(limit, agent, pool, counted);
      raise(draft, alarm, { entrySequence: draft.state.headSequence + draft.entries.length });
    }
  }
}

/** Adds to a limit's counter and returns what is counted then. */
export function addTo(
  draft: Draft,
  counts: DraftCounts,
  limit: SpendingLimit,
  agent: Agent,
  pool: Pool,
  at: Instant,
  used: Amount,
): Amount {
  const { window } = limit;
  if (window.kind === 'PER_REQUEST') return used;
  const key = countsKey(limit, agent.uid);
  const before = counts.find(key, limit.uid);
  const after = countIn(window, before, at, draft.now, used);
  if (after !== undefined && after !== before) counts.put(limit.uid, after);
  const counted = countedAt(window, after, draft.now);
  const alerts = draft.state.rules.alerts.ofLimit(limit.uid);
  if (alerts.length > 0) {
    judgeLimitAlerts(draft, alerts, counted, limit.value, {
      subject: subjectOf(limit, agent, pool),
      before: countedAt(window, before, draft.now),
    });
  }
  return counted;
}

function subjectOf({ scope, metric }: SpendingLimit, agent: Agent, pool: Pool): AlertSubject {
  const together = scope.kind === 'POOL';
  return {
    uid: together ? pool.uid : agent.uid,
    noun: 'Limit',
    unit: metric === AMOUNT_METRIC ? pool.unit : metric,
    agentUid: together ? 0 : agent.uid,
    agentId: together ? '' : agent.id,
    poolUid: pool.uid,
    poolId: pool.id,
  };
}
