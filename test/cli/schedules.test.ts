import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { toJson } from '@bufbuild/protobuf';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { RunOutcome, RunTrigger } from '../../src/gen/safeguards/v1/schedule_pb.js';
import { VERBS } from '../../src/cli/verbs/table.js';
import { commandLine } from './command-line.js';
import { FakeSidecar } from './fake-sidecar.js';

const { createSchedule, getSchedule, listSchedules, listScheduleRuns, runSchedule } =
  BudgetAdminService.method;

let fake: FakeSidecar;
beforeAll(async () => {
  fake = await FakeSidecar.start();
});
beforeEach(() => fake.reset());
afterAll(() => fake.close());

/** Tildes stand for the spaces of one argument. */
function call(words: string) {
  const environment = { SAFEGUARDS_ADMIN_ADDRESS: fake.address, SAFEGUARDS_ADMIN_TOKEN: 't' };
  const list = words.split(' ').map((word) => word.replaceAll('~', ' '));
  return commandLine(list, { environment });
}

test.each([
  [
    'schedule create m --cron 0~0~1~*~* --time-zone Europe/Berlin --set-budget pool:p --amount 100 --reset-baseline',
    {
      scheduleId: 'm',
      cron: '0 0 1 * *',
      timeZone: 'Europe/Berlin',
      setBudget: { eachAgentOfPoolId: 'p', amount: '100', resetBaseline: true },
    },
  ],
  [
    'schedule create --interval 1d --set-budget agent:a --amount 5 --no-enabled --catch-up skip',
    {
      interval: '86400s',
      setBudget: { agentId: 'a', amount: '5' },
      enabled: false,
      catchUp: 'CATCH_UP_SKIP',
    },
  ],
  [
    'schedule create f --cron 0~0~*~*~* --fund-pool p --delta -2.5 --run-reason daily',
    {
      scheduleId: 'f',
      cron: '0 0 * * *',
      fundPool: { poolId: 'p', delta: '-2.5' },
      runReason: 'daily',
    },
  ],
  [
    'schedule create r --interval 1h --rebalance-pool p --agent-ids a --agent-ids b --min-per-agent 1 --normalization raw --window 7d',
    {
      scheduleId: 'r',
      interval: '3600s',
      rebalancePool: {
        poolId: 'p',
        agentIds: ['a', 'b'],
        minPerAgent: '1',
        normalization: 'REBALANCE_NORMALIZATION_RAW',
        window: '604800s',
      },
    },
  ],
  [
    'schedule create d --interval 1h --allocate-dynamic p --base-budget 50 --statistic mean-per-hour',
    {
      scheduleId: 'd',
      interval: '3600s',
      allocateDynamic: {
        poolId: 'p',
        baseBudget: '50',
        statistic: 'USAGE_STATISTIC_MEAN_PER_HOUR',
      },
    },
  ],
  [
    'schedule create v --interval 1d --review-budgets',
    { scheduleId: 'v', interval: '86400s', reviewBudgets: {} },
  ],
  [
    'schedule update m --no-enabled --name Monthly --expected-revision 3 --reason why',
    {
      schedule: { id: 'm', name: 'Monthly' },
      updateMask: 'name,enabled',
      expectedRevision: '3',
      reason: 'why',
    },
  ],
  [
    'schedule update m --set-budget agent:a --amount 7',
    {
      schedule: { id: 'm', setBudget: { agentId: 'a', amount: '7' } },
      updateMask: 'setBudget',
    },
  ],
  ['schedule delete m --reason over', { scheduleId: 'm', reason: 'over' }],
])('%s', async (words, expected) => {
  const { code, err } = await call(words);
  expect([code, err]).toEqual([0, '']);
  const { method, request } = fake.calls.at(-1)!;
  const verb = VERBS.find((each) => each.method.name === method)!;
  const { requestId, ...rest } = toJson(verb.method.input, request) as Record<string, unknown>;
  expect(requestId).not.toBe('');
  expect(rest).toEqual(expected);
});

test.each([
  ['schedule create m --set-budget p --amount 1', '"p" names nobody. Write agent:ID or pool:ID.'],
  [
    'schedule create m --fund-pool p --set-budget pool:p --amount 1',
    'Choose one of --set-budget and --fund-pool: a schedule does one thing.',
  ],
  ['schedule create m --fund-pool p --amount 1', '--amount is not for --fund-pool.'],
  ['schedule update m --amount 1', '--amount needs its action, such as --set-budget.'],
  ['schedule update m', 'Nothing to update: give an option to change.'],
])('%s is used wrongly: %s', async (words, message) => {
  const { code, err } = await call(words);
  expect(code).toBe(2);
  expect(err).toContain(message);
});

const NEXT = { seconds: 1_769_900_400n, nanos: 0 };
const MONTHLY = {
  id: 'm',
  name: 'Monthly',
  cron: '0 0 1 * *',
  timeZone: 'UTC',
  action: {
    case: 'setBudget',
    value: { subject: { case: 'eachAgentOfPoolId', value: 'p' }, amount: '100' },
  },
  catchUp: 1,
  enabled: true,
  runReason: 'month',
  nextDueTime: NEXT,
  runCount: 2n,
  revision: 4n,
} as const;
const RUN = {
  number: 2n,
  dueTime: NEXT,
  runTime: NEXT,
  endTime: NEXT,
  trigger: RunTrigger.CAUGHT_UP,
  outcome: RunOutcome.FAILED,
  reason: 'INSUFFICIENT_POOL_BUDGET',
  summary: 'The pool cannot pay',
} as const;

test('a new schedule says when it is due', async () => {
  fake.answer(createSchedule, { sequence: 12n, schedule: MONTHLY });
  const { out } = await call('schedule create m --cron 0~0~1~*~* --fund-pool p --delta 1');
  expect(out).toBe('Created schedule m (entry 12). Next due at 2026-01-31T23:00:00.000Z.\n');
});

test('schedules are a table', async () => {
  const paused = { id: 'v', enabled: false, interval: { seconds: 5_400n, nanos: 0 } };
  const review = { case: 'reviewBudgets', value: {} } as const;
  fake.answer(listSchedules, { schedules: [MONTHLY, { ...paused, action: review }] });
  expect((await call('schedule list')).out).toBe(
    [
      'SCHEDULE  WHEN           DOES                             NEXT                      RUNS',
      'm         0 0 1 * * UTC  set each agent of pool p to 100  2026-01-31T23:00:00.000Z  2',
      'v         every 90m      review all budgets               paused                    0',
      '',
    ].join('\n'),
  );
});

test('a schedule is shown with its runs', async () => {
  fake.answer(getSchedule, { schedule: MONTHLY, recentRuns: [RUN] });
  expect((await call('schedule get m')).out).toBe(
    [
      'Schedule m (Monthly), revision 4:',
      '  When: 0 0 1 * * UTC',
      '  Does: set each agent of pool p to 100',
      '  Next: 2026-01-31T23:00:00.000Z',
      '  Missed runs: RUN_ONCE',
      '  Reason: month',
      '',
      'RUN  DUE                       BEGAN                     TRIGGER    OUTCOME  ENTRY  SUMMARY',
      '2    2026-01-31T23:00:00.000Z  2026-01-31T23:00:00.000Z  CAUGHT_UP  FAILED          INSUFFICIENT_POOL_BUDGET: The pool cannot pay',
      '',
    ].join('\n'),
  );
  fake.answer(listScheduleRuns, { runs: [] });
  expect((await call('schedule runs m')).out).toBe('Nothing.\n');
});

test('a run by hand that failed ends with the code of a denial', async () => {
  fake.answer(runSchedule, { run: RUN, schedule: MONTHLY });
  const failed = await call('schedule run m');
  expect([failed.code, failed.out]).toEqual([
    3,
    'Run 2: FAILED (nothing written). INSUFFICIENT_POOL_BUDGET: The pool cannot pay\n',
  ]);
  const done = { ...RUN, outcome: RunOutcome.OK, reason: '', summary: 'Done', firstSequence: 9n };
  fake.answer(runSchedule, { sequence: 9n, run: done, schedule: MONTHLY });
  const ok = await call('schedule run m');
  expect([ok.code, ok.out]).toEqual([0, 'Run 2: OK (entry 9). Done\n']);
});
