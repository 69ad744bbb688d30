import type { AlertSubject } from '../alert-text.js';
import { formatAmount, maxAmount, minAmount, type Amount } from '../amount.js';
import type { Denial } from '../answer.js';
import {
  countedAt,
  counterIn,
  countIn,
  retryTime,
  type LimitCounter,
  type LimitCounts,
} from '../counter.js';
import { draftRow, putRow, type Draft } from '../draft.js';
import {
  AMOUNT_METRIC,
  countsKey,
  REQUESTS_METRIC,
  usedOf,
  type SpendingLimit,
  type Use,
} from '../limit.js';
import { judgeLimitAlerts } from '../judge-alerts.js';
import type { Agent, Instant, Pool, Uid } from '../model.js';
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
  const counterOf = counterFinder(state, agent);
  for (const limit of state.rules.limits.ofAgent(agent)) {
    if (limit.enforcement === 'OBSERVE') continue;
    const used = usedOf(limit.metric, use);
    const ofAmount = limit.metric === AMOUNT_METRIC;
    if (used <= 0n && !ofAmount) continue;
    const counter = counterOf(limit);
    const counted = countedBy(limit, counter, now);
    const left = limit.value - counted;
    if (ofAmount) headroom = minAmount(headroom ?? left, left);
    const denies = used > 0n && (ofAmount && partial ? left <= 0n : used > left);
    if (denies && exceeded === undefined) exceeded = { limit, counted, used, counter };
  }
  return { exceeded, headroom };
}

/** Finds the counters of an agent's limits: its row is asked for once, and its pool's. */
function counterFinder(
  state: State,
  agent: Agent,
): (limit: SpendingLimit) => LimitCounter | undefined {
  let counts: LimitCounts | undefined;
  let read = '';
  return (limit) => {
    if (limit.window.kind === 'PER_REQUEST') return undefined;
    const key = countsKey(limit, agent.uid);
    if (key !== read) counts = state.row('limit_counts', key);
    read = key;
    return counterIn(counts, limit.uid);
  };
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
  const key = countsKey(limit, agent.uid);
  const before = counterIn(draftRow(draft, 'limit_counts', key), limit.uid);
  const after = countIn(window, before, at, draft.now, used);
  if (after !== undefined && after !== before) putCounter(draft, key, limit.uid, after);
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

/** Counts that a draft may change, since nobody else has seen them. */
interface OwnCounts extends LimitCounts {
  readonly limits: Uid[];
  readonly counters: LimitCounter[];
}

/** Puts the counter of a limit into the row of its account. */
export function putCounter(draft: Draft, key: string, limit: Uid, counter: LimitCounter): void {
  const own = ownCounts(draft, key);
  const place = own.limits.indexOf(limit);
  if (place < 0) {
    own.limits.push(limit);
    own.counters.push(counter);
  } else own.counters[place] = counter;
}

/**
 * An account's counts for this draft to change, copied the first time. What limits counted that have been
 * deleted is left out, so that nobody who deletes one has to look for it.
 */
function ownCounts(draft: Draft, key: string): OwnCounts {
  const changed = draft.rows.limit_counts?.get(key);
  if (changed !== undefined) return changed as OwnCounts;
  const own: OwnCounts = { limits: [], counters: [] };
  const { limits = [], counters = [] } = draft.state.row('limit_counts', key) ?? {};
  for (const [place, counter] of counters.entries()) {
    const limit = limits[place];
    if (limit === undefined || !draft.state.rules.limitUids.has(limit)) continue;
    own.limits.push(limit);
    own.counters.push(counter);
  }
  putRow(draft, 'limit_counts', key, own);
  return own;
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
