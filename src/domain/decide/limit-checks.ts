import type { AlertSubject } from '../alert-text.js';
import { formatAmount, maxAmount, minAmount, type Amount } from '../amount.js';
import type { Denial } from '../answer.js';
import { countedAt, countIn, retryTime, type LimitCounter } from '../counter.js';
import { draftRow, putRow, type Draft } from '../draft.js';
import {
  AMOUNT_METRIC,
  counterKey,
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

/** How the limits of an agent see a request. */
export interface LimitVerdict {
  /** The first limit by id that denies it. */
  readonly exceeded: Exceeded | undefined;
  /** The largest amount that every limit of the amount lets through; undefined: any. */
  readonly headroom: Amount | undefined;
}

/** A limit that denies a request. */
export interface Exceeded {
  readonly limit: SpendingLimit;
  /** Counted in its window before the request. */
  readonly counted: Amount;
  readonly used: Amount;
  readonly counter: LimitCounter | undefined;
}

/**
 * Judges a request by every limit of its agent, in id order. One that adds nothing to a limit's metric
 * is not judged by it. With `partial` the amount may be cut: a limit of the amount denies only when it
 * lets nothing through.
 */
export function judgeLimits(
  state: State,
  agent: Agent,
  use: Use,
  now: Instant,
  partial: boolean,
): LimitVerdict {
  let exceeded: Exceeded | undefined;
  let headroom: Amount | undefined;
  for (const limit of state.rules.limits.ofAgent(agent)) {
    if (limit.enforcement === 'OBSERVE') continue;
    const counter = counterOf(state, limit, agent);
    const counted = countedBy(limit, counter, now);
    const left = limit.value - counted;
    const ofAmount = limit.metric === AMOUNT_METRIC;
    if (ofAmount) headroom = minAmount(headroom ?? left, left);
    const used = usedOf(limit.metric, use);
    const denies = used > 0n && (ofAmount && partial ? left <= 0n : used > left);
    if (denies && exceeded === undefined) exceeded = { limit, counted, used, counter };
  }
  return { exceeded, headroom };
}

function counterOf(state: State, limit: SpendingLimit, agent: Agent): LimitCounter | undefined {
  if (limit.window.kind === 'PER_REQUEST') return undefined;
  return state.row('limit_counters', counterKey(limit, agent.uid));
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
  for (const limit of draft.state.rules.limits.ofAgent(agent)) {
    const used = usedOf(limit.metric, use);
    if (used === 0n || at < limit.countFrom) continue;
    const counted = addTo(draft, limit, agent, pool, at, used);
    if (used > 0n && counted > limit.value) {
      const alarm = limitAlarm(limit, agent, pool, counted);
      raise(draft, alarm, { entrySequence: draft.state.headSequence + draft.entries.length });
    }
  }
}

/** Adds to a limit's counter and returns what is counted then. */
export function addTo(
  draft: Draft,
  limit: SpendingLimit,
  agent: Agent,
  pool: Pool,
  at: Instant,
  used: Amount,
): Amount {
  const { window } = limit;
  if (window.kind === 'PER_REQUEST') return used;
  const key = counterKey(limit, agent.uid);
  const before = draftRow(draft, 'limit_counters', key);
  const after = countIn(window, before, at, draft.now, used);
  if (after !== undefined && after !== before) putRow(draft, 'limit_counters', key, after);
  const counted = countedAt(window, after, draft.now);
  judgeLimitAlerts(draft, limit.uid, counted, limit.value, {
    subject: subjectOf(limit, agent, pool),
    before: countedAt(window, before, draft.now),
  });
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
