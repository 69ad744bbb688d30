/** Whoever changes something leaves a name: in the entry, or in the log where there is none. */
import { create, toBinary } from '@bufbuild/protobuf';
import type { DescMethod } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { AlertCondition } from '../../../src/gen/safeguards/v1/alert_pb.js';
import { BudgetAdminService } from '../../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../../src/gen/safeguards/v1/budget_service_pb.js';
import { LimitWindow } from '../../../src/gen/safeguards/v1/limit_pb.js';
import { MetricsService } from '../../../src/gen/safeguards/v1/metrics_service_pb.js';
import { MonitorAction } from '../../../src/gen/safeguards/v1/monitor_pb.js';
import { Severity } from '../../../src/gen/safeguards/v1/severity_pb.js';
import { ViolationType } from '../../../src/gen/safeguards/v1/violation_pb.js';
import { ViolationService } from '../../../src/gen/safeguards/v1/violation_service_pb.js';
import { accessOf } from '../../../src/rpc/access/matrix.js';
import { connect, headers, pathOf } from '../support/grpc.js';
import { serve } from '../support/harness.js';
import { PRINCIPALS, ledgerOfTwo, tokenOf } from '../support/principals.js';

const agentId = 'team-a/one';
const poolId = 'pool-1';
const item = { requestId: 'r', agentId, amount: '1' };
const hold = { requestId: 'r', reservationId: 'hold-of-one' };
const scope = { case: 'agentId', value: agentId } as const;
const paths = ['name'];

/** A request that passes, by the method's name. */
const REQUESTS: Readonly<Record<string, object>> = {
  spend: item,
  batchSpend: { items: [item] },
  spendStream: { item },
  reserve: item,
  commit: { ...hold, amount: '1' },
  release: hold,
  extendReservation: { ...hold, ttl: { seconds: 60n } },
  requestEmergencyAllocation: { ...item, reason: 'why' },
  createPool: { poolId, name: 'p', initialBudget: '1' },
  updatePool: { pool: { id: poolId, name: 'p' }, updateMask: { paths } },
  fundPool: { poolId, delta: '1' },
  deletePool: { poolId },
  freezePool: { poolId },
  unfreezePool: { poolId },
  createAgent: { agentId, name: 'a', initialBudget: '1' },
  updateAgent: { agent: { id: agentId, name: 'a' }, updateMask: { paths } },
  moveAgent: { agentId, poolId },
  deleteAgent: { agentId },
  freezeAgent: { agentId },
  unfreezeAgent: { agentId },
  setBudget: { agentId, amount: '1' },
  adjustBudget: { agentId, delta: '1' },
  transferBudget: {
    source: { party: { case: 'agentId', value: agentId } },
    destination: { party: { case: 'poolId', value: poolId } },
    amount: '1',
  },
  refundSpend: { sequence: 1n, amount: '1' },
  allocateDynamic: { poolId, baseBudget: '1', usageMultiplier: '1' },
  allocateByPriority: { poolId, total: '1' },
  rebalancePool: { poolId, total: '1' },
  createSpendingLimit: {
    limitId: 'l',
    scope,
    metric: 'amount',
    window: LimitWindow.DAY,
    value: '1',
  },
  updateSpendingLimit: { limit: { id: 'l', name: 'l' }, updateMask: { paths } },
  deleteSpendingLimit: { limitId: 'l' },
  createBudgetMonitor: {
    monitorId: 'm',
    scope,
    expression: 'true',
    action: MonitorAction.DENY,
  },
  updateBudgetMonitor: { monitor: { id: 'm', name: 'm' }, updateMask: { paths } },
  deleteBudgetMonitor: { monitorId: 'm' },
  setEmergencyPolicy: { poolId, remove: true },
  approveEmergencyRequest: { emergencyRequestId: 'request-of-one' },
  rejectEmergencyRequest: { emergencyRequestId: 'request-of-one' },
  createBudgetAlert: {
    alertId: 'a',
    subject: scope,
    condition: AlertCondition.USED_AT_LEAST_AMOUNT,
    thresholds: [{ value: '1' }],
  },
  updateBudgetAlert: { alert: { id: 'a', message: 'm' }, updateMask: { paths: ['message'] } },
  deleteBudgetAlert: { alertId: 'a' },
  setServiceLevels: { scope, levels: [] },
  createSchedule: {
    scheduleId: 's',
    cron: '0 0 * * *',
    action: { case: 'reviewBudgets', value: { poolId } },
  },
  updateSchedule: { schedule: { id: 's', name: 's' }, updateMask: { paths } },
  deleteSchedule: { scheduleId: 's' },
  runSchedule: { scheduleId: 's' },
  createNotificationChannel: { channelId: 'c', target: { case: 'log', value: {} } },
  updateNotificationChannel: { channel: { id: 'c', name: 'c' }, updateMask: { paths } },
  deleteNotificationChannel: { channelId: 'c' },
  testNotificationChannel: { channelId: 'c' },
  retryDelivery: { deliveryId: '01a2251e-a056-73a4-807f-58c4168df663' },
  verifyLedger: {},
  backup: { name: 'b' },
  applyConfiguration: { document: '{}' },
  recordBudgetChange: { agentId, oldBudget: '1', newBudget: '2', reason: 'why' },
  runBudgetReview: { poolId },
  reportViolation: {
    requestId: 'r',
    agentId,
    type: ViolationType.CUSTOM,
    severity: Severity.LOW,
    message: 'm',
  },
  resolveViolation: { violationId: '1', note: 'n' },
  escalateViolation: { violationId: '1', severity: Severity.HIGH, note: 'n' },
};

const changing = [BudgetService, BudgetAdminService, MetricsService, ViolationService]
  .flatMap(({ methods }) => methods)
  .filter((method) => accessOf(method)?.least !== 'viewer')
  .map((method) => [method.name, method] as const);

test.each(changing)('%s', async (name, method) => {
  const request = REQUESTS[method.localName];
  expect(request, 'a request of this method').toBeDefined();
  const ledger = ledgerOfTwo();
  const server = await serve({ ledger, credentials: PRINCIPALS });
  await call(server.admin, method, request ?? {});
  const logged = server.lines
    .filter(({ fields }) => fields['audit'] === true && fields['method'] === name)
    .map(({ fields }) => fields['principal']);
  const names = [...ledger.callers.map(({ principal }) => principal), ...logged];
  expect(names).toEqual(['the-admin']);
});

/** Ends however it does: what counts is who is said to have asked. */
function call(address: string, method: DescMethod, init: object): Promise<void> {
  return new Promise((resolve) => {
    const asIs = (bytes: Buffer): Buffer => bytes;
    const metadata = headers({ authorization: `Bearer ${tokenOf('admin')}` });
    const stream = connect(address).makeBidiStreamRequest(pathOf(method), asIs, asIs, metadata);
    stream.on('error', () => resolve());
    stream.on('end', resolve);
    stream.resume();
    const message = create(method.input, init as Record<string, unknown>);
    stream.end(Buffer.from(toBinary(method.input, message)));
  });
}
