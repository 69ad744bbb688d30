/** Who makes, changes and ends alerts, and what becomes of what they had opened. */
import { describe, expect, test } from 'vitest';
import { judgeLimitAlerts } from '../../src/domain/judge-alerts.js';
import {
  adjustBudget,
  createAgent,
  createPool,
  deleteAgent,
  moveAgent,
  poolState,
  spend,
} from '../fakes/commands.js';
import { createAlert, deleteAlert, thresholds, updateAlert } from '../fakes/rule-commands.js';
import { type World, worldWithPool } from '../fakes/world.js';
import { told, worldOfOne } from '../support/alerts.js';
import { money } from '../support/seed.js';

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
      const alerts = draft.state.rules.alerts.ofLimit(uid);
      judgeLimitAlerts(draft, alerts, money(counted), money('50'), {
        subject,
        before: money(before),
      });
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
