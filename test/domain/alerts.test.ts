import { describe, expect, test } from 'vitest';
import type { AlertCondition } from '../../src/domain/alert.js';
import { formatAmount } from '../../src/domain/amount.js';
import { remainingOf } from '../../src/domain/budget.js';
import { judgeLimitAlerts } from '../../src/domain/judge-alerts.js';
import type { ViolationEvent } from '../../src/domain/violation.js';
import { judgeAgentNow } from '../../src/domain/watch-money.js';
import {
  adjustBudget,
  allocateByPriority,
  commit,
  createAgent,
  createAlert,
  createPool,
  deleteAgent,
  deleteAlert,
  fundPool,
  moveAgent,
  poolState,
  refund,
  release,
  reserve,
  setBudget,
  spend,
  thresholds,
  transfer,
  updateAlert,
} from '../fakes/commands.js';
import { HOUR, MINUTE } from '../fakes/manual-time.js';
import { World, worldWithPool } from '../fakes/world.js';
import { money } from '../support/seed.js';

/** A world with a pool `p` of 1000 and an agent `a` of 100. */
function worldOfOne(baseline = '100'): World {
  const world = worldWithPool();
  world.must(createAgent('a', 'p', baseline));
  return world;
}

/** Brings what an agent has left to a value, by spending or topping up, without a new baseline. */
function bring(world: World, id: string, remaining: string): void {
  const agent = world.agentById(id)!;
  const change = money(remaining) - remainingOf(agent);
  if (change < 0n) world.must(spend(id, formatAmount(-change), { mode: 'FORCE' }));
  if (change > 0n) world.must(adjustBudget(id, formatAmount(change)));
}

/** `OPENED LOW` and `RECOVERED LOW`, for each alert's event. */
function told(events: readonly ViolationEvent[]): readonly string[] {
  return events
    .filter(({ violation }) => violation.type === 'LOW_BUDGET')
    .map(({ kind, violation }) => `${kind} ${violation.severity}`);
}

/** What each step of a value tells. */
function steps(
  world: World,
  values: readonly string[],
  remainingAt: (value: string) => string,
): readonly string[] {
  return values.map((value) => {
    const before = world.events().length;
    bring(world, 'a', remainingAt(value));
    return `${value}: ${told(world.events().slice(before)).join(', ')}`.trimEnd();
  });
}

const same = (value: string): string => value;
const left = (used: string): string => formatAmount(money('100') - money(used));

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

describe('administering', () => {
  test('each change is one entry that names what changed, and touches no account', () => {
    const world = worldOfOne();
    world.must(createAlert('low', 'EACH_AGENT_OF_POOL p', { message: 'wake up' }));
    world.must(updateAlert('low', { rearmMargin: money('2.5') }));
    world.must(deleteAlert('low'));
    const written = world.entries.slice(-3).map(({ kind, accounts, changes }) => {
      return { kind, accounts, changes: changes.map((each) => Object.values(each).join('|')) };
    });
    expect(written).toEqual([
      {
        kind: 'CONFIGURE',
        accounts: [],
        changes: [
          'alert/low.subject||EACH_AGENT_OF_POOL p',
          'alert/low.condition||REMAINING_AT_MOST_PERCENT',
          'alert/low.thresholds||15 MEDIUM',
          'alert/low.rearm_margin||5',
          'alert/low.message||wake up',
        ],
      },
      { kind: 'CONFIGURE', accounts: [], changes: ['alert/low.rearm_margin|5|2.5'] },
      {
        kind: 'CONFIGURE',
        accounts: [],
        changes: [
          'alert/low.condition|REMAINING_AT_MOST_PERCENT|',
          'alert/low.thresholds|15 MEDIUM|',
          'alert/low.rearm_margin|2.5|',
          'alert/low.message|wake up|',
        ],
      },
    ]);
    expect(world.rules.alerts.size).toBe(0);
  });

  test('what does not fit is refused', () => {
    const world = worldOfOne();
    world.must(createAlert('low', 'AGENT a'));
    world.must(createAgent('gone', 'p', '0'));
    world.must(deleteAgent('gone'));
    const amounts = { condition: 'REMAINING_AT_MOST_AMOUNT' } as const;
    const fine = thresholds('0.0000001');
    const refused = [
      createAlert('low', 'AGENT a'),
      createAlert('x', 'AGENT nobody'),
      createAlert('x', 'AGENT gone'),
      createAlert('x', 'POOL nowhere'),
      createAlert('x', 'EACH_AGENT_OF_POOL nowhere'),
      createAlert('x', 'LIMIT none'),
      createAlert('x', 'AGENT a', { thresholds: thresholds('96') }),
      createAlert('x', 'AGENT a', { ...amounts, thresholds: fine }),
      updateAlert('x', { message: 'y' }),
      updateAlert('low', { message: 'y' }, { expectedRevision: 2 }),
      updateAlert('low', { rearmMargin: money('85.1') }),
      deleteAlert('x'),
      deleteAlert('low', { expectedRevision: 7 }),
    ];
    expect(refused.map((command) => world.verdict(command))).toEqual([
      'ALERT_ALREADY_EXISTS',
      'AGENT_NOT_FOUND',
      'AGENT_CLOSED',
      'POOL_NOT_FOUND',
      'POOL_NOT_FOUND',
      'LIMIT_NOT_FOUND',
      'INVALID_REQUEST',
      'INVALID_REQUEST',
      'ALERT_NOT_FOUND',
      'REVISION_STALE',
      'INVALID_REQUEST',
      'ALERT_NOT_FOUND',
      'REVISION_STALE',
    ]);
    // Every agent may be of pools of any scale.
    expect(world.verdict(createAlert('x', 'EVERY_AGENT', { ...amounts, thresholds: fine }))).toBe(
      'OK',
    );
  });

  test('an alert without an id gets one, and an update that changes nothing writes nothing', () => {
    const world = worldOfOne();
    expect(world.must(createAlert('', 'AGENT a')).object).toEqual({
      collection: 'alerts',
      key: 'id-000001',
    });
    expect(world.must(updateAlert('id-000001', { message: '' })).sequence).toBe(0);
  });

  test('there are at most 10,000', () => {
    const world = worldOfOne();
    world.must(createAlert('low', 'AGENT a'));
    world.byItself((draft) => {
      const alert = world.rules.rows.alerts.get('low')!;
      const more = Array.from({ length: 9_999 }, (_, at) => `x-${at}`);
      draft.rows.alerts = new Map(more.map((id) => [id, { ...alert, id }]));
    });
    expect(world.verdict(createAlert('one-more', 'AGENT a'))).toBe('TOO_MANY_RULES');
    world.must(deleteAlert('low'));
    expect(world.verdict(createAlert('one-more', 'AGENT a'))).toBe('OK');
  });

  test('new thresholds begin it anew, others keep what has fired', () => {
    const world = worldOfOne();
    world.must(createAlert('low', 'AGENT a'));
    world.must(spend('a', '90'));
    world.must(updateAlert('low', { thresholds: thresholds('15 HIGH'), message: 'hello' }));
    world.must(spend('a', '1'));
    expect(told(world.events())).toEqual(['OPENED MEDIUM']);
    world.must(updateAlert('low', { thresholds: thresholds('20 LOW') }));
    expect(world.events().at(-1)).toMatchObject({
      kind: 'RESOLVED',
      violation: { state: 'RESOLVED', actor: 'sidecar', note: 'alert changed' },
    });
    world.must(spend('a', '1'));
    expect(told(world.events())).toEqual(['OPENED MEDIUM', 'RESOLVED MEDIUM', 'OPENED LOW']);
  });

  test('a smaller margin arms again at the next change', () => {
    const world = worldOfOne();
    world.must(createAlert('low', 'AGENT a', { rearmMargin: money('60') }));
    world.must(spend('a', '90'));
    world.must(adjustBudget('a', '40'));
    world.must(updateAlert('low', { rearmMargin: money('5') }));
    world.must(adjustBudget('a', '1'));
    expect(told(world.events())).toEqual(['OPENED MEDIUM', 'RECOVERED MEDIUM']);
  });
});

describe('who goes', () => {
  const watched = (): World => {
    const world = worldOfOne();
    world.must(createPool('q', '0'));
    world.must(createAlert('own', 'AGENT a'));
    world.must(createAlert('each', 'EACH_AGENT_OF_POOL p'));
    world.must(createAlert('every', 'EVERY_AGENT'));
    world.must(spend('a', '90'));
    expect(told(world.events())).toHaveLength(3);
    return world;
  };
  const resolved = (world: World): readonly string[] =>
    world
      .events()
      .filter(({ kind }) => kind === 'RESOLVED')
      .map(({ violation }) => `${violation.rule.id}: ${violation.note}`);
  const states = (world: World): number => [...world.rows('alert_states', {})].length;

  test('a deleted agent takes its alerts along, and its part in the others', () => {
    const world = watched();
    world.must(deleteAgent('a'));
    expect(resolved(world)).toEqual([
      'own: agent deleted',
      'each: agent deleted',
      'every: agent deleted',
    ]);
    expect(states(world)).toBe(0);
    expect([...world.rules.rows.alerts.keys()]).toEqual(['each', 'every']);
  });

  test('an agent that moves leaves its part in those of the pool, and is judged by the new one', () => {
    const world = watched();
    world.must(createAlert('there', 'EACH_AGENT_OF_POOL q', { thresholds: thresholds('50 LOW') }));
    world.must(moveAgent('a', 'q'));
    expect(resolved(world)).toEqual(['each: agent moved']);
    world.must(spend('a', '1'));
    expect(world.events().at(-1)?.violation.rule.id).toBe('there');
    expect(states(world)).toBe(3);
  });

  test('a deleted pool takes its alerts along', () => {
    const world = worldWithPool();
    world.must(createAlert('pool', 'POOL p'));
    world.must(createAlert('each', 'EACH_AGENT_OF_POOL p'));
    world.must(poolState('DELETE_POOL', 'p'));
    expect(world.rules.alerts.size).toBe(0);
  });
});

test('alerts on a limit judge what is counted of its value', () => {
  const world = worldOfOne();
  const uid = 77;
  const usage = { condition: 'USED_AT_LEAST_PERCENT', thresholds: thresholds('80', '100 HIGH') };
  world.must(createAlert('on-limit', 'AGENT a', usage as never));
  // Until limits are there, the alert is put on one by hand.
  world.byItself((draft) => {
    const alert = world.rules.rows.alerts.get('on-limit')!;
    const scope = { kind: 'LIMIT', uid } as const;
    draft.rows.alerts = new Map([['on-limit', { ...alert, scope, subjectId: 'daily' }]]);
  });
  const { uid: agentUid } = world.agentById('a')!;
  const subject = {
    uid: agentUid,
    noun: 'Limit',
    unit: 'USD',
    agentUid,
    agentId: 'a',
    poolUid: 1,
    poolId: 'p',
  } as const;
  const count = (before: string, counted: string): void => {
    world.byItself((draft) => {
      judgeLimitAlerts(draft, uid, money(counted), money('50'), { subject, before: money(before) });
    });
  };
  count('0', '39.9');
  count('39.9', '40');
  count('40', '60');
  count('60', '45');
  count('45', '0');
  expect(told(world.events())).toEqual([
    'OPENED MEDIUM',
    'OPENED HIGH',
    'RECOVERED HIGH',
    'RECOVERED MEDIUM',
  ]);
  expect(world.events()[0]?.violation).toMatchObject({
    message: 'Limit usage above 80% threshold',
    details: [
      ['alert_id', 'on-limit'],
      ['condition', 'USED_AT_LEAST_PERCENT'],
      ['counted', '40'],
      ['limit', '50'],
      ['limit_id', 'daily'],
      ['percentage_remaining', '20'],
      ['threshold', '80'],
    ],
  });
});
