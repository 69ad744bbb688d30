import fc from 'fast-check';
import { ALERT_CONDITIONS } from '../../../src/domain/alert.js';
import type { CollectionName, Collections } from '../../../src/domain/collection.js';
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
  alerts: fc.record({
    uid,
    id,
    scope,
    subjectId: id,
    condition: wordOf(ALERT_CONDITIONS),
    thresholds: fc.array(fc.record({ value: amount, severity: wordOf(SEVERITIES) }), {
      maxLength: 3,
    }),
    rearmMargin: amount,
    widestMargin: amount,
    message: text,
    statesUid: uid,
    revision: counter,
    createTime: instant,
    updateTime: instant,
  }),
  alert_states: fc.record({
    fired: fc.array(fc.record({ value: amount, violation: counter }), { maxLength: 3 }),
  }),
  ended_alerts: fc.record({ note: text }),
};
