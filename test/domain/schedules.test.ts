/** What operators do to schedules, decided on a state in maps. */
import { beforeEach, describe, expect, test } from 'vitest';
import { SCHEDULES_MAX, type Schedule } from '../../src/domain/schedule.js';
import {
  agentState,
  createAgent,
  createPool,
  deleteAgent,
  moveAgent,
  poolState,
} from '../fakes/commands.js';
import { DAY, HOUR, MINUTE, T0 } from '../fakes/manual-time.js';
import {
  createSchedule,
  deleteSchedule,
  fundsPool,
  rebalances,
  REVIEWS,
  setsBudget,
  updateSchedule,
} from '../fakes/schedules.js';
import type { World } from '../fakes/world.js';
import { worldWithPool } from '../fakes/world.js';

let world: World;
beforeEach(() => {
  world = worldWithPool();
  world.must(createAgent('a', 'p', '100'));
});

function schedule(id = 's'): Schedule {
  const found = world.row('schedules', id);
  if (found === undefined) throw new Error(`no schedule ${id}`);
  return found;
}

describe('a new schedule', () => {
  test('is due at its next time, and has what was left out', () => {
    const outcome = world.must(createSchedule('s', '0 9 * * *', setsBudget('agent a', '5')));
    expect(outcome.object).toEqual({ collection: 'schedules', key: 's' });
    expect(schedule()).toEqual({
      uid: 3,
      id: 's',
      name: 's',
      timing: { kind: 'CRON', cron: '0 9 * * *', zone: 'UTC' },
      action: setsBudget('agent a', '5'),
      subject: { kind: 'AGENT', uid: world.agentById('a')!.uid },
      catchUp: 'RUN_ONCE',
      enabled: true,
      runReason: 's',
      dueTime: T0 + HOUR,
      runCount: 0,
      progress: undefined,
      revision: 1,
      createTime: T0,
      updateTime: T0,
    });
  });

  test('without an id gets one, and without a reason its name’s', () => {
    const { object } = world.must(createSchedule('', HOUR, REVIEWS, { name: 'Hourly review' }));
    expect(schedule(object!.key)).toMatchObject({
      id: object!.key,
      name: 'Hourly review',
      runReason: 'Hourly review',
      dueTime: T0 + HOUR,
      subject: { kind: 'EVERY_AGENT', uid: 0 },
    });
  });

  test('that begins paused is never due', () => {
    world.must(createSchedule('s', HOUR, REVIEWS, { enabled: false }));
    expect(schedule().dueTime).toBe(0);
  });

  test.each([
    ['a closed agent', setsBudget('agent gone', '1'), 'AGENT_CLOSED'],
    ['an unknown agent', setsBudget('agent x', '1'), 'AGENT_NOT_FOUND'],
    ['an unknown pool', fundsPool('x', '1'), 'POOL_NOT_FOUND'],
    ['each agent of an unknown pool', setsBudget('pool x', '1'), 'POOL_NOT_FOUND'],
    ['more digits than the pool has', setsBudget('pool p', '0.0000001'), 'INVALID_REQUEST'],
    ['more digits of a delta', fundsPool('p', '-0.0000001'), 'INVALID_REQUEST'],
    ['a strategy on an unknown pool', rebalances('x'), 'POOL_NOT_FOUND'],
  ])('for %s is refused', (_name, action, reason) => {
    world.must(createAgent('gone', 'p', '1'));
    world.must(deleteAgent('gone'));
    expect(world.verdict(createSchedule('s', HOUR, action))).toBe(reason);
  });

  test('names the fields of its action as the request does', () => {
    const action = { ...rebalances('p'), minPerAgent: 1n };
    expect(world.do(createSchedule('s', HOUR, action))).toMatchObject({
      fields: [{ field: 'rebalance_pool.min_per_agent' }],
    });
    expect(world.do(createSchedule('s', HOUR, setsBudget('agent a', '0.0000001')))).toMatchObject({
      fields: [{ field: 'set_budget.amount' }],
    });
  });

  test('with the id of another is refused, and so is one more than there may be', () => {
    world.must(createSchedule('s', HOUR, REVIEWS));
    expect(world.verdict(createSchedule('s', HOUR, REVIEWS))).toBe('SCHEDULE_ALREADY_EXISTS');
    for (let count = 1; count < SCHEDULES_MAX; count += 1) {
      world.must(createSchedule(`s${count}`, HOUR, REVIEWS));
    }
    expect(world.do(createSchedule('more', HOUR, REVIEWS))).toMatchObject({
      reason: 'TOO_MANY_RULES',
      metadata: { rules_max: '1000' },
    });
  });
});

describe('a change', () => {
  beforeEach(() => {
    world.must(createSchedule('s', '0 9 * * *', setsBudget('agent a', '5')));
    world.now = T0 + DAY;
  });

  test.each([
    ['another name', { name: 'new' }, { name: 'new', runReason: 's', dueTime: T0 + HOUR }],
    ['another reason', { runReason: 'x' }, { runReason: 'x', dueTime: T0 + HOUR }],
    ['no reason', { name: 'n', runReason: '' }, { name: 'n', runReason: 'n' }],
    ['SKIP', { catchUp: 'SKIP' as const }, { catchUp: 'SKIP', dueTime: T0 + HOUR }],
    ['a pause', { enabled: false }, { enabled: false, dueTime: 0 }],
    [
      'another cron text',
      { cron: '0 10 * * *' },
      { timing: { kind: 'CRON', cron: '0 10 * * *', zone: 'UTC' }, dueTime: T0 + DAY + 2 * HOUR },
    ],
    [
      'another zone',
      { zone: 'Europe/Berlin' },
      {
        timing: { kind: 'CRON', cron: '0 9 * * *', zone: 'Europe/Berlin' },
        dueTime: T0 + 2 * DAY,
      },
    ],
    [
      'an interval',
      { everyMs: MINUTE },
      {
        timing: { kind: 'INTERVAL', everyMs: MINUTE, anchor: T0 + DAY },
        dueTime: T0 + DAY + MINUTE,
      },
    ],
  ])('to %s', (_name, patch, expected) => {
    world.must(updateSchedule('s', patch));
    expect(schedule()).toMatchObject({ ...expected, revision: 2, updateTime: T0 + DAY });
  });

  test('of the action finds its new subject', () => {
    world.must(updateSchedule('s', { action: fundsPool('p', '3') }));
    const subject = { kind: 'POOL', uid: world.poolById('p')!.uid };
    expect(schedule()).toMatchObject({ action: fundsPool('p', '3'), subject });
    expect(world.verdict(updateSchedule('s', { action: fundsPool('x', '3') }))).toBe(
      'POOL_NOT_FOUND',
    );
  });

  test('that changes nothing writes nothing, and an interval goes on as it was', () => {
    world.must(updateSchedule('s', { everyMs: HOUR }));
    world.now += 10 * MINUTE;
    const { entries } = world;
    const count = entries.length;
    world.must(updateSchedule('s', { everyMs: HOUR, action: setsBudget('agent a', '5') }));
    expect(entries).toHaveLength(count);
    expect(schedule()).toMatchObject({ dueTime: T0 + DAY + HOUR, revision: 2 });
  });

  test('of the zone of an interval is refused', () => {
    world.must(updateSchedule('s', { everyMs: HOUR }));
    expect(world.do(updateSchedule('s', { zone: 'UTC' }))).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: [{ field: 'schedule.time_zone' }],
    });
    world.must(updateSchedule('s', { cron: '0 0 * * *' }));
    expect(schedule().timing).toEqual({ kind: 'CRON', cron: '0 0 * * *', zone: 'UTC' });
  });

  test('wants the revision that it was told, as a deletion does', () => {
    const stale = { expectedRevision: 2 };
    expect(world.verdict(updateSchedule('s', { name: 'n' }, stale))).toBe('REVISION_STALE');
    expect(world.verdict(deleteSchedule('s', stale))).toBe('REVISION_STALE');
    expect(world.verdict(deleteSchedule('s', { expectedRevision: 1 }))).toBe('OK');
    expect(world.verdict(deleteSchedule('s'))).toBe('SCHEDULE_NOT_FOUND');
    expect(world.verdict(updateSchedule('s', { name: 'n' }))).toBe('SCHEDULE_NOT_FOUND');
  });
});

describe('the subject of a schedule', () => {
  beforeEach(() => {
    world.must(createPool('q', '0'));
    world.must(createSchedule('agent', HOUR, setsBudget('agent a', '5')));
    world.must(createSchedule('each', HOUR, setsBudget('pool q', '5')));
    world.must(createSchedule('fund', HOUR, fundsPool('q', '5')));
    world.must(createSchedule('review', HOUR, REVIEWS));
  });

  function left(): readonly string[] {
    return [...world.rows('schedules', {})].map(([id]) => id);
  }

  test('takes it along when it goes, and nothing else', () => {
    world.must(deleteAgent('a'));
    expect(left()).toEqual(['each', 'fund', 'review']);
    world.must(poolState('DELETE_POOL', 'q'));
    expect(left()).toEqual(['review']);
    expect([...world.rules.schedules.rows.keys()]).toEqual(['review']);
  });

  test('keeps it when it is frozen or moves', () => {
    world.must(agentState('FREEZE_AGENT', 'a'));
    world.must(moveAgent('a', 'q'));
    expect(left()).toEqual(['agent', 'each', 'fund', 'review']);
  });
});
