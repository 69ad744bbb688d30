import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { AlertCondition } from '../../src/gen/safeguards/v1/alert_pb.js';
import type { Connection } from './client.js';
import { BRIEF, POOR, RICH } from './writer.js';

const admin = BudgetAdminService.method;

/** An agent whose spends are measured. */
export const PROBE = 'probe';
/** The schedule that gives POOR its money back every hour. */
export const REFILL = 'refill';

const MUCH = '1000000000';

/** Makes the agents, their pools, and what the sidecar does by itself: schedules and alerts. */
export async function makeSubjects(operator: Connection): Promise<void> {
  const pools = ['north', 'south'];
  for (const poolId of pools) {
    const request = { poolId, name: poolId, initialBudget: '10000000000' };
    await operator.call(admin.createPool, request);
  }
  for (const [at, agentId] of [...RICH, BRIEF, PROBE, POOR].entries()) {
    const initialBudget = agentId === POOR ? '100' : MUCH;
    const poolId = pools[at % pools.length]!;
    await operator.call(admin.createAgent, { agentId, name: agentId, poolId, initialBudget });
  }
  const subject = { case: 'agentId', value: POOR } as const;
  await operator.call(admin.createSchedule, {
    scheduleId: REFILL,
    name: REFILL,
    interval: { seconds: 3_600n },
    action: { case: 'setBudget', value: { subject, amount: '100' } },
  });
  await operator.call(admin.createSchedule, {
    scheduleId: 'reviews',
    name: 'reviews',
    interval: { seconds: 6n * 3_600n },
    action: { case: 'reviewBudgets', value: {} },
  });
  const everyAgent = { case: 'everyAgent', value: true } as const;
  await operator.call(admin.createBudgetAlert, { alertId: 'low', subject: everyAgent });
  await operator.call(admin.createBudgetAlert, {
    alertId: 'soon',
    subject: everyAgent,
    condition: AlertCondition.EXHAUSTION_WITHIN,
    thresholds: [{ value: '3600s' }],
  });
}
