import fc from 'fast-check';
import type { CollectionName, Collections } from '../../../src/domain/collection.js';
import {
  CATCH_UPS,
  RUN_OUTCOMES,
  RUN_TRIGGERS,
  type Schedule,
  type ScheduleAction,
} from '../../../src/domain/schedule.js';
import { SCOPE_KINDS, type Scope } from '../../../src/domain/scope.js';
import {
  RULE_KINDS,
  SEVERITIES,
  VIOLATION_EVENT_KINDS,
  VIOLATION_SOURCES,
  VIOLATION_STATES,
  VIOLATION_TYPES,
  type Violation,
} from '../../../src/domain/violation.js';
import { amount, counter, id, instant, metadata, sequence, text, uid, wordOf } from './rows.js';

const scope: fc.Arbitrary<Scope> = fc.record({ kind: wordOf(SCOPE_KINDS), uid });

const violation: fc.Arbitrary<Violation> = fc.record({
  sequence,
  type: wordOf(VIOLATION_TYPES),
  severity: wordOf(SEVERITIES),
  state: wordOf(VIOLATION_STATES),
  source: wordOf(VIOLATION_SOURCES),
  rule: fc.record({ kind: wordOf(RULE_KINDS), id }),
  agentUid: uid,
  agentId: id,
  poolUid: uid,
  poolId: id,
  message: text,
  details: metadata,
  count: counter,
  entrySequence: sequence,
  createTime: instant,
  updateTime: instant,
  endTime: instant,
  reporter: text,
  actor: text,
  note: text,
});

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
  service_levels: fc.record({
    scope,
    levels: fc.array(
      fc.record({
        name: text,
        minPercent: amount,
        features: fc.array(text, { maxLength: 3 }),
      }),
      { maxLength: 3 },
    ),
    revision: counter,
    createTime: instant,
    updateTime: instant,
  }),
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
};
