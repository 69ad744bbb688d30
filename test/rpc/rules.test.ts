/** Limits and monitors through the wire, on a real ledger. */
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { Decision, DenialReason } from '../../src/gen/safeguards/v1/decision_pb.js';
import { Enforcement, LimitWindow, Weekday } from '../../src/gen/safeguards/v1/limit_pb.js';
import { MonitorAction } from '../../src/gen/safeguards/v1/monitor_pb.js';
import { Severity } from '../../src/gen/safeguards/v1/severity_pb.js';
import { createAgent, createPool } from '../fakes/commands.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { asAdmin, connect, failing, unary } from './support/grpc.js';
import { serve, type Harness } from './support/harness.js';

const admin = BudgetAdminService.method;

let memory: MemoryLedger;
let harness: Harness;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  onTestFinished(() => memory.ledger.close());
  await memory.must(createPool('p', '1000', { scale: 2 }));
  await memory.must(createAgent('a', 'p', '100'));
  harness = await serve({ ledger: memory.ledger });
});

const operator = () => connect(harness.admin);
const agent = () => connect(harness.agent);
const spend = (amount: string) =>
  unary(agent(), BudgetService.method.spend, {
    requestId: `${amount} ${memory.head}`,
    agentId: 'a',
    amount,
  });

test('a limit is made, judges, is shown with how it stands, changed and taken away', async () => {
  const request = {
    requestId: 'once',
    limitId: 'week',
    scope: { case: 'eachAgentOfPoolId' as const, value: 'p' },
    value: '10',
    window: LimitWindow.WEEK,
    timeZone: 'america/new_york',
    weekStart: Weekday.SUNDAY,
  };
  const made = await unary(operator(), admin.createSpendingLimit, request, asAdmin());
  expect(made).toMatchObject({
    replayed: false,
    limit: {
      id: 'week',
      name: 'week',
      scope: { case: 'eachAgentOfPoolId', value: 'p' },
      metric: 'amount',
      window: LimitWindow.WEEK,
      timeZone: 'America/New_York',
      weekStart: Weekday.SUNDAY,
      value: '10',
      enforcement: Enforcement.DENY,
      severity: Severity.MEDIUM,
      includePast: false,
      revision: 1n,
    },
  });
  const again = await unary(operator(), admin.createSpendingLimit, request, asAdmin());
  expect(again).toEqual({ ...made, replayed: true });

  expect(await spend('7')).toMatchObject({ decision: Decision.APPROVED });
  expect(await spend('3.01')).toMatchObject({
    decision: Decision.DENIED,
    denial: {
      reason: DenialReason.SPENDING_LIMIT_EXCEEDED,
      ruleId: 'week',
      limit: '10',
      counted: '7',
      shortfall: '0.01',
      largestAmount: '3',
      retryTime: { nanos: 0 },
    },
  });
  const limitId = 'week';
  const shown = await unary(
    operator(),
    admin.getSpendingLimit,
    { limitId, agentId: 'a' },
    asAdmin(),
  );
  expect(shown.status).toMatchObject({ counted: '7', remaining: '3' });
  const days =
    Number(shown.status!.windowEndTime!.seconds - shown.status!.windowStartTime!.seconds) / 86_400;
  expect(Math.round(days)).toBe(7);

  const updated = await unary(
    operator(),
    admin.updateSpendingLimit,
    {
      limit: { id: limitId, value: '7', enforcement: Enforcement.OBSERVE },
      updateMask: { paths: ['value', 'enforcement'] },
      expectedRevision: 1n,
    },
    asAdmin(),
  );
  expect(updated.limit).toMatchObject({ value: '7', revision: 2n });
  expect(await spend('1')).toMatchObject({ decision: Decision.APPROVED });
  const ofAgent = { agentId: 'a' };
  const listed = await unary(operator(), admin.listSpendingLimits, ofAgent, asAdmin());
  expect(listed.limits.map(({ id }) => id)).toEqual(['week']);
  const elsewhere = { poolId: 'default' };
  const none = await unary(operator(), admin.listSpendingLimits, elsewhere, asAdmin());
  expect(none.limits).toEqual([]);
  await unary(operator(), admin.deleteSpendingLimit, { limitId }, asAdmin());
  const gone = await failing(
    operator(),
    admin.getSpendingLimit,
    { limitId, agentId: '' },
    asAdmin(),
  );
  expect(gone).toMatchObject({ code: 'NOT_FOUND', reason: 'LIMIT_NOT_FOUND' });
});

test('everything that is wrong with a limit is named at once', async () => {
  const request = {
    metric: 'Tokens!',
    window: LimitWindow.DAY,
    timeZone: 'Mars/Olympus',
    weekStart: Weekday.MONDAY,
    rollingDuration: { seconds: 60n },
    value: '-1',
  };
  const error = await failing(operator(), admin.createSpendingLimit, request, asAdmin());
  expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST' });
  expect(error.fields).toEqual([
    'scope',
    'metric',
    'week_start',
    'rolling_duration',
    'time_zone',
    'value',
  ]);
});

test('a monitor is made, judges, changed and taken away', async () => {
  const request = {
    monitorId: 'cap',
    scope: { case: 'everyAgent' as const, value: true },
    expression: 'amount <= 5 || category == "batch"',
    severity: Severity.HIGH,
    message: 'Only batches may cost more than 5',
  };
  const made = await unary(operator(), admin.createBudgetMonitor, request, asAdmin());
  const { monitorId, ...given } = request;
  expect(made.monitor).toMatchObject({ ...given, id: monitorId });
  expect(await spend('6')).toMatchObject({
    denial: {
      reason: DenialReason.MONITOR_REJECTED,
      ruleId: 'cap',
      message: 'Only batches may cost more than 5',
      limit: '',
      largestAmount: '0',
    },
  });
  await unary(
    operator(),
    admin.updateBudgetMonitor,
    {
      monitor: { id: 'cap', action: MonitorAction.REPORT },
      updateMask: { paths: ['action'] },
    },
    asAdmin(),
  );
  expect(await spend('6')).toMatchObject({ decision: Decision.APPROVED });
  const listed = await unary(operator(), admin.listBudgetMonitors, { agentId: 'a' }, asAdmin());
  expect(listed.monitors).toHaveLength(1);
  await unary(operator(), admin.deleteBudgetMonitor, { monitorId: 'cap' }, asAdmin());
  const after = await unary(operator(), admin.listBudgetMonitors, {}, asAdmin());
  expect(after.monitors).toEqual([]);
});

test('an expression that is none is named with its place', async () => {
  const error = await failing(
    operator(),
    admin.createBudgetMonitor,
    { scope: { case: 'agentId', value: 'a' }, expression: 'amount <= 0.5' },
    asAdmin(),
  );
  expect(error).toMatchObject({
    code: 'INVALID_ARGUMENT',
    reason: 'EXPRESSION_INVALID',
    metadata: { line: '1', column: '11', offset: '10' },
    fields: ['expression'],
  });
});
