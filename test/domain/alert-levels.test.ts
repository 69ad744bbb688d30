/** Alerts on levels of service: one event per fall, judged by the levels that count for whoever falls. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { levelOf } from '../../src/domain/effective-levels.js';
import { formatAmount } from '../../src/domain/amount.js';
import { remainingOf } from '../../src/domain/budget.js';
import { SEVERITIES, type Severity } from '../../src/domain/violation.js';
import * as order from '../fakes/commands.js';
import {
  createAlert,
  createLimit,
  onLevels,
  thresholds,
  updateAlert,
} from '../fakes/rule-commands.js';
import { worldWithPool, type World } from '../fakes/world.js';
import { bring, same, steps, told, worldOfOne } from '../support/alerts.js';
import { money, runs } from '../support/seed.js';

/** What a move tells. */
function telling(world: World, move: () => void): string {
  const before = world.events().length;
  move();
  return told(world.events().slice(before)).join(', ');
}

const walk = (world: World, values: readonly string[]) => steps(world, values, same);

describe('an alert at or below minimal and emergency', () => {
  const levels = onLevels('minimal', 'emergency CRITICAL');

  test('tells of each fall once, and of the rise by the margin of the levels', () => {
    const world = worldOfOne();
    world.must(createAlert('x', 'EVERY_AGENT', levels));
    // Up again needs 2 points above the threshold of the level that is risen to.
    const values = ['50', '20', '19.99', '5', '4.99', '0', '6.99', '7', '21.99', '22', '19', '100'];
    expect(walk(world, values)).toEqual([
      '50:',
      '20:',
      '19.99: OPENED MEDIUM',
      '5:',
      '4.99: OPENED CRITICAL',
      '0:',
      '6.99:',
      '7: RECOVERED CRITICAL',
      '21.99:',
      '22: RECOVERED MEDIUM',
      '19: OPENED MEDIUM',
      '100: RECOVERED MEDIUM',
    ]);
  });

  test('tells of the most severe alone when several are passed at once, and recovers once', () => {
    const world = worldOfOne();
    world.must(createAlert('x', 'AGENT a', levels));
    expect(walk(world, ['1', '30', '1'])).toEqual([
      '1: OPENED CRITICAL',
      '30: RECOVERED CRITICAL',
      '1: OPENED CRITICAL',
    ]);
  });

  test('of equals the lowest speaks', () => {
    const world = worldOfOne();
    world.must(createAlert('x', 'AGENT a', onLevels('emergency', 'minimal')));
    bring(world, 'a', '1');
    const [opened] = world.events();
    expect(opened?.violation.details).toContainEqual(['threshold', 'emergency']);
  });

  test('says in its violation which level was passed and which it came to', () => {
    const world = worldOfOne();
    world.must(createAlert('x', 'EACH_AGENT_OF_POOL p', onLevels('standard HIGH')));
    const outcome = world.must(order.spend('a', '81'));
    expect(outcome.serviceLevel?.name).toBe('minimal');
    expect(world.events()).toMatchObject([
      {
        kind: 'OPENED',
        violation: {
          type: 'LOW_BUDGET',
          severity: 'HIGH',
          rule: { kind: 'ALERT', id: 'x' },
          agentId: 'a',
          message: 'Agent budget at or below service level standard',
          details: [
            ['alert_id', 'x'],
            ['condition', 'SERVICE_LEVEL_AT_OR_BELOW'],
            ['current_budget', '19'],
            ['initial_budget', '100'],
            ['percentage_remaining', '19'],
            ['service_level', 'minimal'],
            ['threshold', 'standard'],
          ],
          entrySequence: outcome.sequence,
        },
      },
    ]);
  });

  test('is armed again by a new baseline, and silent where there is none', () => {
    const world = worldOfOne();
    world.must(createAlert('x', 'AGENT a', levels));
    bring(world, 'a', '10');
    const reset = order.setBudget('a', '10', { resetBaseline: true });
    expect(telling(world, () => world.must(reset))).toBe('RECOVERED MEDIUM');
    world.must(order.createAgent('poor', 'p', '0'));
    world.must(createAlert('y', 'AGENT poor', levels));
    expect(telling(world, () => world.must(order.spend('poor', '1', { mode: 'FORCE' })))).toBe('');
  });
});

describe('the levels that count', () => {
  test('are each agent’s own, and a name that they do not have never alerts', () => {
    const world = worldOfOne();
    world.must(order.createAgent('b', 'p', '100'));
    world.must(order.setServiceLevels('agent b', 'gold=90 minimal=80 stop=0'));
    world.must(createAlert('x', 'EVERY_AGENT', onLevels('minimal', 'stop HIGH')));
    expect(telling(world, () => world.must(order.spend('b', '11')))).toBe('OPENED MEDIUM');
    expect(telling(world, () => world.must(order.spend('a', '50')))).toBe('');
    expect(telling(world, () => world.must(order.spend('b', '10')))).toBe('OPENED HIGH');
    // Agent a has no level "stop": at its lowest level there is one event, of minimal.
    expect(telling(world, () => world.must(order.spend('a', '50')))).toBe('OPENED MEDIUM');
  });

  test('never alert at their highest, which is where everybody begins', () => {
    const world = worldOfOne();
    world.must(order.setServiceLevels('agent a', 'standard=50 low=0'));
    world.must(createAlert('x', 'EVERY_AGENT', onLevels('standard')));
    expect(walk(world, ['60', '49', '0', '100'])).toEqual(['60:', '49:', '0:', '100:']);
  });

  test('are judged with the next change when they become others', () => {
    const world = worldOfOne();
    world.must(createAlert('x', 'EVERY_AGENT', onLevels('minimal')));
    bring(world, 'a', '60');
    const harder = order.setServiceLevels('pool p', 'full=90 minimal=70 emergency=0');
    expect(telling(world, () => world.must(harder))).toBe('');
    // What gets better never alerts, at whatever level it is.
    expect(telling(world, () => bring(world, 'a', '61'))).toBe('');
    expect(telling(world, () => bring(world, 'a', '60.5'))).toBe('OPENED MEDIUM');
    expect(telling(world, () => world.must(order.setServiceLevels('pool p', '')))).toBe('');
    // Any change of the agent shows its new level, also one that leaves its money alone.
    const rename = order.updateAgent('a', { name: 'another' });
    expect(telling(world, () => world.must(rename))).toBe('RECOVERED MEDIUM');
  });

  test('arm again what they do not name any more', () => {
    const world = worldOfOne();
    world.must(createAlert('x', 'EVERY_AGENT', onLevels('minimal')));
    bring(world, 'a', '10');
    world.must(order.setServiceLevels('everybody', 'gold=50 lead=0'));
    expect(telling(world, () => bring(world, 'a', '9'))).toBe('RECOVERED MEDIUM');
    world.must(order.setServiceLevels('everybody', ''));
    expect(telling(world, () => bring(world, 'a', '8'))).toBe('OPENED MEDIUM');
  });
});

describe('a new alert', () => {
  test('is first judged at the next change, wherever the agent is', () => {
    const world = worldOfOne();
    bring(world, 'a', '10');
    expect(telling(world, () => world.must(createAlert('x', 'AGENT a', onLevels('minimal'))))).toBe(
      '',
    );
    expect(telling(world, () => bring(world, 'a', '11'))).toBe('');
    expect(telling(world, () => bring(world, 'a', '10.5'))).toBe('OPENED MEDIUM');
  });

  test('that names other levels begins anew', () => {
    const world = worldOfOne();
    world.must(createAlert('x', 'AGENT a', onLevels('minimal')));
    bring(world, 'a', '10');
    const { thresholds: named = [] } = onLevels('standard');
    const change = updateAlert('x', { condition: 'SERVICE_LEVEL_AT_OR_BELOW', thresholds: named });
    expect(telling(world, () => world.must(change))).toBe('RESOLVED MEDIUM');
    expect(telling(world, () => bring(world, 'a', '9'))).toBe('OPENED MEDIUM');
  });

  test('has no margin, and gets one when it is about money again', () => {
    const world = worldOfOne();
    const margin = { ...onLevels('minimal'), rearmMargin: money('5') };
    expect(world.do(createAlert('x', 'AGENT a', margin))).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: [{ field: 'rearm_margin' }],
    });
    const marginNow = () => formatAmount(world.rules.rows.alerts.get('x')!.rearmMargin);
    world.must(createAlert('x', 'AGENT a', { rearmMargin: money('7') }));
    const { thresholds: named = [] } = onLevels('minimal');
    const levels = { condition: 'SERVICE_LEVEL_AT_OR_BELOW', thresholds: named } as const;
    world.must(updateAlert('x', levels));
    expect(marginNow()).toBe('0');
    expect(world.do(updateAlert('x', { rearmMargin: money('1') }))).toMatchObject({
      fields: [{ field: 'alert.rearm_margin' }],
    });
    const percent = {
      condition: 'REMAINING_AT_MOST_PERCENT',
      thresholds: thresholds('15'),
    } as const;
    world.must(updateAlert('x', percent));
    expect(marginNow()).toBe('5');
  });

  test('on a limit cannot become one on levels, or on what remains', () => {
    const world = worldOfOne();
    world.must(createLimit('l', '10', { kind: 'AGENT', id: 'a' }));
    const usage = { condition: 'USED_AT_LEAST_PERCENT', thresholds: thresholds('80') } as const;
    world.must(createAlert('x', 'LIMIT l', usage));
    const { thresholds: named = [] } = onLevels('minimal');
    for (const patch of [
      { condition: 'SERVICE_LEVEL_AT_OR_BELOW', thresholds: named },
      { condition: 'REMAINING_AT_MOST_PERCENT', thresholds: thresholds('15') },
    ] as const) {
      expect(world.do(updateAlert('x', patch))).toMatchObject({
        reason: 'INVALID_REQUEST',
        fields: [{ field: 'alert.condition' }],
      });
    }
  });
});

test('a pool as a whole is judged by the levels of its agents', () => {
  const world = worldOfOne('1000');
  world.must(createAlert('x', 'POOL p', onLevels('standard', 'minimal HIGH')));
  const spend = (amount: string) => telling(world, () => world.must(order.spend('a', amount)));
  const fund = (amount: string) => telling(world, () => world.must(order.fundPool('p', amount)));
  expect([spend('500'), spend('1'), spend('300')]).toEqual(['', 'OPENED MEDIUM', 'OPENED HIGH']);
  // 21.9 and 22 percent, 51.9 and 52.
  expect([fund('20'), fund('1')]).toEqual(['', 'RECOVERED HIGH']);
  expect([fund('299'), fund('1')]).toEqual(['', 'RECOVERED MEDIUM']);
});

const levelSets = ['', 'full=90 minimal=60 emergency=0', 'a=75 standard=50 b=25 minimal=0', 'x=0'];
const step = fc.oneof(
  {
    arbitrary: fc.record({
      kind: fc.constant('BRING' as const),
      percent: fc.integer({ min: -10, max: 110 }),
    }),
    weight: 6,
  },
  fc.record({ kind: fc.constant('LEVELS' as const), set: fc.nat(levelSets.length - 1) }),
  fc.record({ kind: fc.constant('RENAME' as const) }),
  fc.record({ kind: fc.constant('RESET' as const), percent: fc.integer({ min: 0, max: 90 }) }),
);
const NAMES = ['standard', 'minimal', 'emergency', 'b', 'nowhere'];

test('there are as many events as falls and rises, whatever becomes of the levels', () => {
  let events = 0;
  const check = fc.property(
    fc.uniqueArray(
      fc.record({
        level: fc.constantFrom(...NAMES),
        severity: fc.constantFrom<Severity>('LOW', 'HIGH', 'CRITICAL'),
      }),
      { minLength: 1, maxLength: 4, selector: ({ level }) => level },
    ),
    fc.array(step, { minLength: 10, maxLength: 40 }),
    (named, moves) => {
      const world = worldWithPool('100000');
      world.must(order.createAgent('a', 'p', '100'));
      world.must(
        createAlert('x', 'EVERY_AGENT', onLevels(...named.map((n) => `${n.level} ${n.severity}`))),
      );
      const fired = new Map<string, Severity | undefined>();
      for (const [at, move] of moves.entries()) {
        const before = world.agentById('a')!;
        const from = world.events().length;
        if (move.kind === 'LEVELS') {
          world.do(order.setServiceLevels('everybody', levelSets[move.set]!));
        }
        if (move.kind === 'RENAME') world.must(order.updateAgent('a', { name: `n-${at}` }));
        if (move.kind === 'BRING') bring(world, 'a', String(move.percent));
        if (move.kind === 'RESET') {
          world.do(order.setBudget('a', String(move.percent), { resetBaseline: true }));
        }
        const after = world.agentById('a')!;
        const expected: string[] = [];
        if (after !== before && after.baseline > 0n) {
          const { levels } = world.rules.levels.ofAgent(after);
          const place = (name: string) => levels.findIndex((level) => level.name === name);
          const now = place(levelOf(world.rules.levels, after).name);
          const passed = (name: string) => place(name) > 0 && place(name) <= now;
          for (const [name, severity] of [...fired].filter(([name]) => !passed(name))) {
            fired.delete(name);
            if (severity !== undefined) expected.push(`RECOVERED ${severity}`);
          }
          const share = remainingOf(after) * before.baseline - remainingOf(before) * after.baseline;
          const fresh = named
            .filter(({ level }) => passed(level) && !fired.has(level))
            .sort(
              (a, b) =>
                SEVERITIES[b.severity] - SEVERITIES[a.severity] || place(b.level) - place(a.level),
            );
          if (before.baseline > 0n && share < 0n && fresh[0] !== undefined) {
            for (const each of fresh) {
              fired.set(each.level, each === fresh[0] ? each.severity : undefined);
            }
            expected.push(`OPENED ${fresh[0].severity}`);
          }
        }
        const actual = told(world.events().slice(from));
        expect([...actual].sort()).toEqual(expected.sort());
        events += actual.length;
      }
    },
  );
  fc.assert(check, runs('alerts on levels', 400));
  expect(events).toBeGreaterThan(400);
});
