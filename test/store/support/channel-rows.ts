import fc from 'fast-check';
import type { Collections } from '../../../src/domain/collection.js';
import {
  SEVERITIES,
  VIOLATION_EVENT_KINDS,
  VIOLATION_SOURCES,
  VIOLATION_TYPES,
} from '../../../src/domain/violation.js';
import { counter, id, instant, sequence, text, uid, wordOf } from './rows.js';

const severity = wordOf(SEVERITIES);

const event = fc.record({
  sequence,
  time: instant,
  kind: wordOf(VIOLATION_EVENT_KINDS),
  violation: fc.record({
    id,
    type: wordOf(VIOLATION_TYPES),
    severity,
    agentId: id,
    poolId: id,
    ruleId: id,
    message: text,
    details: fc.dictionary(id, text, { maxKeys: 2, noNullPrototype: true }),
    source: wordOf(VIOLATION_SOURCES),
    count: counter,
  }),
});

const attempt = fc.record({
  number: counter,
  startTime: instant,
  endTime: instant,
  status: fc.integer({ min: 0, max: 599 }),
  reason: text,
  excerpt: text,
});

const delivery = fc.record({
  id,
  channelUid: uid,
  event,
  suppressed: counter,
  toldSeverity: fc.option(severity, { nil: undefined }),
  createTime: instant,
  attempts: counter,
  dueTime: instant,
  lastAttempt: fc.option(attempt, { nil: undefined }),
  deadTime: instant,
});

const format = fc.oneof(
  fc.record({
    preset: fc.constantFrom('JSON' as const, 'SLACK' as const, 'ALERTMANAGER' as const),
  }),
  fc.record({
    preset: fc.constant('CUSTOM' as const),
    template: text,
    contentType: fc.constantFrom('application/json' as const, 'text/plain' as const),
  }),
);

/** A channel's own id is that of its row. */
const channel = fc
  .record({
    uid,
    id,
    name: text,
    target: fc.oneof(
      fc.record({ kind: fc.constant('LOG' as const) }),
      fc.record({
        kind: fc.constant('WEBHOOK' as const),
        url: text,
        format,
        secrets: fc.array(id, { maxLength: 4 }),
        headers: fc.array(fc.record({ name: id, value: text }), { maxLength: 3 }),
      }),
    ),
    filter: fc.record({
      minSeverity: severity,
      agentIds: fc.array(id, { maxLength: 3 }),
      poolIds: fc.array(id, { maxLength: 3 }),
      types: fc.array(wordOf(VIOLATION_TYPES), { maxLength: 3 }),
    }),
    cooldownMs: counter,
    enabled: fc.boolean(),
    afterEvent: sequence,
    revision: counter,
    createTime: instant,
    updateTime: instant,
  })
  .map(({ target, ...row }) => ({ ...row, channel: { ...target, id: row.id } }));

type Ours =
  | 'channels'
  | 'channel_cooldowns'
  | 'cooldown_looks'
  | 'deliveries'
  | 'dead_letters'
  | 'ended_channels';

/** Rows of the collections that notifications are made of. */
export const CHANNEL_ROWS: { readonly [C in Ours]: fc.Arbitrary<Collections[C]> } = {
  channels: channel,
  channel_cooldowns: fc.record({
    channelUid: uid,
    state: fc.record({
      toldTime: instant,
      toldSeverity: severity,
      open: fc.array(fc.record({ violationId: id, severity }), { maxLength: 3 }),
      suppressed: counter,
      held: fc.option(event, { nil: undefined }),
    }),
    lookTime: instant,
  }),
  cooldown_looks: fc.record({ cooldown: text }),
  deliveries: delivery,
  dead_letters: delivery,
  ended_channels: fc.record({ uid }),
};
