import { formatAmount, percentOf } from '../../domain/amount.js';
import { assignedOf, freeOf, poolRemainingOf, remainingOf } from '../../domain/budget.js';
import { isHighUsage, usagePercentOf } from '../../domain/metrics.js';
import type {
  AgentMetricsView,
  PoolMetricsView,
  SystemMetricsView,
  UnitMetricsView,
} from '../../ledger/metrics-views.js';
import type {
  AgentMetrics,
  PoolMetrics,
  SystemMetrics,
  UnitMetrics,
} from '../../gen/safeguards/v1/metrics_pb.js';
import { AGENT_STATES } from './budget.js';
import { POOL_STATES } from './pool.js';
import { encodeServiceLevel } from './service-level.js';
import { timestampOf } from './time.js';

/** Prints how an agent uses its budget. */
export function encodeAgentMetrics(view: AgentMetricsView): AgentMetrics {
  const { agent, pool, exhaustionTime, lastDenialTime } = view;
  const remaining = remainingOf(agent);
  return {
    $typeName: 'safeguards.v1.AgentMetrics',
    agentId: agent.id,
    poolId: pool.id,
    unit: pool.unit,
    initialBudget: formatAmount(agent.initialBudget),
    allocated: formatAmount(agent.allocated),
    usedBudget: formatAmount(agent.spent),
    remainingBudget: formatAmount(remaining),
    reserved: formatAmount(agent.reserved),
    available: formatAmount(view.available),
    baseline: formatAmount(agent.baseline),
    usagePercent: usagePercentOf(agent),
    highUsage: isHighUsage(agent),
    spendCount: BigInt(agent.spendCount),
    burnRateLastHour: formatAmount(view.burnLastHour),
    burnRateLastDay: formatAmount(view.burnLastDay),
    projectedExhaustionTime: exhaustionTime === undefined ? undefined : timestampOf(exhaustionTime),
    lastSpendTime: agent.lastSpendTime === 0 ? undefined : timestampOf(agent.lastSpendTime),
    priority: agent.priority,
    state: AGENT_STATES[agent.state],
    denialCount: BigInt(view.denials),
    serviceLevel: encodeServiceLevel(view.level, percentOf(remaining, agent.baseline)),
    updateTime: timestampOf(agent.budgetTime),
    lastDenialTime: lastDenialTime === undefined ? undefined : timestampOf(lastDenialTime),
  };
}

/** Prints how a pool's money is used. */
export function encodePoolMetrics({
  pool,
  burnLastHour,
  burnLastDay,
}: PoolMetricsView): PoolMetrics {
  const remaining = poolRemainingOf(pool);
  return {
    $typeName: 'safeguards.v1.PoolMetrics',
    poolId: pool.id,
    unit: pool.unit,
    initialBudget: formatAmount(pool.initialBudget),
    funded: formatAmount(pool.funded),
    usedBudget: formatAmount(pool.spent),
    remainingBudget: formatAmount(remaining),
    assigned: formatAmount(assignedOf(pool)),
    unallocated: formatAmount(pool.unallocated),
    free: formatAmount(freeOf(pool)),
    debt: formatAmount(pool.debt),
    reserved: formatAmount(pool.reserved),
    minBalance: formatAmount(pool.minBalance),
    agentCount: pool.agentCount,
    baseline: formatAmount(pool.baseline),
    remainingPercent: percentOf(remaining, pool.baseline),
    burnRateLastHour: formatAmount(burnLastHour),
    burnRateLastDay: formatAmount(burnLastDay),
    priority: pool.priority,
    state: POOL_STATES[pool.state],
  };
}

/** Prints how everything in the store is used. */
export function encodeSystemMetrics(view: SystemMetricsView): SystemMetrics {
  return {
    $typeName: 'safeguards.v1.SystemMetrics',
    poolCount: BigInt(view.pools),
    activeAgentCount: BigInt(view.activeAgents),
    frozenAgentCount: BigInt(view.frozenAgents),
    closedAgentCount: BigInt(view.closedAgents),
    openReservationCount: BigInt(view.openReservations),
    units: view.units.map(encodeUnit),
    spendCountLastHour: BigInt(view.spendsLastHour),
    spendCountLastDay: BigInt(view.spendsLastDay),
    headSequence: BigInt(view.headSequence),
    entryCount: BigInt(view.entries),
    storeTime: timestampOf(view.time),
    storeSizeBytes: BigInt(view.sizeBytes),
  };
}

function encodeUnit(sum: UnitMetricsView): UnitMetrics {
  return {
    $typeName: 'safeguards.v1.UnitMetrics',
    unit: sum.unit,
    poolCount: BigInt(sum.pools),
    funded: formatAmount(sum.funded),
    spent: formatAmount(sum.spent),
    reserved: formatAmount(sum.reserved),
    remaining: formatAmount(sum.funded - sum.spent - sum.reserved),
    assigned: formatAmount(sum.assigned),
    unallocated: formatAmount(sum.unallocated),
    debt: formatAmount(sum.debt),
  };
}
