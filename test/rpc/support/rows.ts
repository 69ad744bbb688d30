import type { Outcome } from '../../../src/domain/answer.js';
import { parseSignedAmount } from '../../../src/domain/amount.js';
import type { Entry } from '../../../src/domain/entry.js';
import type { PlacedLevel } from '../../../src/domain/effective-levels.js';
import type { Agent, Pool, Reservation } from '../../../src/domain/model.js';
import { DEFAULT_THRESHOLDS } from '../../../src/domain/review.js';
import type {
  AgentMetricsView,
  BudgetChangeView,
  PoolMetricsView,
  ReviewView,
} from '../../../src/ledger/metrics-views.js';

/** An amount written as people do. */
export function amount(text: string): bigint {
  return parseSignedAmount(text)!;
}

/** A moment with milliseconds. */
export const T0 = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

export function pool(over: Partial<Pool> = {}): Pool {
  return {
    uid: 1,
    id: 'pool-1',
    name: 'Pool one',
    priority: 5,
    unit: 'USD',
    scale: 9,
    funding: 'FIXED',
    state: 'ACTIVE',
    minBalance: amount('5'),
    initialBudget: amount('1000'),
    funded: amount('1000'),
    spent: amount('30'),
    reserved: amount('10'),
    unallocated: amount('900'),
    debt: amount('2'),
    base: amount('1000'),
    baseline: amount('1000'),
    metadata: [['team', 'a']],
    revision: 3,
    createTime: T0,
    updateTime: T0 + 1,
    agentCount: 1,
    lastSequence: 7,
    usageHour: 0,
    usage: [],
    ...over,
  };
}

export function agent(over: Partial<Agent> = {}): Agent {
  return {
    uid: 7,
    id: 'agent-1',
    poolUid: 1,
    name: 'Agent one',
    priority: 8,
    state: 'ACTIVE',
    overdraftLimit: amount('5'),
    allowForce: true,
    parentId: '',
    initialBudget: amount('100'),
    metadata: [['owner', 'ada']],
    revision: 2,
    budgetRevision: 4,
    createTime: T0,
    updateTime: T0 + 1,
    budgetTime: T0 + 2,
    deleteTime: 0,
    openReservations: 1,
    quantityNames: ['tokens'],
    lastSequence: 9,
    usageHour: 0,
    usage: [],
    spendCount: 3,
    lastSpendTime: T0 - 1,
    serviceLevel: 'full',
    allocated: amount('100'),
    spent: amount('30.5'),
    reserved: amount('10'),
    base: amount('100'),
    baseline: amount('100'),
    ...over,
  };
}

/** The level that the agent above is at: 59.5 percent. */
export const FULL: PlacedLevel = {
  name: 'full',
  minPercent: amount('50'),
  features: ['high_quality', 'all_capabilities'],
  nextLower: { name: 'standard', minPercent: amount('20'), features: [] },
};

export function reservation(over: Partial<Reservation> = {}): Reservation {
  return {
    id: '019b0000-0000-7000-8000-000000000001',
    agentUid: 7,
    state: 'OPEN',
    amount: amount('10'),
    held: amount('10'),
    committed: 0n,
    category: 'llm',
    quantities: [{ name: 'tokens', amount: amount('1834') }],
    runId: 'run-1',
    metadata: [['model', 'm']],
    extensions: 1,
    createTime: T0,
    expireTime: T0 + 60_000,
    endTime: 0,
    settledLate: false,
    commits: 0,
    verbs: [],
    ...over,
  };
}

export function outcome(over: Partial<Outcome> = {}): Outcome {
  return {
    verdict: 'APPROVED',
    denial: undefined,
    sequence: 12,
    replayed: false,
    amount: amount('10'),
    secondAmount: 0n,
    warnings: [],
    late: false,
    agent: agent(),
    pool: pool(),
    reservation: undefined,
    otherAgent: undefined,
    otherPool: undefined,
    changes: [],
    allocations: [],
    object: undefined,
    serviceLevel: FULL,
    ...over,
  };
}

export function agentMetrics(over: Partial<AgentMetricsView> = {}): AgentMetricsView {
  return {
    agent: agent(),
    pool: pool(),
    available: amount('64.5'),
    burnLastHour: amount('2.5'),
    burnLastDay: amount('0.104166667'),
    exhaustionTime: T0 + 60_000,
    denials: 2,
    lastDenialTime: T0 - 2,
    level: FULL,
    ...over,
  };
}

export function poolMetrics(over: Partial<PoolMetricsView> = {}): PoolMetricsView {
  return { pool: pool(), burnLastHour: amount('3'), burnLastDay: amount('1'), ...over };
}

export function budgetChange(over: Partial<BudgetChangeView> = {}): BudgetChangeView {
  const entry: Entry = {
    sequence: 3,
    time: T0,
    kind: 'SPEND',
    previousHash: new Uint8Array(32),
    accounts: [],
    amount: amount('24.5'),
    changes: [],
    requestId: 'r',
    method: 'SPEND',
    principal: 'agent',
    reason: 'usage',
    reservationId: '',
    refundedSequence: 0,
    category: '',
    quantities: [],
    runId: '',
    traceId: '',
    metadata: [['team', 'a']],
  };
  return {
    entry,
    agentId: 'x',
    before: amount('100'),
    after: amount('75.5'),
    priority: 5,
    external: false,
    externalTime: undefined,
    ...over,
  };
}

export function reviewView(over: Partial<ReviewView> = {}): ReviewView {
  return {
    review: {
      sequence: 17,
      ordinal: 2,
      trigger: 'SCHEDULED',
      principal: 'sidecar',
      poolId: '',
      thresholds: DEFAULT_THRESHOLDS,
      startTime: T0,
      endTime: T0 + 1_500,
      counts: {
        agents: 12,
        pools: 3,
        found: { POOL_LOW: 1, AGENT_DEPLETED: 1, AGENT_UNDERUSED: 5 },
      },
      kept: 3,
    },
    findings: [
      {
        kind: 'POOL_LOW',
        agentId: '',
        poolId: 'P',
        unit: 'USD',
        remaining: amount('199'),
        baseline: amount('1000'),
      },
      {
        kind: 'AGENT_DEPLETED',
        agentId: 'X',
        poolId: 'P',
        unit: 'USD',
        remaining: amount('-0.00001'),
        baseline: amount('3'),
      },
      {
        kind: 'AGENT_UNDERUSED',
        agentId: 'Y',
        poolId: 'P',
        unit: 'USD',
        remaining: amount('91'),
        baseline: amount('100'),
      },
    ],
    ...over,
  };
}
