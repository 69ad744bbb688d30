import type { Call } from './served-ledger.js';

/** What is asked of the store that an eventful life leaves. */
export const READS: readonly Call[] = [
  ...['ada', 'bob', 'cyd', 'dan', 'eve', 'fay', 'gus', 'old', 'fleet-0000', 'fleet-1009'].map(
    (agentId) => ({ method: 'GetAgent', body: { agentId } }),
  ),
  ...['ada', 'cyd', 'fay'].flatMap((agentId) =>
    ['GetBudget', 'GetServiceLevel', 'GetAgentMetrics', 'ListReservations'].map((method) => {
      return { method, body: { agentId } };
    }),
  ),
  ...[2, 3, 4].map((granularity) => {
    return { method: 'GetUsageHistory', body: { agentId: 'ada', granularity, pageSize: 200 } };
  }),
  ...['hour', 'day', 'week', 'month', 'lifetime', 'rolling'].map((limitId) => {
    return { method: 'GetSpendingLimit', body: { limitId, agentId: 'ada' } };
  }),
  { method: 'ListBudgetChanges', body: { agentId: 'ada' } },
  { method: 'ListPools', body: {} },
  { method: 'ListAgents', body: { poolId: 'crew', showClosed: true } },
  { method: 'ListSpendingLimits', body: {} },
  { method: 'ListBudgetMonitors', body: {} },
  { method: 'ListBudgetAlerts', body: {} },
  { method: 'GetServiceLevels', body: { poolId: 'crew' } },
  { method: 'GetEmergencyPolicy', body: { poolId: 'rest' } },
  { method: 'GetEmergencyPolicy', body: {} },
  { method: 'ListEmergencyRequests', body: {} },
  { method: 'ListSchedules', body: {} },
  { method: 'ListScheduleRuns', body: { scheduleId: 'allowance', pageSize: 20 } },
  { method: 'ListScheduleRuns', body: { scheduleId: 'fleet' } },
  { method: 'ListNotificationChannels', body: {} },
  { method: 'ListDeliveries', body: { state: 2 } },
  { method: 'ListDeliveries', body: { state: 1, pageSize: 5 } },
  { method: 'ListBudgetReviews', body: {} },
  { method: 'GetPoolMetrics', body: { poolId: 'fleet' } },
  { method: 'GetViolationStats', body: {} },
  ...['ada', 'bob', 'cyd'].map((agentId) => ({ method: 'ListViolations', body: { agentId } })),
];
