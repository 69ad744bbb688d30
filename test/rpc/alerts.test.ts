/** Budget alerts through the wire, on a real ledger. */
import type { Client } from '@grpc/grpc-js';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { AlertCondition } from '../../src/gen/safeguards/v1/alert_pb.js';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { Severity } from '../../src/gen/safeguards/v1/severity_pb.js';
import { adjustBudget, createAgent, createPool, spend } from '../fakes/commands.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { asAdmin, connect, failing, unary } from './support/grpc.js';
import { serve, type Harness } from './support/harness.js';

const {
  createBudgetAlert,
  getBudgetAlert,
  listBudgetAlerts,
  updateBudgetAlert,
  deleteBudgetAlert,
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

test('an alert is made, read, listed, changed and deleted', async () => {
  const request = {
    requestId: 'r-1',
    alertId: 'low',
    subject: { case: 'eachAgentOfPoolId', value: 'p' } as const,
    condition: AlertCondition.USED_AT_LEAST_PERCENT,
    thresholds: [{ value: '90', severity: Severity.CRITICAL }, { value: '75' }],
    rearmMargin: '2.50',
    message: 'look',
    reason: 'monday',
  };
  const made = await unary(operator, createBudgetAlert, request, asAdmin());
  expect(made).toMatchObject({
    sequence: BigInt(memory.head),
    replayed: false,
    alert: {
      id: 'low',
      subject: { case: 'eachAgentOfPoolId', value: 'p' },
      condition: AlertCondition.USED_AT_LEAST_PERCENT,
      thresholds: [
        { value: '75', severity: Severity.MEDIUM },
        { value: '90', severity: Severity.CRITICAL },
      ],
      rearmMargin: '2.5',
      message: 'look',
      revision: 1n,
    },
  });
  const again = await unary(operator, createBudgetAlert, request, asAdmin());
  expect(again).toEqual({ ...made, replayed: true });
  const { alert } = await unary(operator, getBudgetAlert, { alertId: 'low' }, asAdmin());
  expect(alert).toEqual(made.alert);

  const second = { subject: { case: 'everyAgent', value: true } as const };
  const { alert: guide } = await unary(operator, createBudgetAlert, second, asAdmin());
  expect(guide).toMatchObject({
    subject: { case: 'everyAgent', value: true },
    condition: AlertCondition.REMAINING_AT_MOST_PERCENT,
    thresholds: [{ value: '15', severity: Severity.MEDIUM }],
    rearmMargin: '5',
  });
  const page = { pageSize: 1, agentId: 'a' };
  const first = await unary(operator, listBudgetAlerts, page, asAdmin());
  const next = { ...page, pageToken: first.nextPageToken };
  const rest = await unary(operator, listBudgetAlerts, next, asAdmin());
  expect([...first.alerts, ...rest.alerts]).toEqual([guide, alert]);
  expect(rest.nextPageToken).toBe('');

  const change = {
    alert: {
      id: 'low',
      condition: AlertCondition.EXHAUSTION_WITHIN,
      thresholds: [{ value: '7200s' }],
    },
    updateMask: { paths: ['condition', 'thresholds'] },
    expectedRevision: 1n,
  };
  const changed = await unary(operator, updateBudgetAlert, change, asAdmin());
  expect(changed.alert).toMatchObject({ revision: 2n, thresholds: [{ value: '7200s' }] });
  const gone = await unary(operator, deleteBudgetAlert, { alertId: 'low' }, asAdmin());
  expect(gone).toMatchObject({ sequence: BigInt(memory.head), replayed: false });
  const missing = await failing(operator, getBudgetAlert, { alertId: 'low' }, asAdmin());
  expect(missing).toMatchObject({ code: 'NOT_FOUND', reason: 'ALERT_NOT_FOUND' });
  const replay = await unary(operator, createBudgetAlert, request, asAdmin());
  expect(replay).toMatchObject({ replayed: true, sequence: made.sequence });
  expect(replay.alert).toBeUndefined();
});

test('what is wrong has its reason and code', async () => {
  const everyAgent = { case: 'everyAgent', value: true } as const;
  await unary(operator, createBudgetAlert, { alertId: 'x', subject: everyAgent }, asAdmin());
  const create = (over: object) =>
    failing(operator, createBudgetAlert, { subject: everyAgent, ...over }, asAdmin());
  expect(await create({ alertId: 'x' })).toMatchObject({
    code: 'ALREADY_EXISTS',
    reason: 'ALERT_ALREADY_EXISTS',
  });
  expect(await create({ subject: { case: 'agentId', value: 'no' } })).toMatchObject({
    code: 'NOT_FOUND',
    reason: 'AGENT_NOT_FOUND',
  });
  const limit = {
    subject: { case: 'limitId', value: 'l' },
    condition: 2,
    thresholds: [{ value: '9' }],
  };
  expect(await create(limit)).toMatchObject({ code: 'NOT_FOUND', reason: 'LIMIT_NOT_FOUND' });
  expect(await create({ thresholds: [{ value: '99' }] })).toMatchObject({
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_REQUEST',
  });
  const stale = { alertId: 'x', expectedRevision: 5n };
  expect(await failing(operator, deleteBudgetAlert, stale, asAdmin())).toMatchObject({
    code: 'ABORTED',
    reason: 'REVISION_STALE',
  });
});

test('an agent cannot reach alerts', async () => {
  const agent = connect(harness.agent);
  const failure = await failing(agent, getBudgetAlert, { alertId: 'x' });
  expect(failure.code).toBe('UNIMPLEMENTED');
});

test('an alert on levels is shown as it was asked for, and is still there after a restart', async () => {
  const request = {
    alertId: 'x',
    subject: { case: 'agentId', value: 'a' } as const,
    condition: AlertCondition.SERVICE_LEVEL_AT_OR_BELOW,
    thresholds: [{ value: 'minimal', severity: Severity.HIGH }],
  };
  const { alert } = await unary(operator, createBudgetAlert, request, asAdmin());
  expect(alert).toMatchObject({
    condition: request.condition,
    thresholds: [{ value: 'minimal', severity: Severity.HIGH }],
    rearmMargin: '0',
  });
  await memory.must(spend('a', '81'));
  memory = await memory.restart();
  await memory.must(adjustBudget('a', '1'));
  await memory.must(adjustBudget('a', '2'));
  const events = [...memory.store.rows('violation_events', {})];
  expect(events.map(([, { kind, violation }]) => `${kind} ${violation.severity}`)).toEqual([
    'OPENED HIGH',
    'RECOVERED HIGH',
  ]);
});

test('a spend that passes the threshold opens the violation', async () => {
  const everyAgent = { case: 'everyAgent', value: true } as const;
  await unary(operator, createBudgetAlert, { alertId: 'x', subject: everyAgent }, asAdmin());
  await memory.must(spend('a', '85'));
  const events = [...memory.store.rows('violation_events', {})];
  expect(events.map(([, { violation }]) => violation.message)).toEqual([
    'Agent budget below 15% threshold',
  ]);
});
