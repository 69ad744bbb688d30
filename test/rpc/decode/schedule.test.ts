import { describe, expect, test } from 'vitest';
import {
  CatchUp,
  CreateScheduleRequestSchema,
  UpdateScheduleRequestSchema,
} from '../../../src/gen/safeguards/v1/schedule_pb.js';
import { decodeCreateSchedule, decodeUpdateSchedule } from '../../../src/rpc/decode/schedule.js';
import { decoding, refusedFields } from '../support/requests.js';
import { amount } from '../support/rows.js';

const fund = { case: 'fundPool', value: { poolId: 'p', delta: '5' } } as const;
const create = decoding(
  CreateScheduleRequestSchema,
  { scheduleId: 's', cron: '0 0 1 * *', action: fund },
  decodeCreateSchedule,
);
const update = decoding(
  UpdateScheduleRequestSchema,
  { schedule: { id: 's' }, updateMask: { paths: ['enabled'] } },
  decodeUpdateSchedule,
);

const SECONDS = (seconds: bigint) => ({ seconds, nanos: 0 });

describe('a new schedule', () => {
  test('has a default for everything but its times and its action', () => {
    expect(create()).toEqual({
      method: 'CREATE_SCHEDULE',
      requestId: '',
      reason: '',
      scheduleId: 's',
      name: '',
      timing: { cron: '0 0 1 * *', zone: '' },
      action: { kind: 'FUND_POOL', poolId: 'p', delta: amount('5') },
      catchUp: 'RUN_ONCE',
      enabled: true,
      runReason: '',
    });
  });

  test('takes every field', () => {
    const given = {
      requestId: 'r',
      reason: 'why',
      name: 'Monthly',
      cron: '0 6 l jan-mar mon',
      timeZone: 'europe/berlin',
      catchUp: CatchUp.SKIP,
      enabled: false,
      runReason: 'month',
      action: {
        case: 'setBudget',
        value: {
          subject: { case: 'eachAgentOfPoolId', value: 'p' },
          amount: '100',
          resetBaseline: true,
        },
      },
    } as const;
    expect(create(given)).toEqual({
      method: 'CREATE_SCHEDULE',
      requestId: 'r',
      reason: 'why',
      scheduleId: 's',
      name: 'Monthly',
      timing: { cron: '0 6 L JAN-MAR MON', zone: 'Europe/Berlin' },
      action: {
        kind: 'SET_BUDGET',
        agentId: '',
        poolId: 'p',
        amount: amount('100'),
        resetBaseline: true,
      },
      catchUp: 'SKIP',
      enabled: false,
      runReason: 'month',
    });
  });

  test('rebalances with the defaults of RebalancePool', () => {
    const action = {
      case: 'rebalancePool',
      value: { poolId: 'p', agentIds: ['b', 'a', 'b'] },
    } as const;
    expect(create({ action })).toMatchObject({
      action: {
        kind: 'REBALANCE_POOL',
        poolId: 'p',
        agentIds: ['a', 'b'],
        total: undefined,
        priorityWeight: amount('0.7'),
        usageWeight: amount('0.3'),
        minPerAgent: 0n,
        normalization: 'SHARE',
        windowMs: 86_400_000,
      },
    });
  });

  test.each([
    ['a minute', 60n, 60_000],
    ['366 days', 366n * 86_400n, 366 * 86_400_000],
  ])('comes every %s at the least and the most', (_name, seconds, everyMs) => {
    expect(create({ cron: '', interval: SECONDS(seconds) })).toMatchObject({ timing: { everyMs } });
  });

  test.each([
    ['nothing', { cron: '' }, ['cron']],
    ['both times', { interval: SECONDS(60n) }, ['cron']],
    ['an interval in a zone', { cron: '', timeZone: 'UTC', interval: SECONDS(60n) }, ['time_zone']],
    ['a short interval', { cron: '', interval: SECONDS(59n) }, ['interval']],
    ['a long interval', { cron: '', interval: SECONDS(366n * 86_400n + 1n) }, ['interval']],
    ['seconds', { cron: '0 0 0 1 * *' }, ['cron']],
    ['a day that never comes', { cron: '0 0 30 2 *' }, ['cron']],
    ['no zone', { timeZone: 'Mars/Olympus' }, ['time_zone']],
    ['an offset for a zone', { timeZone: '+02:00' }, ['time_zone']],
    ['no action', { action: { case: undefined } }, ['action']],
    [
      'a delta of 0',
      { action: { case: 'fundPool', value: { poolId: 'p', delta: '0' } } },
      ['fund_pool.delta'],
    ],
    [
      'a budget of nobody',
      { action: { case: 'setBudget', value: { amount: '-1' } } },
      ['set_budget.subject', 'set_budget.amount'],
    ],
    [
      'a strategy without weights',
      { action: { case: 'rebalancePool', value: { priorityWeight: '0', usageWeight: '0' } } },
      ['rebalance_pool.pool_id', 'rebalance_pool.priority_weight'],
    ],
    [
      'too many agents',
      {
        action: {
          case: 'allocateDynamic',
          value: {
            poolId: 'p',
            baseBudget: '1',
            agentIds: Array.from({ length: 101 }, (_, at) => `a${at}`),
          },
        },
      },
      ['allocate_dynamic.agent_ids'],
    ],
    [
      'everything at once',
      { scheduleId: '-', cron: '@daily', timeZone: 'x', catchUp: 9, runReason: 'x'.repeat(513) },
      ['schedule_id', 'cron', 'time_zone', 'catch_up', 'run_reason'],
    ],
  ])('with %s is refused', (_name, over, fields) => {
    expect(refusedFields(create(over as object))).toEqual(fields);
  });

  test('says where in the cron text it is wrong', () => {
    expect(create({ cron: '0 25 * * *' })).toMatchObject({
      fields: [{ field: 'cron', description: '"25" is no hour: give 0 to 23, such as 0 or 9-17' }],
    });
  });
});

describe('a change', () => {
  const change = (paths: readonly string[], schedule: object) =>
    update({ updateMask: { paths: [...paths] }, schedule: { id: 's', ...schedule } });

  test('reads the fields of the mask and nothing else', () => {
    const schedule = { name: 'new', cron: '@bad', enabled: true, runReason: 'x' };
    expect(change(['name', 'enabled'], schedule)).toMatchObject({
      method: 'UPDATE_SCHEDULE',
      scheduleId: 's',
      patch: { name: 'new', enabled: true },
    });
  });

  test('replaces the action that the mask names', () => {
    expect(change(['fund_pool'], { action: fund })).toMatchObject({
      patch: { action: { kind: 'FUND_POOL', poolId: 'p', delta: amount('5') } },
    });
  });

  test('makes an interval of a cron text, and a zone of another', () => {
    expect(change(['interval'], { interval: SECONDS(60n) })).toMatchObject({
      patch: { everyMs: 60_000 },
    });
    expect(change(['time_zone'], { timeZone: 'UTC' })).toMatchObject({ patch: { zone: 'UTC' } });
  });

  test.each([
    ['no mask', [], {}, ['update_mask']],
    ['an unknown field', ['timing'], {}, ['update_mask']],
    ['a field that the server makes', ['next_due_time'], {}, ['update_mask']],
    ['an interval that is not there', ['interval'], {}, ['schedule.interval']],
    [
      'an interval and a cron text',
      ['interval', 'cron'],
      { cron: '0 0 * * *', interval: SECONDS(60n) },
      ['schedule.interval'],
    ],
    [
      'another action than the mask names',
      ['set_budget'],
      { action: fund },
      ['schedule.set_budget'],
    ],
    ['no name', ['name'], { name: '' }, ['schedule.name']],
  ])('with %s is refused', (_name, paths, schedule, fields) => {
    expect(refusedFields(change(paths, schedule))).toEqual(fields);
  });
});
