/** What every answer of an agent's mutation has beside its own fields, over the wire. */
import type { DescMessage, DescMethodUnary, MessageInitShape } from '@bufbuild/protobuf';
import type { Client } from '@grpc/grpc-js';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Budget } from '../../src/gen/safeguards/v1/budget_pb.js';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { MetricsService } from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import type { ServiceLevel } from '../../src/gen/safeguards/v1/service_level_pb.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { asAdmin, connect, unary } from './support/grpc.js';
import { serve } from './support/harness.js';

const { spend, reserve, commit, release, extendReservation, requestEmergencyAllocation } =
  BudgetService.method;
const { getServiceLevel } = BudgetService.method;

/** The mutations of one answer each: those of streams and batches answer item by item. */
const MUTATIONS = BudgetService.methods.filter(({ input }) =>
  input.fields.some(({ name }) => name === 'request_id'),
);

const COMMON = ['sequence', 'budget', 'service_level', 'warnings', 'replayed'];

test.each(MUTATIONS.map((method) => [method.name, method] as const))(
  'the answer of %s has what every answer has, under the same numbers',
  (_name, { output }) => {
    const numbers = COMMON.map(
      (name) => output.fields.find((field) => field.name === name)?.number,
    );
    expect(numbers).toEqual([1, 2, 3, 4, 5]);
  },
);

interface Common {
  readonly sequence: bigint;
  readonly budget?: Budget | undefined;
  readonly serviceLevel?: ServiceLevel | undefined;
  readonly replayed: boolean;
}

describe('of an agent of 100', () => {
  let agents: Client;
  let operators: Client;
  beforeEach(async () => {
    const memory = await MemoryLedger.open();
    const server = await serve({ ledger: memory.ledger });
    [agents, operators] = [connect(server.agent), connect(server.admin)];
    const admin = BudgetAdminService.method;
    const pool = { poolId: 'p', name: 'P', initialBudget: '1000' };
    await unary(operators, admin.createPool, pool, asAdmin());
    const agent = { agentId: 'a', poolId: 'p', name: 'A', initialBudget: '100', priority: 8 };
    await unary(operators, admin.createAgent, agent, asAdmin());
    await unary(operators, admin.setEmergencyPolicy, { policy: {} }, asAdmin());
  });

  /** What an answer and every read say of the level, which must be the same. */
  async function levelOf({ budget, serviceLevel }: Common): Promise<string | undefined> {
    expect(serviceLevel?.remainingPercent).toBe(budget?.remainingPercent);
    const read = await unary(agents, getServiceLevel, { agentId: 'a' });
    expect(read.serviceLevel).toEqual(serviceLevel);
    const { getAgentMetrics, listAgentMetrics } = MetricsService.method;
    const { metrics } = await unary(agents, getAgentMetrics, { agentId: 'a' });
    expect(metrics?.serviceLevel).toEqual(serviceLevel);
    const list = await unary(operators, listAgentMetrics, {}, asAdmin());
    expect(list.metrics.map((each) => each.serviceLevel)).toEqual([serviceLevel]);
    return serviceLevel?.name;
  }

  const call = <I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    more: MessageInitShape<I>,
    requestId: string,
  ) => unary(agents, method, { ...more, requestId });

  test('each mutation answers with the level that it comes to', async () => {
    const levels: (string | undefined)[] = [];
    const seen = async (answer: Common): Promise<void> => {
      expect(answer).toMatchObject({ warnings: [], replayed: false, budget: { agentId: 'a' } });
      expect(answer.sequence).toBeGreaterThan(0n);
      levels.push(await levelOf(answer));
    };
    await seen(await call(spend, { agentId: 'a', amount: '40' }, 'r-1'));
    const held = await call(reserve, { agentId: 'a', amount: '20' }, 'r-2');
    await seen(held);
    const reservationId = held.reservation?.id ?? '';
    await seen(await call(extendReservation, { reservationId, ttl: { seconds: 600n } }, 'r-3'));
    await seen(await call(commit, { reservationId, amount: '19', final: false }, 'r-4'));
    await seen(await call(release, { reservationId }, 'r-5'));
    await seen(await call(spend, { agentId: 'a', amount: '22' }, 'r-6'));
    const asked = { agentId: 'a', amount: '80', reason: 'the index is gone' };
    await seen(await call(requestEmergencyAllocation, asked, 'r-7'));
    expect(levels).toEqual([
      ...['full', 'standard', 'standard', 'standard', 'standard'],
      ...['minimal', 'full'],
    ]);
  });

  test('an emergency that is denied shows the level as it is, a repeated one as it was', async () => {
    await call(spend, { agentId: 'a', amount: '81' }, 'r-1');
    const asked = { agentId: 'a', amount: '60', reason: 'the index is gone' };
    const paid = await call(requestEmergencyAllocation, asked, 'r-2');
    expect(await levelOf(paid)).toBe('full');
    const denied = await call(requestEmergencyAllocation, { ...asked, amount: '99' }, 'r-3');
    expect(denied.serviceLevel?.name).toBe('full');
    await call(spend, { agentId: 'a', amount: '100' }, 'r-4');
    const again = await call(requestEmergencyAllocation, asked, 'r-2');
    expect(again).toMatchObject({ replayed: true, serviceLevel: paid.serviceLevel });
    const none = await call(requestEmergencyAllocation, { ...asked, amount: '99' }, 'r-5');
    expect(none).toMatchObject({ outcome: 3, sequence: 0n });
    expect(await levelOf(none)).toBe('minimal');
  });
});
