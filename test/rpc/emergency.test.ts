/** Emergencies on the wire: what is read and what is answered. */
import { equals, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, DescMethodUnary, MessageShape } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { DEFAULT_TERMS, type EmergencyPolicy } from '../../src/domain/emergency/policy.js';
import {
  answerOf,
  EMERGENCY_RULES,
  EMERGENCY_STATES,
  type EmergencyRequest,
} from '../../src/domain/emergency/request.js';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import {
  ApproveEmergencyRequestResponseSchema,
  EmergencyPolicySchema,
  EmergencyRequestSchema,
  EmergencyRule,
  EmergencyState,
  RequestEmergencyAllocationResponseSchema,
} from '../../src/gen/safeguards/v1/emergency_pb.js';
import {
  encodeEmergencyAllocation,
  encodeEmergencyApproval,
  encodeEmergencyPolicy,
  encodeEmergencyRequest,
} from '../../src/rpc/encode/emergency.js';
import { fakeLedger } from './support/fake-ledger.js';
import { asAdmin, connect, failing, unary } from './support/grpc.js';
import { serve } from './support/harness.js';
import { T0, agent, amount, outcome, pool } from './support/rows.js';

const { requestEmergencyAllocation, getEmergencyRequest } = BudgetService.method;
const admin = BudgetAdminService.method;

const SECONDS = BigInt(Math.floor(T0 / 1000));

const REQUEST: EmergencyRequest = {
  number: 3,
  id: 'emergency-1',
  agentUid: 7,
  agentId: 'agent-1',
  poolUid: 1,
  poolId: 'pool-1',
  unit: 'USD',
  priority: 8,
  amount: amount('50'),
  reason: 'critical: x',
  state: 'PENDING_APPROVAL',
  rule: 'APPROVAL',
  approved: 0n,
  approvable: amount('50'),
  explanation: 'It waits.',
  retryTime: 0,
  sequence: 0,
  createTime: T0,
  expireTime: T0 + 1_000,
  endTime: 0,
  note: '',
};

const POLICY: EmergencyPolicy = {
  ...DEFAULT_TERMS,
  scope: { kind: 'POOL', uid: 1 },
  perDayMax: amount('100'),
  cooldownMs: 1_500,
  revision: 2,
  createTime: T0,
  updateTime: T0,
};

/** What arrives at a client. */
function sent<D extends DescMessage>(desc: D, message: MessageShape<D>): MessageShape<D> {
  const arrived = fromBinary(desc, toBinary(desc, message));
  expect(equals(desc, arrived, message)).toBe(true);
  return arrived;
}

describe('the numbers', () => {
  test.each([
    ['states', EMERGENCY_STATES, EmergencyState],
    ['rules', EMERGENCY_RULES, EmergencyRule],
  ])('of %s are those of the proto', (_name, numbers, proto) => {
    const { UNSPECIFIED, ...named } = Object.fromEntries(
      Object.entries(proto).filter(([, value]) => typeof value === 'number'),
    );
    expect(UNSPECIFIED).toBe(0);
    expect(numbers).toEqual(named);
  });
});

describe('a request', () => {
  test('reaches the ledger as a command and comes back as an answer', async () => {
    const request: EmergencyRequest = {
      ...REQUEST,
      state: 'PARTIALLY_APPROVED',
      rule: 'PER_DAY_MAX',
      approved: amount('25.5'),
      sequence: 9,
      endTime: T0,
      expireTime: 0,
    };
    const ledger = fakeLedger({
      execute: async (command, caller) => {
        ledger.commands.push(command);
        ledger.callers.push(caller);
        return outcome({ sequence: 9, emergency: answerOf(request) });
      },
    });
    const server = await serve({ ledger });
    const response = await unary(connect(server.agent), requestEmergencyAllocation, {
      requestId: 'r-1',
      agentId: 'agent-1',
      amount: '50.0',
      reason: 'critical: x',
    });
    expect(ledger.commands).toEqual([
      {
        method: 'REQUEST_EMERGENCY',
        requestId: 'r-1',
        agentId: 'agent-1',
        amount: amount('50'),
        reason: 'critical: x',
      },
    ]);
    expect(response).toMatchObject({
      sequence: 9n,
      replayed: false,
      outcome: 2,
      approvedAmount: '25.5',
      explanation: 'It waits.',
      emergencyRequestId: 'emergency-1',
      rule: EmergencyRule.PER_DAY_MAX,
      budget: { agentId: 'agent-1' },
    });
    expect([response.retryTime, response.expireTime]).toEqual([undefined, undefined]);
  });

  test('that is malformed names every field at once', async () => {
    const { agent: address } = await serve();
    const failure = await failing(connect(address), requestEmergencyAllocation, { amount: '0' });
    expect(failure).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: ['reason', 'request_id', 'agent_id', 'amount'],
    });
    const long = { requestId: 'r', agentId: 'a', amount: '1', reason: 'x'.repeat(513) };
    expect(await failing(connect(address), requestEmergencyAllocation, long)).toMatchObject({
      fields: ['reason'],
    });
  });

  test('that waits says until when, one that is denied when to come back', () => {
    const waits = encodeEmergencyAllocation(
      outcome({ agent: agent(), pool: pool(), emergency: answerOf(REQUEST) }),
    );
    expect(sent(RequestEmergencyAllocationResponseSchema, waits)).toMatchObject({
      outcome: 4,
      approvedAmount: '0',
      expireTime: { seconds: SECONDS + 1n },
    });
    const denied = { ...REQUEST, state: 'DENIED', retryTime: T0, expireTime: 0 } as const;
    const answer = encodeEmergencyAllocation(outcome({ emergency: answerOf(denied) }));
    const arrived = sent(RequestEmergencyAllocationResponseSchema, answer);
    expect(arrived).toMatchObject({ outcome: 3, retryTime: { seconds: SECONDS } });
    expect(arrived.expireTime).toBeUndefined();
  });

  test('is shown with what an operator may approve', () => {
    const arrived = sent(EmergencyRequestSchema, encodeEmergencyRequest(REQUEST));
    expect(arrived.endTime).toBeUndefined();
    expect(arrived).toMatchObject({
      id: 'emergency-1',
      agentId: 'agent-1',
      poolId: 'pool-1',
      unit: 'USD',
      priority: 8,
      amount: '50',
      reason: 'critical: x',
      state: EmergencyState.PENDING_APPROVAL,
      rule: EmergencyRule.APPROVAL,
      approvedAmount: '0',
      approvableAmount: '50',
      explanation: 'It waits.',
      sequence: 0n,
      createTime: { seconds: SECONDS },
      expireTime: { seconds: SECONDS + 1n },
      operatorReason: '',
    });
  });

  test('that nobody made is not found', async () => {
    const { agent: address } = await serve();
    const failure = await failing(connect(address), getEmergencyRequest, {
      emergencyRequestId: 'nothing',
    });
    expect(failure).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'EMERGENCY_REQUEST_NOT_FOUND',
      metadata: { emergency_request_id: 'nothing' },
    });
  });
});

describe('a policy', () => {
  async function commandOf(request: object): Promise<unknown> {
    const ledger = fakeLedger();
    const server = await serve({ ledger });
    await unary(connect(server.admin), admin.setEmergencyPolicy, request, asAdmin());
    return ledger.commands[0];
  }

  const NOTHING = { requestId: '', reason: '', poolId: '', expectedRevision: undefined };

  test('has the guide’s defaults where nothing is said', async () => {
    const expected = { ...NOTHING, method: 'SET_EMERGENCY_POLICY', terms: DEFAULT_TERMS };
    expect(await commandOf({})).toEqual(expected);
    expect(await commandOf({ policy: {} })).toEqual(expected);
  });

  test('is read field by field', async () => {
    const command = await commandOf({
      requestId: 'op',
      poolId: 'pool-1',
      reason: 'holidays',
      expectedRevision: 3n,
      policy: {
        enabled: false,
        priorityThreshold: 11,
        criticalShare: '0',
        perDayMax: '0',
        perRequestMax: '10',
        cooldown: { seconds: 60n },
        approvalAbove: '0',
        approvalTtl: { seconds: 3_600n },
        mint: true,
      },
    });
    expect(command).toEqual({
      method: 'SET_EMERGENCY_POLICY',
      requestId: 'op',
      poolId: 'pool-1',
      reason: 'holidays',
      expectedRevision: 3,
      terms: {
        enabled: false,
        priorityThreshold: 11,
        criticalShare: 0n,
        perDayMax: 0n,
        perRequestMax: amount('10'),
        cooldownMs: 60_000,
        approvalAbove: 0n,
        approvalTtlMs: 3_600_000,
        mint: true,
      },
    });
  });

  test('is taken away', async () => {
    expect(await commandOf({ remove: true })).toMatchObject({ terms: undefined });
  });

  test.each([
    [{ priorityThreshold: 0 }, 'policy.priority_threshold'],
    [{ priorityThreshold: 12 }, 'policy.priority_threshold'],
    [{ criticalShare: '1.000000000001' }, 'policy.critical_share'],
    [{ criticalShare: '-0.5' }, 'policy.critical_share'],
    [{ criticalShare: '50%' }, 'policy.critical_share'],
    [{ perDayMax: '-1' }, 'policy.per_day_max'],
    [{ perRequestMax: '1e3' }, 'policy.per_request_max'],
    [{ approvalAbove: ' 1' }, 'policy.approval_above'],
    [{ cooldown: { seconds: -1n } }, 'policy.cooldown'],
    [{ cooldown: { seconds: 2_592_001n } }, 'policy.cooldown'],
    [{ approvalTtl: { seconds: 59n } }, 'policy.approval_ttl'],
  ])('with %o is refused', async (policy, field) => {
    const { admin: address } = await serve();
    const request = { policy };
    expect(
      await failing(connect(address), admin.setEmergencyPolicy, request, asAdmin()),
    ).toMatchObject({ reason: 'INVALID_REQUEST', fields: [field] });
  });

  test('is not set and taken away at once', async () => {
    const { admin: address } = await serve();
    const both = { policy: {}, remove: true };
    const failure = await failing(connect(address), admin.setEmergencyPolicy, both, asAdmin());
    expect(failure.fields).toEqual(['policy']);
  });

  test('is shown whole', () => {
    expect(sent(EmergencyPolicySchema, encodeEmergencyPolicy(POLICY, 'pool-1'))).toMatchObject({
      poolId: 'pool-1',
      enabled: true,
      priorityThreshold: 7,
      criticalShare: '0.5',
      perDayMax: '100',
      perRequestMax: '',
      cooldown: { seconds: 1n, nanos: 500_000_000 },
      approvalAbove: '',
      approvalTtl: { seconds: 86_400n },
      mint: false,
      revision: 2n,
      createTime: { seconds: SECONDS },
    });
  });
});

describe('an approval', () => {
  test('that is denied shows the request as it still is', () => {
    const denied = {
      ...answerOf(REQUEST),
      outcome: 'DENIED',
      rule: 'POOL_MONEY',
      explanation: 'Denied 50 USD: no money.',
    } as const;
    const response = encodeEmergencyApproval(
      outcome({ sequence: 0, agent: undefined, pool: undefined, emergency: denied }),
    );
    const arrived = sent(ApproveEmergencyRequestResponseSchema, response);
    expect(arrived.budget).toBeUndefined();
    expect(arrived).toMatchObject({
      sequence: 0n,
      outcome: 3,
      rule: EmergencyRule.POOL_MONEY,
      explanation: 'Denied 50 USD: no money.',
      emergencyRequest: { state: EmergencyState.PENDING_APPROVAL, explanation: 'It waits.' },
    });
  });

  test.each([
    ['approveEmergencyRequest', { amount: '0' }, ['emergency_request_id', 'amount']],
    ['rejectEmergencyRequest', {}, ['emergency_request_id']],
    [
      'listEmergencyRequests',
      { agentId: '?', poolId: '?', state: 7, pageSize: -1 },
      ['agent_id', 'pool_id', 'state', 'page_size'],
    ],
    ['getEmergencyPolicy', { poolId: '?' }, ['pool_id']],
  ] as const)('or a reading that is malformed is refused: %s', async (name, request, fields) => {
    const { admin: address } = await serve();
    const method: DescMethodUnary = admin[name];
    const failure = await failing(connect(address), method, request, asAdmin());
    expect(failure).toMatchObject({ reason: 'INVALID_REQUEST', fields });
  });
});
