import type { DescMethod, DescService, MessageInitShape } from '@bufbuild/protobuf';
import { create, fromBinary, toBinary, toJson } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import type { Client, Metadata, ServiceError } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { ErrorInfoSchema } from '../../../src/gen/google/rpc/error_details_pb.js';
import { StatusSchema } from '../../../src/gen/google/rpc/status_pb.js';
import { BudgetAdminService } from '../../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../../src/gen/safeguards/v1/budget_service_pb.js';
import { MetricsService } from '../../../src/gen/safeguards/v1/metrics_service_pb.js';
import { ViolationService } from '../../../src/gen/safeguards/v1/violation_service_pb.js';
import { PRINCIPALS, ledgerOfTwo, tokenOf } from '../support/principals.js';
import { connect, headers, pathOf } from '../support/grpc.js';
import { serve } from '../support/harness.js';
import { post } from '../support/http.js';

/** What an agent principal gets that asks for what is another's. */
type Foreign<D extends DescMethod> = readonly [
  request: MessageInitShape<D['input']>,
  reason: string,
];

/** Who may call a method: `v`iewer, `o`perator and `a`dmin, and agents where requests are given. */
interface Row<D extends DescMethod> {
  readonly roles: 'voa' | 'oa' | 'a';
  /** A request of an agent for its own. */
  readonly own?: MessageInitShape<D['input']>;
  readonly foreign?: Foreign<D>;
}

/** Every method has a row, or this does not compile. */
type Table<S extends DescService> = {
  readonly [K in keyof S['method']]: S['method'][K] extends DescMethod
    ? Row<S['method'][K]>
    : never;
};

const OWN = { agentId: 'team-a/one' };
const OTHER = [{ agentId: 'team-b/two' }, 'NOT_PERMITTED'] as const;
const HOLD = { reservationId: 'hold-of-one' };
const OTHER_HOLD = [{ reservationId: 'hold-of-two' }, 'RESERVATION_NOT_FOUND'] as const;
const OTHER_IDS: readonly [{ agentIds: string[] }, string] = [
  { agentIds: ['team-a/one', 'team-b/two'] },
  'NOT_PERMITTED',
];

const BUDGET: Table<typeof BudgetService> = {
  spend: { roles: 'oa', own: OWN, foreign: OTHER },
  // Their items are judged one by one: see cuts.test.ts.
  batchSpend: { roles: 'oa', own: { items: [OWN] } },
  spendStream: { roles: 'oa', own: { item: OWN } },
  reserve: { roles: 'oa', own: OWN, foreign: OTHER },
  commit: { roles: 'oa', own: HOLD, foreign: OTHER_HOLD },
  release: { roles: 'oa', own: HOLD, foreign: OTHER_HOLD },
  extendReservation: { roles: 'oa', own: HOLD, foreign: OTHER_HOLD },
  getReservation: { roles: 'voa', own: HOLD, foreign: OTHER_HOLD },
  listReservations: { roles: 'voa', own: OWN, foreign: OTHER },
  getBudget: { roles: 'voa', own: OWN, foreign: OTHER },
  batchGetBudgets: { roles: 'voa', own: { agentIds: ['team-a/one'] }, foreign: OTHER_IDS },
  watchBudgets: { roles: 'voa', own: { agentIds: ['team-a/one'] }, foreign: OTHER_IDS },
  getServiceLevel: { roles: 'voa', own: OWN, foreign: OTHER },
  requestEmergencyAllocation: { roles: 'oa', own: OWN, foreign: OTHER },
  getEmergencyRequest: {
    roles: 'voa',
    own: { emergencyRequestId: 'request-of-one' },
    foreign: [{ emergencyRequestId: 'request-of-two' }, 'EMERGENCY_REQUEST_NOT_FOUND'],
  },
};

const VIEW = { roles: 'voa' } as const;
const OPERATE = { roles: 'oa' } as const;
const ADMINISTER = { roles: 'a' } as const;

const BUDGET_ADMIN: Table<typeof BudgetAdminService> = {
  createPool: OPERATE,
  getPool: VIEW,
  listPools: VIEW,
  updatePool: OPERATE,
  fundPool: OPERATE,
  deletePool: OPERATE,
  freezePool: OPERATE,
  unfreezePool: OPERATE,
  createAgent: OPERATE,
  getAgent: VIEW,
  listAgents: VIEW,
  updateAgent: OPERATE,
  moveAgent: OPERATE,
  deleteAgent: OPERATE,
  freezeAgent: OPERATE,
  unfreezeAgent: OPERATE,
  setBudget: OPERATE,
  adjustBudget: OPERATE,
  transferBudget: OPERATE,
  refundSpend: OPERATE,
  allocateDynamic: OPERATE,
  allocateByPriority: OPERATE,
  rebalancePool: OPERATE,
  createSpendingLimit: OPERATE,
  getSpendingLimit: VIEW,
  listSpendingLimits: VIEW,
  updateSpendingLimit: OPERATE,
  deleteSpendingLimit: OPERATE,
  createBudgetMonitor: OPERATE,
  getBudgetMonitor: VIEW,
  listBudgetMonitors: VIEW,
  updateBudgetMonitor: OPERATE,
  deleteBudgetMonitor: OPERATE,
  setEmergencyPolicy: OPERATE,
  getEmergencyPolicy: VIEW,
  listEmergencyRequests: VIEW,
  approveEmergencyRequest: OPERATE,
  rejectEmergencyRequest: OPERATE,
  createBudgetAlert: OPERATE,
  getBudgetAlert: VIEW,
  listBudgetAlerts: VIEW,
  updateBudgetAlert: OPERATE,
  deleteBudgetAlert: OPERATE,
  setServiceLevels: OPERATE,
  getServiceLevels: VIEW,
  createSchedule: OPERATE,
  getSchedule: VIEW,
  listSchedules: VIEW,
  updateSchedule: OPERATE,
  deleteSchedule: OPERATE,
  runSchedule: OPERATE,
  listScheduleRuns: VIEW,
  createNotificationChannel: OPERATE,
  getNotificationChannel: VIEW,
  listNotificationChannels: VIEW,
  updateNotificationChannel: OPERATE,
  deleteNotificationChannel: OPERATE,
  testNotificationChannel: OPERATE,
  listDeliveries: VIEW,
  retryDelivery: OPERATE,
  getServerInfo: VIEW,
  verifyLedger: OPERATE,
  backup: ADMINISTER,
  applyConfiguration: ADMINISTER,
};

const METRICS: Table<typeof MetricsService> = {
  getAgentMetrics: { roles: 'voa', own: OWN, foreign: OTHER },
  listAgentMetrics: VIEW,
  getPoolMetrics: VIEW,
  listPoolMetrics: VIEW,
  getSystemMetrics: VIEW,
  getUsageHistory: { roles: 'voa', own: OWN, foreign: OTHER },
  listBudgetChanges: VIEW,
  recordBudgetChange: OPERATE,
  runBudgetReview: OPERATE,
  getBudgetReview: VIEW,
  listBudgetReviews: VIEW,
  exportLedger: VIEW,
};

const VIOLATION: Table<typeof ViolationService> = {
  reportViolation: { roles: 'oa', own: OWN, foreign: OTHER },
  getViolation: {
    roles: 'voa',
    own: { violationId: '1' },
    foreign: [{ violationId: '2' }, 'VIOLATION_NOT_FOUND'],
  },
  listViolations: { roles: 'voa', own: OWN, foreign: OTHER },
  resolveViolation: OPERATE,
  escalateViolation: OPERATE,
  getViolationStats: VIEW,
  watchViolations: { roles: 'voa', own: { agentIds: ['team-a/one'] }, foreign: OTHER_IDS },
};

const rows = [
  ...rowsOf(BudgetService, BUDGET),
  ...rowsOf(BudgetAdminService, BUDGET_ADMIN),
  ...rowsOf(MetricsService, METRICS),
  ...rowsOf(ViolationService, VIOLATION),
];

function rowsOf<S extends DescService>(service: S, table: Table<S>) {
  return service.methods.map((method) => {
    const row = table[method.localName as keyof Table<S>] as Row<DescMethod>;
    return [`${service.name}/${method.name}`, method, row] as const;
  });
}

/** The reason that a call over gRPC ends with, or its code; empty when it is let in and goes well. */
function overGrpc(client: Client, method: DescMethod, init: object, metadata: Metadata) {
  return new Promise<string>((resolve) => {
    const asIs = (bytes: Buffer): Buffer => bytes;
    const call = client.makeBidiStreamRequest(pathOf(method), asIs, asIs, metadata);
    call.on('error', (error: ServiceError) => resolve(reasonOf(error)));
    call.on('end', () => resolve(''));
    call.on('data', () => {
      if (method.methodKind === 'server_streaming') call.cancel();
    });
    call.end(
      Buffer.from(toBinary(method.input, create(method.input, init as Record<string, unknown>))),
    );
  });
}

function reasonOf(error: ServiceError): string {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  const [any] = bytes === undefined ? [] : fromBinary(StatusSchema, bytes as Buffer).details;
  const info = any && anyUnpack(any, ErrorInfoSchema);
  return info?.reason ?? (error.code === status.UNIMPLEMENTED ? 'UNIMPLEMENTED' : '');
}

/** The same over HTTP/1.1 and JSON, for methods of one request and one response. */
async function overJson(address: string, method: DescMethod, init: object, token: string) {
  const body = toJson(method.input, create(method.input, init as Record<string, unknown>));
  const authorization: Record<string, string> =
    token === '' ? {} : { authorization: `Bearer ${token}` };
  const { json } = await post(address, pathOf(method), body, authorization);
  const { code, details } = json as { code?: string; details?: { debug?: { reason?: string } }[] };
  const reason = details?.[0]?.debug?.reason ?? '';
  return code === 'unimplemented' ? 'UNIMPLEMENTED' : reason;
}

const UNDER_AGENTS = new Set(
  rows.filter(([, , row]) => row.own !== undefined).map(([name]) => name),
);

/** What keeps a call out: anything else is said by the method itself. */
const REFUSALS = ['UNIMPLEMENTED', 'CREDENTIALS_MISSING', 'CREDENTIALS_INVALID', 'NOT_PERMITTED'];

describe.each(['agent', 'admin'] as const)('on the %s listener', (trust) => {
  test.each(rows)('%s lets in whom it must and nobody else', async (name, method, row) => {
    const server = await serve({
      ledger: ledgerOfTwo(),
      asks: { agent: 'PRINCIPALS', admin: 'PRINCIPALS' },
      credentials: PRINCIPALS,
    });
    const isMounted = trust === 'admin' || UNDER_AGENTS.has(name);
    const client = connect(server[trust]);
    const ask = async (token: string, init: object): Promise<string> => {
      const metadata = headers(token === '' ? {} : { authorization: `Bearer ${token}` });
      const reason = await overGrpc(client, method, init, metadata);
      if (method.methodKind === 'unary') {
        expect(await overJson(server[trust], method, init, token)).toBe(reason);
      }
      return reason;
    };
    const refusal = async (token: string, init: object = row.own ?? {}) => {
      const reason = await ask(token, init);
      return REFUSALS.includes(reason) ? reason : 'LET_IN';
    };
    const unless = (expected: string) => (isMounted ? expected : 'UNIMPLEMENTED');

    expect(await refusal('')).toBe(unless('CREDENTIALS_MISSING'));
    expect(await refusal('nobody')).toBe(unless('CREDENTIALS_INVALID'));
    for (const role of ['viewer', 'operator', 'admin'] as const) {
      const may = row.roles.includes(role.charAt(0));
      expect([role, await refusal(tokenOf(role))]).toEqual([
        role,
        unless(may ? 'LET_IN' : 'NOT_PERMITTED'),
      ]);
    }
    const may = row.own === undefined ? 'NOT_PERMITTED' : 'LET_IN';
    expect(await refusal(tokenOf('agent'))).toBe(unless(may));
    if (row.foreign !== undefined) {
      const [request, reason] = row.foreign;
      expect(await ask(tokenOf('agent'), request)).toBe(unless(reason));
      // For nobody else is it another's.
      expect(await refusal(tokenOf('admin'), request)).toBe(unless('LET_IN'));
    }
  });
});
