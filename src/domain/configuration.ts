import {
  rejectFields,
  type ConfigurationChange,
  type FieldViolation,
  type Rejection,
} from './answer.js';
import type {
  AgentDocument,
  AgentPatch,
  ApplyConfigurationCommand,
  PoolDocument,
  PoolPatch,
} from './command.js';
import { rulePruning, ruleSteps } from './configuration-rules.js';
import { changesOf } from './decide/changes.js';
import type { SingleCommand } from './decide/decide.js';
import { textOfLevels } from './decide/service-levels.js';
import type { Agent, Pool } from './model.js';
import { serviceLevelsKey } from './service-level.js';
import { DEFAULT_POOL_ID, type State } from './state.js';

/** One step towards the document, and how it is shown. */
export interface ConfigurationStep {
  readonly command: SingleCommand;
  readonly change: ConfigurationChange;
  /** Of a rule: where it stands in the document. Whether the step changes it is seen when it is made. */
  readonly path?: string;
}

/** What a priority, unit, scale and overdraft are when a document leaves them out. */
const NEW_OBJECT = { priority: 5, unit: 'USD', scale: 9, allowForce: true } as const;

/**
 * The steps that bring pools, agents and rules to what a document describes: pools first, then agents,
 * then rules, then with prune what it does not name. A pool or agent that is as described takes no step.
 */
export function planConfiguration(
  state: State,
  command: ApplyConfigurationCommand,
): readonly ConfigurationStep[] | Rejection {
  const violations: FieldViolation[] = [];
  const steps: ConfigurationStep[] = [];
  command.pools.forEach((pool, index) => {
    steps.push(...poolSteps(state, pool, command, `pools[${index}]`, violations));
    steps.push(...levelSteps(state, 'pool', pool, command));
  });
  command.agents.forEach((agent, index) => {
    steps.push(...agentSteps(state, agent, command, `agents[${index}]`, violations));
    steps.push(...levelSteps(state, 'agent', agent, command));
  });
  steps.push(...ruleSteps(state, command, violations));
  if (violations.length > 0) return rejectFields(violations);
  if (!command.prune) return steps;
  return [...steps, ...rulePruning(state, command), ...pruneSteps(state, command)];
}

const POOL_FIELDS = [
  ['name', 'name'],
  ['priority', 'priority'],
  ['min_balance', 'minBalance'],
  ['funding', 'funding'],
  ['metadata', 'metadata'],
] as const satisfies readonly (readonly [string, keyof PoolPatch])[];

function poolSteps(
  state: State,
  document: PoolDocument,
  command: ApplyConfigurationCommand,
  path: string,
  violations: FieldViolation[],
): readonly ConfigurationStep[] {
  const pool = state.poolById(document.id);
  const common = { requestId: '', reason: command.reason, poolId: document.id };
  if (pool !== undefined) {
    violations.push(...immutableViolations(pool, document, path));
    const patch = pick(document, POOL_FIELDS);
    const fields = changesOf<PoolPatch>(pool, patch, POOL_FIELDS).map(({ field }) => field);
    if (fields.length === 0) return [];
    return [
      {
        command: { method: 'UPDATE_POOL', ...common, patch, expectedRevision: undefined },
        change: { action: 'UPDATE', objectKind: 'pool', objectId: document.id, fields },
      },
    ];
  }
  return [
    {
      command: {
        method: 'CREATE_POOL',
        ...common,
        name: document.name ?? document.id,
        initialBudget: document.initialBudget ?? 0n,
        priority: document.priority ?? NEW_OBJECT.priority,
        unit: document.unit ?? NEW_OBJECT.unit,
        scale: document.scale ?? NEW_OBJECT.scale,
        minBalance: document.minBalance ?? 0n,
        funding: document.funding ?? 'FIXED',
        metadata: document.metadata ?? [],
      },
      change: { action: 'CREATE', objectKind: 'pool', objectId: document.id, fields: [] },
    },
  ];
}

function immutableViolations(
  pool: Pool,
  document: PoolDocument,
  path: string,
): readonly FieldViolation[] {
  const violations: FieldViolation[] = [];
  if (document.unit !== undefined && document.unit !== pool.unit) {
    violations.push({ field: `${path}.unit`, description: `is ${pool.unit} and cannot change` });
  }
  if (document.scale !== undefined && document.scale !== pool.scale) {
    violations.push({ field: `${path}.scale`, description: `is ${pool.scale} and cannot change` });
  }
  return violations;
}

const AGENT_FIELDS = [
  ['name', 'name'],
  ['priority', 'priority'],
  ['overdraft_limit', 'overdraftLimit'],
  ['allow_force', 'allowForce'],
  ['parent_id', 'parentId'],
  ['metadata', 'metadata'],
] as const satisfies readonly (readonly [string, keyof AgentPatch])[];

function agentSteps(
  state: State,
  document: AgentDocument,
  command: ApplyConfigurationCommand,
  path: string,
  violations: FieldViolation[],
): readonly ConfigurationStep[] {
  const poolId = document.poolId;
  const named = poolId === undefined || command.pools.some((pool) => pool.id === poolId);
  if (!named && state.poolById(poolId) === undefined) {
    violations.push({ field: `${path}.pool_id`, description: 'names no pool; add it to pools' });
  }
  const agent = state.agentById(document.id);
  if (agent === undefined || agent.state === 'CLOSED') return [createAgent(document, command)];
  return [...moveSteps(state, agent, document, command), ...updateSteps(agent, document, command)];
}

function createAgent(
  document: AgentDocument,
  command: ApplyConfigurationCommand,
): ConfigurationStep {
  return {
    command: {
      method: 'CREATE_AGENT',
      requestId: '',
      reason: command.reason,
      agentId: document.id,
      name: document.name ?? document.id,
      poolId: document.poolId ?? DEFAULT_POOL_ID,
      initialBudget: document.initialBudget ?? 0n,
      priority: document.priority ?? NEW_OBJECT.priority,
      overdraftLimit: document.overdraftLimit ?? 0n,
      allowForce: document.allowForce ?? NEW_OBJECT.allowForce,
      parentId: document.parentId ?? '',
      metadata: document.metadata ?? [],
    },
    change: { action: 'CREATE', objectKind: 'agent', objectId: document.id, fields: [] },
  };
}

function moveSteps(
  state: State,
  agent: Agent,
  document: AgentDocument,
  command: ApplyConfigurationCommand,
): readonly ConfigurationStep[] {
  const poolId = document.poolId;
  if (poolId === undefined || state.pool(agent.poolUid)?.id === poolId) return [];
  return [
    {
      command: {
        method: 'MOVE_AGENT',
        requestId: '',
        reason: command.reason,
        agentId: agent.id,
        poolId,
        expectedRevision: undefined,
      },
      change: { action: 'MOVE', objectKind: 'agent', objectId: agent.id, fields: ['pool_id'] },
    },
  ];
}

function updateSteps(
  agent: Agent,
  document: AgentDocument,
  command: ApplyConfigurationCommand,
): readonly ConfigurationStep[] {
  const patch = pick(document, AGENT_FIELDS);
  const fields = changesOf<AgentPatch>(agent, patch, AGENT_FIELDS).map(({ field }) => field);
  if (fields.length === 0) return [];
  return [
    {
      command: {
        method: 'UPDATE_AGENT',
        requestId: '',
        reason: command.reason,
        agentId: agent.id,
        patch,
        expectedRevision: undefined,
      },
      change: { action: 'UPDATE', objectKind: 'agent', objectId: agent.id, fields },
    },
  ];
}

/** Sets the levels of service that a document describes, where they are others. */
function levelSteps(
  state: State,
  objectKind: 'pool' | 'agent',
  { id, serviceLevels }: PoolDocument | AgentDocument,
  { reason }: ApplyConfigurationCommand,
): readonly ConfigurationStep[] {
  if (serviceLevels === undefined) return [];
  const kind = objectKind === 'pool' ? 'EACH_AGENT_OF_POOL' : 'AGENT';
  const object = objectKind === 'pool' ? state.poolById(id) : state.agentById(id);
  const living = object?.state !== 'CLOSED' ? object : undefined;
  const key = living && serviceLevelsKey({ kind, uid: living.uid });
  const levels = key === undefined ? undefined : state.row('service_levels', key)?.levels;
  if (textOfLevels(levels ?? []) === textOfLevels(serviceLevels)) return [];
  return [
    {
      command: {
        method: 'SET_SERVICE_LEVELS',
        requestId: '',
        reason,
        scope: { kind, id },
        levels: serviceLevels,
        expectedRevision: undefined,
      },
      change: { action: 'UPDATE', objectKind, objectId: id, fields: ['service_levels'] },
    },
  ];
}

function pruneSteps(
  state: State,
  command: ApplyConfigurationCommand,
): readonly ConfigurationStep[] {
  const agentIds = new Set(command.agents.map((agent) => agent.id));
  const poolIds = new Set([DEFAULT_POOL_ID, ...command.pools.map((pool) => pool.id)]);
  const common = { requestId: '', reason: command.reason, expectedRevision: undefined };
  const steps: ConfigurationStep[] = [];
  for (const { id } of state.livingAgents()) {
    if (agentIds.has(id)) continue;
    steps.push({
      command: { method: 'DELETE_AGENT', ...common, agentId: id, releaseReservations: false },
      change: { action: 'DELETE', objectKind: 'agent', objectId: id, fields: [] },
    });
  }
  for (const { id } of state.livingPools()) {
    if (poolIds.has(id)) continue;
    steps.push({
      command: { method: 'DELETE_POOL', ...common, poolId: id },
      change: { action: 'DELETE', objectKind: 'pool', objectId: id, fields: [] },
    });
  }
  return steps;
}

/** The described fields of a document that are among the fields of an update. */
function pick<Patch extends object>(
  document: Patch,
  fields: readonly (readonly [string, keyof Patch])[],
): Patch {
  const described = fields.filter(([, key]) => document[key] !== undefined);
  return Object.fromEntries(described.map(([, key]) => [key, document[key]])) as Patch;
}
