import { AgentState } from '../../gen/safeguards/v1/agent_pb.js';
import type {
  AgentMetrics,
  PoolMetrics,
  SystemMetrics,
} from '../../gen/safeguards/v1/metrics_pb.js';
import { MetricsService } from '../../gen/safeguards/v1/metrics_service_pb.js';
import { PoolState } from '../../gen/safeguards/v1/pool_pb.js';
import { nameIn, table, timeText } from '../show.js';
import { verb, type Verb } from '../verb.js';

const { method } = MetricsService;

/** How budgets are used. */
export const METRICS_VERBS: readonly Verb[] = [
  verb({
    words: 'metrics agent',
    summary: 'Show how an agent uses its budget',
    listener: 'agent',
    method: method.getAgentMetrics,
    positional: ['agent_id'],
    example: 'metrics agent writer',
    show: ({ metrics }) => (metrics ? agentText(metrics) : ''),
  }),
  verb({
    words: 'metrics agents',
    summary: 'List how agents use their budgets',
    listener: 'admin',
    method: method.listAgentMetrics,
    positional: [],
    example: 'metrics agents --pool research --only-high-usage',
    show: ({ metrics }) => agentsTable(metrics),
  }),
  verb({
    words: 'metrics pool',
    summary: 'Show how the money of a pool is used',
    listener: 'admin',
    method: method.getPoolMetrics,
    positional: ['pool_id'],
    example: 'metrics pool research',
    show: ({ metrics }) => (metrics ? poolText(metrics) : ''),
  }),
  verb({
    words: 'metrics pools',
    summary: 'List how the money of the pools is used',
    listener: 'admin',
    method: method.listPoolMetrics,
    positional: [],
    example: 'metrics pools --all',
    show: ({ metrics }) => poolsTable(metrics),
  }),
  verb({
    words: 'metrics system',
    summary: 'Count what is in the store and sum its money by unit',
    listener: 'admin',
    method: method.getSystemMetrics,
    positional: [],
    example: 'metrics system',
    show: ({ metrics }) => (metrics ? systemText(metrics) : ''),
  }),
];

/** What the guide's monitor_budget_usage prints, and below it what it does not know. */
function agentText(metrics: AgentMetrics): string {
  const { unit, reserved, spendCount, lastSpendTime, projectedExhaustionTime } = metrics;
  const { denialCount, lastDenialTime, serviceLevel } = metrics;
  const lines = [
    `Agent ${metrics.agentId} budget usage:`,
    `  Initial: ${metrics.initialBudget} ${unit}`,
    `  Used: ${metrics.usedBudget} (${twoDecimals(metrics.usagePercent)}%)`,
    ...(reserved === '0' ? [] : [`  Held: ${reserved}, which counts as used`]),
    `  Remaining: ${metrics.remainingBudget}`,
    `  Burn rate: ${burnText(metrics)}`,
    `  Spends: ${spendCount}${lastSpendTime ? `, the last at ${timeText(lastSpendTime)}` : ''}`,
    `  Denials: ${denialCount}${lastDenialTime ? `, the last at ${timeText(lastDenialTime)}` : ''}`,
    ...(projectedExhaustionTime ? [`  Exhausted by: ${timeText(projectedExhaustionTime)}`] : []),
    ...(serviceLevel ? [`  Service level: ${serviceLevel.name}`] : []),
    ...(metrics.highUsage ? ['  WARNING: Budget usage high (>80%)'] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function agentsTable(list: readonly AgentMetrics[]): string {
  return table(
    [
      ...['AGENT', 'POOL', 'INITIAL', 'USED', 'HELD', 'REMAINING', 'UNIT', 'USED %', 'PER HOUR'],
      ...['EXHAUSTED BY', 'STATE', 'WARNING'],
    ],
    list.map((metrics) => [
      metrics.agentId,
      metrics.poolId,
      metrics.initialBudget,
      metrics.usedBudget,
      metrics.reserved,
      metrics.remainingBudget,
      metrics.unit,
      twoDecimals(metrics.usagePercent),
      metrics.burnRateLastHour,
      timeText(metrics.projectedExhaustionTime),
      nameIn(AgentState, metrics.state),
      metrics.highUsage ? 'usage high (>80%)' : '',
    ]),
  );
}

function poolText(metrics: PoolMetrics): string {
  const { funded, usedBudget, reserved, assigned, unallocated, debt, minBalance } = metrics;
  const lines = [
    `Pool ${metrics.poolId} budget usage:`,
    `  Initial: ${metrics.initialBudget} ${metrics.unit}`,
    `  Funded: ${funded}`,
    `  Used: ${usedBudget}`,
    ...(reserved === '0' ? [] : [`  Held: ${reserved}`]),
    `  Remaining: ${metrics.remainingBudget} (${twoDecimals(metrics.remainingPercent)}%)`,
    `  Assigned: ${assigned} to ${metrics.agentCount} agent(s)`,
    `  Unallocated: ${unallocated}, debt ${debt}, kept ${minBalance}, free ${metrics.free}`,
    `  Burn rate: ${burnText(metrics)}`,
  ];
  return `${lines.join('\n')}\n`;
}

function poolsTable(list: readonly PoolMetrics[]): string {
  return table(
    [
      ...['POOL', 'FUNDED', 'USED', 'HELD', 'REMAINING', 'UNIT', 'LEFT %', 'FREE', 'AGENTS'],
      ...['PER HOUR', 'STATE'],
    ],
    list.map((metrics) => [
      metrics.poolId,
      metrics.funded,
      metrics.usedBudget,
      metrics.reserved,
      metrics.remainingBudget,
      metrics.unit,
      twoDecimals(metrics.remainingPercent),
      metrics.free,
      String(metrics.agentCount),
      metrics.burnRateLastHour,
      nameIn(PoolState, metrics.state),
    ]),
  );
}

function systemText(metrics: SystemMetrics): string {
  const { activeAgentCount, frozenAgentCount, closedAgentCount } = metrics;
  const counts = table(
    ['NAME', 'VALUE'],
    [
      ['pools', String(metrics.poolCount)],
      [
        'agents',
        `${activeAgentCount} active, ${frozenAgentCount} frozen, ${closedAgentCount} closed`,
      ],
      ['open reservations', String(metrics.openReservationCount)],
      ['spends in the last hour', String(metrics.spendCountLastHour)],
      ['spends in the last day', String(metrics.spendCountLastDay)],
      ['head', String(metrics.headSequence)],
      ['entries kept', String(metrics.entryCount)],
      ['store time', timeText(metrics.storeTime)],
      ['store size', `${metrics.storeSizeBytes} bytes`],
    ],
  );
  const units = table(
    ['UNIT', 'POOLS', 'FUNDED', 'SPENT', 'HELD', 'REMAINING', 'ASSIGNED', 'UNALLOCATED', 'DEBT'],
    metrics.units.map((sum) => [
      sum.unit,
      String(sum.poolCount),
      sum.funded,
      sum.spent,
      sum.reserved,
      sum.remaining,
      sum.assigned,
      sum.unallocated,
      sum.debt,
    ]),
  );
  return `${counts}\n${units}`;
}

function burnText({
  burnRateLastHour,
  burnRateLastDay,
}: {
  readonly burnRateLastHour: string;
  readonly burnRateLastDay: string;
}): string {
  return `${burnRateLastHour} per hour in the last hour, ${burnRateLastDay} in the last day`;
}

/** A percentage with two decimals at least, as the guide prints it; further ones are kept. */
function twoDecimals(percent: string): string {
  const [whole = '', decimals = ''] = percent.split('.');
  return `${whole}.${decimals.padEnd(2, '0')}`;
}
