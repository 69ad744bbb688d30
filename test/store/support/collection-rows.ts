import fc from 'fast-check';
import { ALERT_CONDITIONS } from '../../../src/domain/alert.js';
import type { CollectionName, Collections } from '../../../src/domain/collection.js';
import { ACCOUNT_KINDS, BALANCE_FIELDS } from '../../../src/domain/entry.js';
import { ENFORCEMENTS, type LimitKind } from '../../../src/domain/limit.js';
import { MONITOR_ACTIONS } from '../../../src/domain/monitor.js';
import { FINDING_KINDS, REVIEW_TRIGGERS } from '../../../src/domain/review.js';
import { METHODS } from '../../../src/domain/model.js';
import {
  CATCH_UPS,
  RUN_OUTCOMES,
  RUN_TRIGGERS,
  type Schedule,
  type ScheduleAction,
} from '../../../src/domain/schedule.js';
import { SCOPE_KINDS, type Scope } from '../../../src/domain/scope.js';
import {
  SEVERITIES,
  VIOLATION_EVENT_KINDS,
  VIOLATION_TYPES,
} from '../../../src/domain/violation.js';
import {
  amount,
  counter,
  emergencyPolicy,
  emergencyRequest,
  id,
  instant,
  sequence,
  serviceLevels,
  text,
  uid,
  violation,
  wordOf,
} from './rows.js';
import { CHANNEL_ROWS } from './channel-rows.js';

const scope: fc.Arbitrary<Scope> = fc.record({ kind: wordOf(SCOPE_KINDS), uid });

const strategy = {
  poolId: id,
  agentIds: fc.array(id, { maxLength: 3 }),
  windowMs: counter,
};

const action: fc.Arbitrary<ScheduleAction> = fc.oneof(
  fc.record({
    kind: fc.constant('SET_BUDGET' as const),
    agentId: id,
    poolId: id,
    amount,
    resetBaseline: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('FUND_POOL' as const), poolId: id, delta: amount }),
  fc.record({
    kind: fc.constant('REBALANCE_POOL' as const),
    ...strategy,
    total: fc.option(amount, { nil: undefined }),
    priorityWeight: amount,
    usageWeight: amount,
    minPerAgent: amount,
    normalization: fc.constantFrom('SHARE', 'RAW'),
  }),
  fc.record({
    kind: fc.constant('ALLOCATE_DYNAMIC' as const),
    ...strategy,
    baseBudget: amount,
    usageMultiplier: amount,
    maxBudget: fc.option(amount, { nil: undefined }),
    statistic: fc.constantFrom('MEAN_PER_ENTRY', 'MEAN_PER_HOUR'),
  }),
  fc.record({ kind: fc.constant('REVIEW_BUDGETS' as const) }),
);

const schedule: fc.Arbitrary<Schedule> = fc.record({
  uid,
  id,
  name: text,
  timing: fc.oneof(
    fc.record({ kind: fc.constant('CRON' as const), cron: id, zone: id }),
    fc.record({ kind: fc.constant('INTERVAL' as const), everyMs: counter, anchor: instant }),
  ),
  action,
  subject: scope,
  catchUp: wordOf(CATCH_UPS),
  enabled: fc.boolean(),
  runReason: text,
  dueTime: instant,
  runCount: counter,
  progress: fc.option(
    fc.record({
      phase: fc.constantFrom('SHRINK', 'GROW'),
      after: text,
      uidEnd: uid,
      turn: counter,
    }),
    { nil: undefined },
  ),
  revision: counter,
  createTime: instant,
  updateTime: instant,
});

const window: fc.Arbitrary<LimitKind> = fc.oneof(
  fc.constant({ kind: 'PER_REQUEST' as const }),
  fc.constant({ kind: 'LIFETIME' as const }),
  fc.record({
    kind: fc.constant('CALENDAR' as const),
    unit: fc.constantFrom('HOUR' as const, 'DAY' as const, 'WEEK' as const, 'MONTH' as const),
    zone: id,
    weekStart: fc.integer({ min: 1, max: 7 }),
  }),
  fc.record({ kind: fc.constant('ROLLING' as const), durationMs: instant }),
);

const limitCounter = fc.record({
  start: instant,
  end: instant,
  counted: amount,
  slots: fc.array(fc.tuple(counter, amount), { maxLength: 3 }),
});

/** Any row of every collection. */
export const COLLECTION_ROWS: { readonly [C in CollectionName]: fc.Arbitrary<Collections[C]> } = {
  violations: violation,
  violations_by_agent: fc.record({ sequence }),
  violation_events: fc.record({
    sequence,
    time: instant,
    kind: wordOf(VIOLATION_EVENT_KINDS),
    violation,
  }),
  episodes: fc.record({ violation: sequence, count: counter, lastTime: instant }),
  denials: fc.record({ agentUid: uid, count: counter, lastTime: instant }),
  limits: fc.record({
    uid,
    id,
    name: text,
    scope,
    metric: id,
    window,
    value: amount,
    enforcement: wordOf(ENFORCEMENTS),
    severity: wordOf(SEVERITIES),
    countFrom: instant,
    revision: counter,
    createTime: instant,
    updateTime: instant,
  }),
  limit_counters: limitCounter,
  limit_counts: fc.array(fc.tuple(uid, limitCounter), { maxLength: 3 }).map((counts) => ({
    limits: counts.map(([limit]) => limit),
    counters: counts.map(([, each]) => each),
  })),
  monitors: fc.record({
    uid,
    id,
    name: text,
    scope,
    expression: text,
    action: wordOf(MONITOR_ACTIONS),
    severity: wordOf(SEVERITIES),
    message: text,
    revision: counter,
    createTime: instant,
    updateTime: instant,
  }),
  service_levels: serviceLevels,
  emergency_policies: emergencyPolicy,
  emergency_requests: emergencyRequest,
  emergency_request_ids: fc.record({ number: sequence }),
  emergency_pending: fc.record({ number: sequence }),
  emergency_grants: fc.record({
    agentUid: uid,
    day: fc.option(
      fc.record({
        start: fc.constant(0),
        end: fc.constant(0),
        counted: fc.constant(0n),
        slots: fc.array(fc.tuple(counter, amount), { maxLength: 3 }),
      }),
      { nil: undefined },
    ),
    lastTime: instant,
    pending: fc.array(sequence, { maxLength: 3 }),
    denied: fc.array(sequence, { maxLength: 3 }),
    settled: fc.array(sequence, { maxLength: 3 }),
  }),
  budget_reviews: fc.record({
    sequence,
    ordinal: counter,
    trigger: wordOf(REVIEW_TRIGGERS),
    principal: text,
    poolId: id,
    thresholds: fc.record({
      agentUnderusedPercent: amount,
      agentDepletedPercent: amount,
      poolLowPercent: amount,
    }),
    startTime: instant,
    endTime: instant,
    counts: fc.record({
      agents: counter,
      pools: counter,
      found: fc.record({ POOL_LOW: counter, AGENT_DEPLETED: counter, AGENT_UNDERUSED: counter }),
    }),
    kept: counter,
  }),
  budget_review_findings: fc.record({
    findings: fc.array(
      fc.record({
        kind: wordOf(FINDING_KINDS),
        agentId: id,
        poolId: id,
        unit: text,
        remaining: amount,
        baseline: amount,
      }),
      { maxLength: 5 },
    ),
  }),
  violation_stats: fc.record({
    counts: fc.array(
      fc.record({
        type: wordOf(VIOLATION_TYPES),
        severity: wordOf(SEVERITIES),
        total: counter,
        open: counter,
      }),
      { maxLength: 3 },
    ),
  }),
  review_orders: fc.record({ poolId: id, principal: text, reason: text }),
  request_times: fc.record({ uid, method: wordOf(METHODS), requestId: id }),
  alerts: fc.record({
    uid,
    id,
    scope,
    subjectId: id,
    condition: wordOf(ALERT_CONDITIONS),
    thresholds: fc.array(
      fc.record(
        { value: amount, severity: wordOf(SEVERITIES), level: id },
        { requiredKeys: ['value', 'severity'] },
      ),
      { maxLength: 3 },
    ),
    rearmMargin: amount,
    widestMargin: amount,
    message: text,
    statesUid: uid,
    revision: counter,
    createTime: instant,
    updateTime: instant,
  }),
  alert_states: fc.record({
    fired: fc.array(
      fc.record(
        { value: amount, violation: counter, level: id },
        { requiredKeys: ['value', 'violation'] },
      ),
      { maxLength: 3 },
    ),
  }),
  ended_alerts: fc.record({ note: text }),
  schedules: schedule,
  schedule_runs: fc.record({
    number: counter,
    dueTime: instant,
    runTime: instant,
    endTime: instant,
    trigger: wordOf(RUN_TRIGGERS),
    outcome: wordOf(RUN_OUTCOMES),
    reason: text,
    summary: text,
    firstSequence: sequence,
    agentsSet: counter,
    agentsFailed: counter,
  }),
  schedule_marks: fc.record({ run: counter }),
  ...CHANNEL_ROWS,
  openings: fc.record({
    kind: wordOf(ACCOUNT_KINDS),
    uid,
    lastSequence: sequence,
    poolUid: uid,
    balances: fc.array(fc.tuple(wordOf(BALANCE_FIELDS), amount), { maxLength: 3 }),
    fields: fc
      .uniqueArray(
        fc.tuple(
          id.map((name) => `f${name}`),
          text,
        ),
        { maxLength: 3, selector: ([name]) => name },
      )
      .map((pairs) => pairs.toSorted(([a], [b]) => (a < b ? -1 : 1))),
  }),
  retention: fc.record({
    cutSequence: sequence,
    throughSequence: sequence,
    throughHash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    throughTime: instant,
    openingsDigest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    minutesFrom: fc.nat(2 ** 31),
    hoursFrom: fc.nat(2 ** 31),
    daysFrom: fc.nat(2 ** 31),
  }),
};
