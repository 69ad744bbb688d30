import { describe, expect, test } from 'vitest';
import {
  COOLDOWN_MS_DEFAULT,
  cooldownKey,
  isForgettable,
  judgeEvent,
  OPEN_TOLD_MAX,
  releaseHeld,
  type CooldownState,
} from '../../../src/domain/notification/cooldown.js';
import type { EventKind, Severity } from '../../../src/domain/notification/notification.js';
import { MINUTE, SECOND, T0 } from '../../fakes/manual-time.js';
import { eventOf, LIMIT_VIOLATION } from '../../fakes/notifications.js';

/** One step: seconds since the start, what happens to which violation, and what is said. */
type Step = readonly [
  at: number,
  kind: EventKind | 'RELEASE',
  id: string,
  severity: Severity,
  said: string,
];

/** Runs a story: what is told as "kind id suppressed told-before", else "-" and when it is due. */
function tell(steps: readonly Step[], cooldownMs = COOLDOWN_MS_DEFAULT): readonly Step[] {
  let state: CooldownState | undefined;
  return steps.map(([at, kind, id, severity], index): Step => {
    const now = T0 + at * SECOND;
    if (kind === 'RELEASE') {
      const told = state && releaseHeld(state, now, cooldownMs);
      if (told === undefined) return [at, kind, id, severity, '-'];
      state = told.state;
      const { event, suppressed } = told;
      const said = `${event.kind} ${event.violation.id} ${suppressed}`;
      return [at, kind, id, severity, said];
    }
    const event = eventOf(kind, { id, severity }, { sequence: index + 1, time: now });
    const judged = judgeEvent(state, event, now, cooldownMs);
    state = judged.state;
    if (judged.verdict === 'KEEP') {
      const due = judged.dueTime === undefined ? '' : ` due ${(judged.dueTime - T0) / SECOND}`;
      return [at, kind, id, severity, `-${due}`];
    }
    const before = judged.toldSeverity === undefined ? '' : ` after ${judged.toldSeverity}`;
    return [at, kind, id, severity, `told ${judged.suppressed}${before}`];
  });
}

const stories: readonly (readonly [string, readonly Step[]])[] = [
  [
    'one notification per cooldown, the rest counted in the next one',
    [
      [0, 'OPENED', 'a', 'MEDIUM', 'told 0'],
      [10, 'RECOVERED', 'a', 'MEDIUM', 'told 0 after MEDIUM'],
      [20, 'OPENED', 'b', 'MEDIUM', '- due 300'],
      [30, 'RECOVERED', 'b', 'MEDIUM', '-'],
      [40, 'OPENED', 'c', 'MEDIUM', '- due 300'],
      [50, 'RECOVERED', 'c', 'MEDIUM', '-'],
      [300, 'OPENED', 'd', 'MEDIUM', 'told 4'],
      [301, 'OPENED', 'e', 'MEDIUM', '- due 600'],
    ],
  ],
  [
    'what is still open when the cooldown is over is told then',
    [
      [0, 'OPENED', 'a', 'MEDIUM', 'told 0'],
      [1, 'RESOLVED', 'a', 'MEDIUM', 'told 0 after MEDIUM'],
      [60, 'OPENED', 'b', 'MEDIUM', '- due 300'],
      [299, 'RELEASE', '', 'INFO', '-'],
      [300, 'RELEASE', '', 'INFO', 'OPENED b 0'],
      [301, 'RELEASE', '', 'INFO', '-'],
      [400, 'OPENED', 'c', 'MEDIUM', '- due 600'],
      [500, 'RESOLVED', 'b', 'MEDIUM', 'told 0 after MEDIUM'],
      [600, 'RELEASE', '', 'INFO', 'OPENED c 0'],
    ],
  ],
  [
    'what is severer is told at once',
    [
      [0, 'OPENED', 'a', 'MEDIUM', 'told 0'],
      [1, 'OPENED', 'b', 'MEDIUM', '- due 300'],
      [2, 'OPENED', 'c', 'CRITICAL', 'told 0'],
      [3, 'OPENED', 'd', 'HIGH', '- due 302'],
      [4, 'ESCALATED', 'a', 'CRITICAL', '- due 302'],
      [302, 'RELEASE', '', 'INFO', 'ESCALATED a 2'],
    ],
  ],
  [
    'an escalation is told with what was told before',
    [
      [0, 'OPENED', 'a', 'LOW', 'told 0'],
      [1, 'ESCALATED', 'a', 'HIGH', 'told 0 after LOW'],
      [2, 'ESCALATED', 'a', 'HIGH', '- due 301'],
      [3, 'RESOLVED', 'a', 'HIGH', 'told 1 after HIGH'],
    ],
  ],
  [
    'the end of what was told is told, of what was not is not',
    [
      [0, 'EPISODE_ENDED', 'z', 'HIGH', '-'],
      [1, 'OPENED', 'a', 'HIGH', 'told 0'],
      [2, 'OPENED', 'b', 'LOW', '- due 301'],
      [3, 'EPISODE_ENDED', 'b', 'LOW', '-'],
      [4, 'EPISODE_ENDED', 'a', 'HIGH', 'told 2 after HIGH'],
      [5, 'EPISODE_ENDED', 'a', 'HIGH', '-'],
    ],
  ],
  [
    'the severest waits, of equals the newest',
    [
      [0, 'OPENED', 'a', 'HIGH', 'told 0'],
      [1, 'OPENED', 'b', 'MEDIUM', '- due 300'],
      [2, 'OPENED', 'c', 'LOW', '- due 300'],
      [3, 'OPENED', 'd', 'MEDIUM', '- due 300'],
      [300, 'RELEASE', '', 'INFO', 'OPENED d 2'],
    ],
  ],
];

describe('a cooldown of five minutes', () => {
  test.each(stories)('%s', (_name, steps) => {
    expect(tell(steps)).toEqual(steps);
  });
});

test('without a cooldown everything is told', () => {
  const steps: readonly Step[] = [
    [0, 'OPENED', 'a', 'LOW', 'told 0'],
    [0, 'OPENED', 'b', 'LOW', 'told 0'],
    [0, 'RESOLVED', 'b', 'LOW', 'told 0 after LOW'],
    [0, 'RESOLVED', 'a', 'LOW', 'told 0 after LOW'],
  ];
  expect(tell(steps, 0)).toEqual(steps);
});

test('a rule and an agent share a cooldown, other rules and agents have their own', () => {
  const violations = [
    LIMIT_VIOLATION,
    { ...LIMIT_VIOLATION, agentId: 'agent-2' },
    { ...LIMIT_VIOLATION, ruleId: 'limit-2' },
    { ...LIMIT_VIOLATION, ruleId: '', type: 'CUSTOM' },
    { ...LIMIT_VIOLATION, ruleId: '', type: 'OVERSPEND' },
    { ...LIMIT_VIOLATION, ruleId: 'CUSTOM' },
    { ...LIMIT_VIOLATION, type: 'POLICY_BREACH' },
    { ...LIMIT_VIOLATION, agentId: '' },
    { ...LIMIT_VIOLATION, agentId: '', poolId: 'pool-2' },
    { ...LIMIT_VIOLATION, agentId: 'pool-1', poolId: '' },
  ] as const;
  expect(new Set(violations.map(cooldownKey)).size).toBe(violations.length);
  expect(cooldownKey({ ...LIMIT_VIOLATION, id: 'v-2', poolId: 'pool-2' })).toBe(
    cooldownKey(LIMIT_VIOLATION),
  );
});

test('a state is forgotten when nothing depends on it, and never grows without bound', () => {
  const ms = 5 * MINUTE;
  let state: CooldownState | undefined;
  for (let n = 0; n < 2 * OPEN_TOLD_MAX; n += 1) {
    const now = T0 + n * ms;
    ({ state } = judgeEvent(state, eventOf('OPENED', { id: `v-${n}` }), now, ms));
  }
  expect(state?.open).toHaveLength(OPEN_TOLD_MAX);
  const told = judgeEvent(undefined, eventOf('OPENED'), T0, ms).state!;
  const over = judgeEvent(told, eventOf('RESOLVED'), T0, ms).state!;
  expect(isForgettable(told, T0 + ms, ms)).toBe(false);
  expect(isForgettable(over, T0 + ms - 1, ms)).toBe(false);
  expect(isForgettable(over, T0 + ms, ms)).toBe(true);
});
