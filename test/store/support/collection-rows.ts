import fc from 'fast-check';
import type { CollectionName, Collections } from '../../../src/domain/collection.js';
import { FINDING_KINDS, REVIEW_TRIGGERS } from '../../../src/domain/review.js';
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
};
