import fc from 'fast-check';
import type { CollectionName, Collections } from '../../../src/domain/collection.js';
import { METHODS } from '../../../src/domain/model.js';
import { SCOPE_KINDS, type Scope } from '../../../src/domain/scope.js';
import {
  SEVERITIES,
  VIOLATION_EVENT_KINDS,
  VIOLATION_TYPES,
} from '../../../src/domain/violation.js';
import { amount, counter, id, instant, sequence, text, uid, violation, wordOf } from './rows.js';

const scope: fc.Arbitrary<Scope> = fc.record({ kind: wordOf(SCOPE_KINDS), uid });

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
  request_times: fc.record({ uid, method: wordOf(METHODS), requestId: id }),
};
