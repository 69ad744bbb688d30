/** Schedules through the wire, on a real ledger. */
import type { Client } from '@grpc/grpc-js';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { EntryKind } from '../../src/gen/safeguards/v1/entry_pb.js';
import { MetricsService } from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import { CatchUp, RunOutcome, RunTrigger } from '../../src/gen/safeguards/v1/schedule_pb.js';
import { createAgent, createPool, spend } from '../fakes/commands.js';
import { HOUR, T0 } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { asAdmin, connect, drain, failing, serverStream, unary } from './support/grpc.js';
import { serve, type Harness } from './support/harness.js';

const {
  createSchedule,
  getSchedule,
  listSchedules,
  updateSchedule,
  deleteSchedule,
  runSchedule,
  listScheduleRuns,
} = BudgetAdminService.method;

let memory: MemoryLedger;
let harness: Harness;
let operator: Client;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  onTestFinished(() => memory.ledger.close());
  await memory.must(createPool('p', '1000'));
  await memory.must(createAgent('a', 'p', '100'));
  harness = await serve({ ledger: memory.ledger });
  operator = connect(harness.admin);
});

const MONTHLY = {
  requestId: 'r-1',
  scheduleId: 'monthly',
  cron: '0 0 1 * *',
  timeZone: 'Europe/Berlin',
  action: {
    case: 'setBudget',
    value: { subject: { case: 'agentId', value: 'a' }, amount: '100', resetBaseline: true },
  },
  reason: 'as agreed',
} as const;

function at(time: number) {
  return { seconds: BigInt(time / 1_000), nanos: 0 };
}

test('CreateSchedule shows when it is due, and a retry shows the schedule as it is now', async () => {
  const first = await unary(operator, createSchedule, MONTHLY, asAdmin());
  expect(first).toMatchObject({
    sequence: BigInt(memory.head),
    replayed: false,
    schedule: {
      id: 'monthly',
      name: 'monthly',
      cron: '0 0 1 * *',
      timeZone: 'Europe/Berlin',
      action: MONTHLY.action,
      catchUp: CatchUp.RUN_ONCE,
      enabled: true,
      runReason: 'monthly',
      nextDueTime: at(Date.UTC(2026, 0, 31, 23)),
      runCount: 0n,
      revision: 1n,
      createTime: at(T0),
    },
  });
  const schedule = { id: 'monthly', enabled: false };
  const update = { schedule, updateMask: { paths: ['enabled'] }, expectedRevision: 1n };
  await unary(operator, updateSchedule, update, asAdmin());
  const again = await unary(operator, createSchedule, MONTHLY, asAdmin());
  expect(again).toMatchObject({ sequence: first.sequence, replayed: true });
  expect(again.schedule).toMatchObject({ enabled: false, revision: 2n });
  expect(again.schedule!.nextDueTime).toBeUndefined();
});

test('what is configured stands in the ledger, and the chain with it verifies', async () => {
  await unary(operator, createSchedule, MONTHLY, asAdmin());
  const update = {
    schedule: { id: 'monthly', timeZone: 'UTC', runReason: 'x' },
    updateMask: { paths: ['time_zone', 'run_reason'] },
  };
  await unary(operator, updateSchedule, update, asAdmin());
  await unary(operator, updateSchedule, update, asAdmin());
  await unary(operator, deleteSchedule, { scheduleId: 'monthly', reason: 'over' }, asAdmin());
  const stream = await drain(
    serverStream(operator, MetricsService.method.exportLedger, { afterSequence: 3n }, asAdmin()),
  );
  const entries = stream.messages.map(({ entry }) => entry!);
  expect(
    entries.map(({ kind, reason, agentId, postings }) => [kind, reason, agentId, postings]),
  ).toEqual([
    [EntryKind.CONFIGURE, 'as agreed', '', []],
    [EntryKind.CONFIGURE, '', '', []],
    [EntryKind.CONFIGURE, 'over', '', []],
  ]);
  const changes = entries.map((entry) =>
    entry.changes.map(({ field, before, after }) => `${field}: ${before} -> ${after}`),
  );
  expect(changes).toEqual([
    [
      'schedule/monthly.name:  -> monthly',
      'schedule/monthly.cron:  -> 0 0 1 * *',
      'schedule/monthly.time_zone:  -> Europe/Berlin',
      'schedule/monthly.action:  -> SET_BUDGET agent_id=a amount=100 reset_baseline=true',
      'schedule/monthly.catch_up:  -> RUN_ONCE',
      'schedule/monthly.enabled:  -> true',
      'schedule/monthly.run_reason:  -> monthly',
    ],
    [
      'schedule/monthly.time_zone: Europe/Berlin -> UTC',
      'schedule/monthly.run_reason: monthly -> x',
    ],
    [
      'schedule/monthly.name: monthly -> ',
      'schedule/monthly.cron: 0 0 1 * * -> ',
      'schedule/monthly.time_zone: UTC -> ',
      'schedule/monthly.action: SET_BUDGET agent_id=a amount=100 reset_baseline=true -> ',
      'schedule/monthly.catch_up: RUN_ONCE -> ',
      'schedule/monthly.enabled: true -> ',
      'schedule/monthly.run_reason: x -> ',
    ],
  ]);
  expect(await memory.verify()).toMatchObject({ clean: true });
});

test('RunSchedule answers with the run, and GetSchedule and ListScheduleRuns show it', async () => {
  await unary(operator, createSchedule, MONTHLY, asAdmin());
  await memory.must(spend('a', '40'));
  const request = { requestId: 'run-1', scheduleId: 'monthly' };
  const response = await unary(operator, runSchedule, request, asAdmin());
  expect(response).toMatchObject({
    sequence: BigInt(memory.head),
    replayed: false,
    run: {
      number: 1n,
      runTime: at(T0),
      endTime: at(T0),
      trigger: RunTrigger.MANUAL,
      outcome: RunOutcome.OK,
      reason: '',
      summary: 'Set what remains of agent a to 100',
      firstSequence: BigInt(memory.head),
    },
    schedule: { id: 'monthly', runCount: 1n },
  });
  expect(response.run!.dueTime).toBeUndefined();
  expect(await unary(operator, runSchedule, request, asAdmin())).toEqual({
    ...response,
    replayed: true,
  });
  await unary(operator, runSchedule, { scheduleId: 'monthly' }, asAdmin());
  const shown = await unary(operator, getSchedule, { scheduleId: 'monthly' }, asAdmin());
  expect(shown.recentRuns.map(({ number }) => number)).toEqual([2n, 1n]);
  const first = { scheduleId: 'monthly', pageSize: 1 };
  const page = await unary(operator, listScheduleRuns, first, asAdmin());
  expect(page.runs.map(({ number }) => number)).toEqual([2n]);
  const next = { ...first, pageToken: page.nextPageToken };
  const rest = await unary(operator, listScheduleRuns, next, asAdmin());
  expect([rest.runs.map(({ number }) => number), rest.nextPageToken]).toEqual([[1n], '']);
});

test('ListSchedules lists by id, in pages', async () => {
  const action = { case: 'reviewBudgets', value: {} } as const;
  const interval = { seconds: 3_600n, nanos: 0 };
  for (const scheduleId of ['c', 'a', 'b']) {
    await unary(operator, createSchedule, { scheduleId, interval, action }, asAdmin());
  }
  const page = await unary(operator, listSchedules, { pageSize: 2 }, asAdmin());
  expect(page.schedules.map(({ id }) => id)).toEqual(['a', 'b']);
  expect(page.schedules[0]).toMatchObject({
    cron: '',
    timeZone: '',
    interval,
    action: { case: 'reviewBudgets' },
  });
  expect(page.schedules[0]!.nextDueTime).toMatchObject(at(T0 + HOUR));
  const next = { pageSize: 2, pageToken: page.nextPageToken };
  const rest = await unary(operator, listSchedules, next, asAdmin());
  expect([rest.schedules.map(({ id }) => id), rest.nextPageToken]).toEqual([['c'], '']);
});

test('every field of a strategy is shown as it was given', async () => {
  const action = {
    case: 'allocateDynamic',
    value: {
      poolId: 'p',
      agentIds: ['a'] as string[],
      baseBudget: '50',
      usageMultiplier: '1.5',
      maxBudget: '90',
      statistic: 2,
      window: { seconds: 7_200n, nanos: 0 },
    },
  } as const;
  const request = { scheduleId: 's', cron: '0 0 * * *', action };
  const { schedule } = await unary(operator, createSchedule, request, asAdmin());
  expect(schedule!.action).toMatchObject(action);
  const rebalance = {
    case: 'rebalancePool',
    value: {
      poolId: 'p',
      agentIds: ['a'] as string[],
      total: '10',
      priorityWeight: '1',
      usageWeight: '0',
      minPerAgent: '2',
      normalization: 2,
      window: { seconds: 60n, nanos: 0 },
    },
  } as const;
  const update = {
    schedule: { id: 's', action: rebalance },
    updateMask: { paths: ['rebalance_pool'] },
  };
  const updated = await unary(operator, updateSchedule, update, asAdmin());
  expect(updated.schedule!.action).toMatchObject(rebalance);
});

const set = (value: object) => ({ action: { case: 'setBudget', value } }) as const;

test.each([
  [
    'an agent that is not there',
    set({ subject: { case: 'agentId', value: 'x' }, amount: '1' }),
    'AGENT_NOT_FOUND',
  ],
  [
    'a pool that is not there',
    set({ subject: { case: 'eachAgentOfPoolId', value: 'x' }, amount: '1' }),
    'POOL_NOT_FOUND',
  ],
  [
    'digits beyond the scale',
    set({ subject: { case: 'agentId', value: 'a' }, amount: '0.0000001' }),
    'INVALID_REQUEST',
  ],
  [
    'an agent of another pool',
    { action: { case: 'rebalancePool', value: { poolId: 'default', agentIds: ['a'] } } },
    'INVALID_REQUEST',
  ],
] as const)('a schedule for %s is refused when it is made', async (_name, over, reason) => {
  const request = { ...MONTHLY, ...over };
  const error = await failing(operator, createSchedule, request as never, asAdmin());
  expect(error.reason).toBe(reason);
});

test('an unknown schedule is SCHEDULE_NOT_FOUND, a known one exists already', async () => {
  const id = { scheduleId: 'none' };
  const update = { schedule: { id: 'none' }, updateMask: { paths: ['enabled'] } };
  for (const failure of await Promise.all([
    failing(operator, getSchedule, id, asAdmin()),
    failing(operator, deleteSchedule, id, asAdmin()),
    failing(operator, runSchedule, id, asAdmin()),
    failing(operator, listScheduleRuns, id, asAdmin()),
    failing(operator, updateSchedule, update, asAdmin()),
  ])) {
    expect(failure).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'SCHEDULE_NOT_FOUND',
      metadata: { schedule_id: 'none' },
    });
  }
  await unary(operator, createSchedule, MONTHLY, asAdmin());
  const again = { ...MONTHLY, requestId: 'r-2' };
  expect(await failing(operator, createSchedule, again, asAdmin())).toMatchObject({
    code: 'ALREADY_EXISTS',
    reason: 'SCHEDULE_ALREADY_EXISTS',
  });
});
