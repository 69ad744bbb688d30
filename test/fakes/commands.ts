import type * as A from '../../src/domain/allocation/command.js';
import type * as C from '../../src/domain/command.js';
import type { ServiceLevel } from '../../src/domain/service-level.js';
import { money } from '../support/seed.js';

/** Well-formed commands with defaults, as the decoders would make them. */

let counter = 0;

/** A request_id that nobody used before. */
export function freshId(): string {
  counter += 1;
  return `request-${counter}`;
}

type Over<Command> = Partial<Omit<Command, 'method'>>;

const NOTHING = { category: '', quantities: [], unit: '', runId: '', metadata: [] } as const;

export function spend(
  agentId: string,
  amount: string,
  over: Over<C.SpendCommand> = {},
): C.SpendCommand {
  const requestId = freshId();
  const own = { agentId, amount: money(amount), requestId, mode: 'STRICT', dryRun: false } as const;
  return { method: 'SPEND', ...NOTHING, ...own, ...over };
}

export function reserve(
  agentId: string,
  amount: string,
  over: Over<C.ReserveCommand> = {},
): C.ReserveCommand {
  const requestId = freshId();
  const own = { agentId, amount: money(amount), requestId, mode: 'STRICT', dryRun: false } as const;
  return { method: 'RESERVE', ...NOTHING, ...own, ttlMs: 60_000, ...over };
}

export function commit(
  reservationId: string,
  amount: string | undefined,
  over: Over<C.CommitCommand> = {},
): C.CommitCommand {
  return {
    method: 'COMMIT',
    requestId: freshId(),
    reservationId,
    amount: amount === undefined ? undefined : money(amount),
    final: true,
    overage: 'SETTLE_ACTUAL',
    quantities: [],
    metadata: [],
    ...over,
  };
}

export function release(reservationId: string, requestId = freshId()): C.ReleaseCommand {
  return { method: 'RELEASE', requestId, reservationId };
}

export function extend(
  reservationId: string,
  ttlMs: number,
  requestId = freshId(),
): C.ExtendCommand {
  return { method: 'EXTEND', requestId, reservationId, ttlMs };
}

const ADMIN = { requestId: '', reason: '' } as const;

export function createPool(
  poolId: string,
  initialBudget: string,
  over: Over<C.CreatePoolCommand> = {},
): C.CreatePoolCommand {
  return {
    method: 'CREATE_POOL',
    ...ADMIN,
    poolId,
    name: poolId,
    initialBudget: money(initialBudget),
    priority: 5,
    unit: 'USD',
    scale: 6,
    minBalance: 0n,
    funding: 'FIXED',
    metadata: [],
    ...over,
  };
}

export function updatePool(
  poolId: string,
  patch: C.PoolPatch,
  over: Over<C.UpdatePoolCommand> = {},
): C.UpdatePoolCommand {
  return { method: 'UPDATE_POOL', ...ADMIN, poolId, patch, expectedRevision: undefined, ...over };
}

export function fundPool(
  poolId: string,
  delta: string,
  over: Over<C.FundPoolCommand> = {},
): C.FundPoolCommand {
  return {
    method: 'FUND_POOL',
    ...ADMIN,
    poolId,
    delta: money(delta),
    validateOnly: false,
    expectedRevision: undefined,
    ...over,
  };
}

export function poolState(
  method: C.PoolStateCommand['method'],
  poolId: string,
  over: Over<C.PoolStateCommand> = {},
): C.PoolStateCommand {
  return { method, ...ADMIN, poolId, expectedRevision: undefined, ...over };
}

export function createAgent(
  agentId: string,
  poolId: string,
  initialBudget: string,
  over: Over<C.CreateAgentCommand> = {},
): C.CreateAgentCommand {
  return {
    method: 'CREATE_AGENT',
    ...ADMIN,
    agentId,
    name: agentId,
    poolId,
    initialBudget: money(initialBudget),
    priority: 5,
    overdraftLimit: 0n,
    allowForce: true,
    parentId: '',
    metadata: [],
    ...over,
  };
}

export function updateAgent(
  agentId: string,
  patch: C.AgentPatch,
  over: Over<C.UpdateAgentCommand> = {},
): C.UpdateAgentCommand {
  return { method: 'UPDATE_AGENT', ...ADMIN, agentId, patch, expectedRevision: undefined, ...over };
}

export function moveAgent(
  agentId: string,
  poolId: string,
  over: Over<C.MoveAgentCommand> = {},
): C.MoveAgentCommand {
  return { method: 'MOVE_AGENT', ...ADMIN, agentId, poolId, expectedRevision: undefined, ...over };
}

export function deleteAgent(
  agentId: string,
  over: Over<C.DeleteAgentCommand> = {},
): C.DeleteAgentCommand {
  return {
    method: 'DELETE_AGENT',
    ...ADMIN,
    agentId,
    releaseReservations: false,
    expectedRevision: undefined,
    ...over,
  };
}

export function agentState(
  method: C.AgentStateCommand['method'],
  agentId: string,
  over: Over<C.AgentStateCommand> = {},
): C.AgentStateCommand {
  return { method, ...ADMIN, agentId, expectedRevision: undefined, ...over };
}

export function setBudget(
  agentId: string,
  amount: string,
  over: Over<C.SetBudgetCommand> = {},
): C.SetBudgetCommand {
  return {
    method: 'SET_BUDGET',
    ...ADMIN,
    agentId,
    amount: money(amount),
    resetBaseline: false,
    validateOnly: false,
    expectedRevision: undefined,
    ...over,
  };
}

export function adjustBudget(
  agentId: string,
  delta: string,
  over: Over<C.AdjustBudgetCommand> = {},
): C.AdjustBudgetCommand {
  return {
    method: 'ADJUST_BUDGET',
    ...ADMIN,
    agentId,
    delta: money(delta),
    validateOnly: false,
    expectedRevision: undefined,
    ...over,
  };
}

/** Parties are written `agent a` or `pool p`. */
export function transfer(
  source: string,
  destination: string,
  amount: string,
  over: Over<C.TransferCommand> = {},
): C.TransferCommand {
  return {
    method: 'TRANSFER',
    ...ADMIN,
    source: party(source),
    destination: party(destination),
    amount: money(amount),
    validateOnly: false,
    ...over,
  };
}

function party(text: string): C.TransferParty {
  const [kind = '', id = ''] = text.split(' ');
  return { kind: kind === 'pool' ? 'POOL' : 'AGENT', id };
}

export function refund(
  sequence: number,
  amount: string | undefined,
  over: Over<C.RefundCommand> = {},
): C.RefundCommand {
  return {
    method: 'REFUND',
    ...ADMIN,
    sequence,
    amount: amount === undefined ? undefined : money(amount),
    ...over,
  };
}

/** Of `agent ID`, `pool ID` or `everybody`; levels as `full=50 lean=10:a,b stop=0`, empty for none. */
export function setServiceLevels(
  scope: string,
  levels: string,
  over: Over<C.SetServiceLevelsCommand> = {},
): C.SetServiceLevelsCommand {
  return {
    method: 'SET_SERVICE_LEVELS',
    ...ADMIN,
    scope: levelScope(scope),
    levels: levelsFrom(levels),
    expectedRevision: undefined,
    ...over,
  };
}

export function levelScope(text: string): C.LevelScopeName {
  if (text === 'everybody') return { kind: 'EVERY_AGENT', id: '' };
  const [kind, id = ''] = text.split(' ');
  return { kind: kind === 'pool' ? 'EACH_AGENT_OF_POOL' : 'AGENT', id };
}

export function levelsFrom(text: string): readonly ServiceLevel[] {
  if (text === '') return [];
  return text.split(' ').map((word) => {
    const [name = '', rest = ''] = word.split('=');
    const [percent = '', features] = rest.split(':');
    return { name, minPercent: money(percent), features: features?.split(',') ?? [] };
  });
}

export function applyConfiguration(
  over: Over<C.ApplyConfigurationCommand>,
): C.ApplyConfigurationCommand {
  return {
    method: 'APPLY_CONFIGURATION',
    ...ADMIN,
    pools: [],
    agents: [],
    validateOnly: false,
    prune: false,
    ...over,
  };
}

const EVERY_AGENT = { agentIds: [], validateOnly: false, expectedRevision: undefined } as const;
const LAST_DAY = { windowMs: 86_400_000 } as const;

export function allocateDynamic(
  poolId: string,
  baseBudget: string,
  over: Over<A.AllocateDynamicCommand> = {},
): A.AllocateDynamicCommand {
  return {
    method: 'ALLOCATE_DYNAMIC',
    ...ADMIN,
    ...EVERY_AGENT,
    ...LAST_DAY,
    poolId,
    baseBudget: money(baseBudget),
    usageMultiplier: money('1.2'),
    maxBudget: undefined,
    statistic: 'MEAN_PER_ENTRY',
    ...over,
  };
}

export function allocateByPriority(
  poolId: string,
  total: string | undefined,
  over: Over<A.AllocateByPriorityCommand> = {},
): A.AllocateByPriorityCommand {
  return {
    method: 'ALLOCATE_BY_PRIORITY',
    ...ADMIN,
    ...EVERY_AGENT,
    poolId,
    total: total === undefined ? undefined : money(total),
    criticalPriority: 8,
    criticalMinimum: money('50'),
    shortage: 'REJECT',
    ...over,
  };
}

export function rebalancePool(
  poolId: string,
  total: string | undefined,
  over: Over<A.RebalancePoolCommand> = {},
): A.RebalancePoolCommand {
  return {
    method: 'REBALANCE_POOL',
    ...ADMIN,
    ...EVERY_AGENT,
    ...LAST_DAY,
    poolId,
    total: total === undefined ? undefined : money(total),
    priorityWeight: money('0.7'),
    usageWeight: money('0.3'),
    minPerAgent: 0n,
    normalization: 'SHARE',
    ...over,
  };
}
