import fc from 'fast-check';
import type { CollectionName, Collections } from '../../../src/domain/collection.js';
import {
  RULE_KINDS,
  SEVERITIES,
  VIOLATION_EVENT_KINDS,
  VIOLATION_SOURCES,
  VIOLATION_STATES,
  VIOLATION_TYPES,
  type Violation,
} from '../../../src/domain/violation.js';
import { counter, id, instant, metadata, sequence, serviceLevels, text, uid } from './rows.js';
import { wordOf } from './rows.js';

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
  service_levels: serviceLevels,
};
