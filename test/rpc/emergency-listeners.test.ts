/** Which listener has what of emergencies, and one from end to end. */
import type { DescMessage, DescMethodUnary, MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { EmergencyRule, EmergencyState } from '../../src/gen/safeguards/v1/emergency_pb.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { asAdmin, connect, failing, unary } from './support/grpc.js';
import { serve } from './support/harness.js';

const { requestEmergencyAllocation, getEmergencyRequest, getBudget } = BudgetService.method;
const admin = BudgetAdminService.method;

describe('the listeners', () => {
  const ofAgents = ['RequestEmergencyAllocation', 'GetEmergencyRequest'];
  const ofOperators = [
    'SetEmergencyPolicy',
    'GetEmergencyPolicy',
    'ListEmergencyRequests',
    'ApproveEmergencyRequest',
    'RejectEmergencyRequest',
  ];

  test('of agents have exactly asking and reading', async () => {
    const emergency = ({ name }: { readonly name: string }) => name.includes('Emergency');
    const names = (service: typeof BudgetService | typeof BudgetAdminService) =>
      service.methods.filter(emergency).map(({ name }) => name);
    expect(names(BudgetService)).toEqual(ofAgents);
    expect(names(BudgetAdminService)).toEqual(ofOperators);
    const { agent: address } = await serve();
    for (const method of BudgetAdminService.methods.filter(emergency)) {
      const failure = await failing(connect(address), method as DescMethodUnary, {}, asAdmin());
      expect([method.name, failure.code]).toEqual([method.name, 'UNIMPLEMENTED']);
    }
  });

  test('carry an emergency from end to end', async () => {
    const memory = await MemoryLedger.open();
    const server = await serve({ ledger: memory.ledger });
    const [agents, operators] = [connect(server.agent), connect(server.admin)];
    const operator = <I extends DescMessage, O extends DescMessage>(
      method: DescMethodUnary<I, O>,
      request: MessageInitShape<I>,
    ) => unary(operators, method, request, asAdmin());
    await operator(admin.createPool, { poolId: 'p', name: 'P', initialBudget: '1000' });
    const writer = { agentId: 'a', poolId: 'p', name: 'A', initialBudget: '100', priority: 8 };
    await operator(admin.createAgent, writer);

    const asking = { agentId: 'a', amount: '50', reason: 'the index is gone' };
    const ask = (requestId: string) =>
      unary(agents, requestEmergencyAllocation, { ...asking, requestId });
    expect(await ask('r-1')).toMatchObject({ outcome: 3, rule: EmergencyRule.OFF });
    expect((await operator(admin.getEmergencyPolicy, {})).policy).toBeUndefined();
    const policy = { approvalAbove: '40' };
    expect(await operator(admin.setEmergencyPolicy, { poolId: 'p', policy })).toMatchObject({
      policy: { poolId: 'p', revision: 1n, approvalAbove: '40' },
    });
    expect(await operator(admin.getEmergencyPolicy, { poolId: 'p' })).toMatchObject({
      policy: { poolId: 'p', priorityThreshold: 7 },
    });

    const waits = await ask('r-1');
    expect(waits).toMatchObject({ outcome: 4, approvedAmount: '0', replayed: false });
    const state = EmergencyState.PENDING_APPROVAL;
    const list = await operator(admin.listEmergencyRequests, { state });
    expect(list.emergencyRequests).toMatchObject([{ id: waits.emergencyRequestId }]);
    const { emergencyRequestId } = waits;
    expect(
      await operator(admin.approveEmergencyRequest, { emergencyRequestId, amount: '20' }),
    ).toMatchObject({
      outcome: 2,
      approvedAmount: '20',
      budget: { remaining: '120' },
      emergencyRequest: { state: EmergencyState.PARTIALLY_APPROVED },
    });
    expect(await unary(agents, getEmergencyRequest, { emergencyRequestId })).toMatchObject({
      emergencyRequest: { approvedAmount: '20', approvableAmount: '50' },
    });
    expect(await unary(agents, getBudget, { agentId: 'a' })).toMatchObject({
      budget: { allocated: '120', baseline: '120' },
    });
    expect(
      await failing(operators, admin.rejectEmergencyRequest, { emergencyRequestId }, asAdmin()),
    ).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'EMERGENCY_REQUEST_NOT_PENDING',
      metadata: { emergency_request_id: emergencyRequestId, state: 'PARTIALLY_APPROVED' },
    });
  });
});
