import { describe, expect, test } from 'vitest';
import type { AlertCondition } from '../../src/domain/alert.js';
import { judgeAgentNow } from '../../src/domain/watch-money.js';
import {
  adjustBudget,
  allocateByPriority,
  commit,
  createAgent,
  fundPool,
  moveAgent,
  refund,
  release,
  reserve,
  setBudget,
  spend,
  transfer,
} from '../fakes/commands.js';
import { createAlert, thresholds } from '../fakes/rule-commands.js';
import { HOUR, MINUTE } from '../fakes/manual-time.js';
import { worldWithPool } from '../fakes/world.js';
import { bring, left, same, steps, told, worldOfOne } from '../support/alerts.js';

describe('the golden cases', () => {
  const usage = {
    condition: 'USED_AT_LEAST_PERCENT',
    thresholds: thresholds('75 MEDIUM', '90 CRITICAL'),
  } as const;

  test('low budget 15 percent: one event, and one more after coming back by the margin', () => {
    const world = worldOfOne();
    world.must(createAlert('low', 'EVERY_AGENT'));
    expect(steps(world, ['16', '15', '14', '3', '19.999999', '10', '20', '15', '0'], same)).toEqual(
      [
        '16:',
        '15: OPENED MEDIUM',
        '14:',
        '3:',
        '19.999999:',
        '10:',
        '20: RECOVERED MEDIUM',
        '15: OPENED MEDIUM',
        '0:',
      ],
    );
  });

  test.each([
    {
      name: 'usage 75 and 90',
      walk: ['74.99', '75', '89.99', '90', '95', '74', '90'],
      expected: [
        '74.99:',
        '75: OPENED MEDIUM',
        '89.99:',
        '90: OPENED CRITICAL',
        '95:',
        '74: RECOVERED CRITICAL',
        '90: OPENED CRITICAL',
      ],
    },
    {
      name: 'usage 80, 70, 80',
      walk: ['80', '70', '80'],
      expected: ['80: OPENED MEDIUM', '70: RECOVERED MEDIUM', '80: OPENED MEDIUM'],
    },
    {
      name: 'straight to 95',
      walk: ['95', '86', '85', '71', '70', '75'],
      expected: [
        '95: OPENED CRITICAL',
        '86:',
        '85: RECOVERED CRITICAL',
        '71:',
        '70:',
        '75: OPENED MEDIUM',
      ],
    },
    { name: 'falling only', walk: ['60', '50', '10'], expected: ['60:', '50:', '10:'] },
  ])('$name', ({ walk, expected }) => {
    const world = worldOfOne();
    world.must(createAlert('usage', 'AGENT a', usage));
    expect(steps(world, walk, left)).toEqual(expected);
  });

  test('falling usage never alerts, also when the alert is younger than it', () => {
    const world = worldOfOne();
    bring(world, 'a', '5');
    world.must(createAlert('usage', 'AGENT a', usage));
    expect(steps(world, ['92', '80', '81'], left)).toEqual(['92:', '80:', '81: OPENED MEDIUM']);
  });
});

test('the violation says what the guide says', () => {
  const world = worldOfOne();
  world.must(createAlert('low', 'EVERY_AGENT'));
  const { sequence } = world.must(spend('a', '85.5'));
  const [event] = world.events();
  expect(event).toEqual({
    sequence: 1,
    time: world.now,
    kind: 'OPENED',
    violation: {
      sequence: 1,
      type: 'LOW_BUDGET',
      severity: 'MEDIUM',
      state: 'OPEN',
      source: 'DETECTED',
      rule: { kind: 'ALERT', id: 'low' },
      agentUid: world.agentById('a')!.uid,
      agentId: 'a',
      poolUid: world.poolById('p')!.uid,
      poolId: 'p',
      message: 'Agent budget below 15% threshold',
      details: [
        ['alert_id', 'low'],
        ['condition', 'REMAINING_AT_MOST_PERCENT'],
        ['current_budget', '14.5'],
        ['initial_budget', '100'],
        ['percentage_remaining', '14.5'],
        ['threshold', '15'],
      ],
      count: 1,
      entrySequence: sequence,
      createTime: world.now,
      updateTime: world.now,
      endTime: 0,
      reporter: '',
      actor: '',
      note: '',
    },
  });
  // Not an episode: another violation the next time.
  expect([...world.rows('episodes', {})]).toEqual([]);
});

describe('every condition', () => {
  const cases: readonly {
    readonly condition: AlertCondition;
    readonly at: readonly string[];
    readonly walk: readonly string[];
    readonly told: readonly string[];
    readonly message: string;
  }[] = [
    {
      condition: 'REMAINING_AT_MOST_PERCENT',
      at: ['20', '10 HIGH'],
      walk: ['60.000001', '60', '15', '60', '74', '75', '60'],
      told: [
        '60: OPENED MEDIUM',
        '15: OPENED HIGH',
        '60: RECOVERED HIGH',
        '75: RECOVERED MEDIUM',
        '60: OPENED MEDIUM',
      ],
      message: 'Agent budget below 20% threshold',
    },
    {
      condition: 'USED_AT_LEAST_PERCENT',
      at: ['80', '110 HIGH'],
      walk: ['60.000001', '60', '-30', '-15', '75'],
      told: [
        '60: OPENED MEDIUM',
        '-30: OPENED HIGH',
        '-15: RECOVERED HIGH',
        '75: RECOVERED MEDIUM',
      ],
      message: 'Agent budget usage above 80% threshold',
    },
    {
      condition: 'REMAINING_AT_MOST_AMOUNT',
      at: ['20', '0 CRITICAL'],
      walk: ['20.000001', '20', '0', '0.000001', '20.999999', '21', '-1'],
      told: [
        '20: OPENED MEDIUM',
        '0: OPENED CRITICAL',
        '0.000001: RECOVERED CRITICAL',
        '21: RECOVERED MEDIUM',
        '-1: OPENED CRITICAL',
      ],
      message: 'Agent budget below 20 USD threshold',
    },
    {
      condition: 'USED_AT_LEAST_AMOUNT',
      at: ['40'],
      walk: ['260.000001', '260', '261.999999', '262', '250'],
      told: ['260: OPENED MEDIUM', '262: RECOVERED MEDIUM', '250: OPENED MEDIUM'],
      message: 'Agent budget usage above 40 USD threshold',
    },
  ];

  test.each(cases)('$condition', ({ condition, at, walk, told: expected, message }) => {
    const world = worldOfOne('300');
    world.must(createAlert('x', 'AGENT a', { condition, thresholds: thresholds(...at) }));
    const loud = steps(world, walk, same).filter((step) => !step.endsWith(':'));
    expect(loud).toEqual(expected);
    const [first] = world.events().filter(({ violation }) => violation.type === 'LOW_BUDGET');
    expect(first?.violation.message).toBe(message);
  });

  test('EXHAUSTION_WITHIN is judged at each change, and by the time that passes', () => {
    const world = worldOfOne('90');
    const alert = { condition: 'EXHAUSTION_WITHIN', thresholds: thresholds('7200 HIGH') } as const;
    world.must(createAlert('soon', 'AGENT a', alert));
    const tick = (): void => {
      world.byItself((draft) => judgeAgentNow(draft, world.agentById('a')!));
    };
    world.must(spend('a', '29'));
    // 61 left at 29 an hour: 2 h 6 min.
    expect(told(world.events())).toEqual([]);
    world.must(spend('a', '1'));
    expect(told(world.events())).toEqual(['OPENED HIGH']);
    expect(world.events()[0]?.violation).toMatchObject({
      message: 'Agent budget lasts at most 7200s at its burn rate',
      details: [
        ['alert_id', 'soon'],
        ['burn_last_hour', '30'],
        ['condition', 'EXHAUSTION_WITHIN'],
        ['current_budget', '60'],
        ['initial_budget', '90'],
        ['percentage_remaining', '66.6666'],
        ['threshold', '7200s'],
      ],
    });
    tick();
    expect(world.events()).toHaveLength(1);
    // An hour later nothing burns: it is armed again, and by time alone it never fires.
    world.now += HOUR + MINUTE;
    tick();
    tick();
    expect(told(world.events())).toEqual(['OPENED HIGH', 'RECOVERED HIGH']);
  });

  test('a pool is judged as a whole, by its own baseline', () => {
    const world = worldOfOne('500');
    world.must(createAlert('pool', 'POOL p', { thresholds: thresholds('60 LOW') }));
    world.must(spend('a', '399'));
    world.must(reserve('a', '1'));
    world.must(spend('a', '1'));
    expect(world.events().map(({ violation }) => violation)).toMatchObject([
      {
        message: 'Pool budget below 60% threshold',
        agentUid: 0,
        agentId: '',
        poolId: 'p',
        details: [
          ['alert_id', 'pool'],
          ['condition', 'REMAINING_AT_MOST_PERCENT'],
          ['current_budget', '600'],
          ['initial_budget', '1000'],
          ['percentage_remaining', '60'],
          ['threshold', '60'],
        ],
      },
    ]);
    world.must(fundPool('p', '51'));
    expect(told(world.events())).toEqual(['OPENED LOW', 'RECOVERED LOW']);
  });
});

test('every way in which money goes or comes back is judged', () => {
  const world = worldOfOne();
  world.must(createAgent('b', 'p', '100'));
  world.must(createAlert('low', 'AGENT a', { thresholds: thresholds('50') }));
  const after = (what: () => unknown): readonly string[] => {
    const before = world.events().length;
    what();
    return told(world.events().slice(before));
  };
  const hold = world.must(reserve('a', '50')).reservation!.id;
  expect(told(world.events())).toEqual(['OPENED MEDIUM']);
  expect(after(() => world.must(release(hold)))).toEqual(['RECOVERED MEDIUM']);
  const { sequence } = world.must(spend('a', '60'));
  expect(after(() => world.must(refund(sequence, '60')))).toEqual(['RECOVERED MEDIUM']);
  expect(after(() => world.must(transfer('agent a', 'agent b', '60')))).toEqual(['OPENED MEDIUM']);
  expect(after(() => world.must(setBudget('a', '100')))).toEqual(['RECOVERED MEDIUM']);
  expect(after(() => world.must(setBudget('a', '20')))).toEqual(['OPENED MEDIUM']);
  expect(after(() => world.must(allocateByPriority('p', '200')))).toEqual(['RECOVERED MEDIUM']);
  world.must(setBudget('a', '100', { resetBaseline: true }));
  world.must(reserve('a', '60', { ttlMs: MINUTE }));
  world.now += MINUTE;
  expect(after(() => world.sweep())).toEqual(['RECOVERED MEDIUM']);
  const second = world.must(reserve('a', '10')).reservation!.id;
  expect(after(() => world.must(commit(second, '70')))).toEqual(['OPENED MEDIUM']);
});

test('a trial, a denial and what changes no money tell nothing', () => {
  const world = worldOfOne();
  world.must(createAlert('low', 'AGENT a', { thresholds: thresholds('50') }));
  world.do(spend('a', '101'));
  world.must(moveAgent('a', 'p'));
  expect(told(world.events())).toEqual([]);
});

test('nothing is told while the baseline is 0', () => {
  const world = worldWithPool();
  world.must(createAgent('a', 'p', '0'));
  world.must(createAlert('low', 'EVERY_AGENT'));
  world.must(spend('a', '5', { mode: 'FORCE' }));
  world.must(setBudget('a', '0'));
  expect(told(world.events())).toEqual([]);
});

test('creating an alert tells nothing: it is first judged at the next change', () => {
  const world = worldOfOne();
  world.must(spend('a', '95'));
  world.must(createAlert('low', 'AGENT a'));
  expect(told(world.events())).toEqual([]);
  world.must(spend('a', '1'));
  expect(told(world.events())).toEqual(['OPENED MEDIUM']);
});

test('what an operator resolved is not recovered too', () => {
  const world = worldOfOne();
  world.must(createAlert('low', 'AGENT a'));
  world.must(spend('a', '90'));
  const [event] = world.events();
  world.byItself((draft) => {
    draft.rows.violations = new Map([
      ['0000000000000001', { ...event!.violation, state: 'RESOLVED' as const }],
    ]);
  });
  world.must(adjustBudget('a', '80'));
  expect(told(world.events())).toEqual(['OPENED MEDIUM']);
  world.must(spend('a', '80'));
  expect(told(world.events())).toEqual(['OPENED MEDIUM', 'OPENED MEDIUM']);
});
