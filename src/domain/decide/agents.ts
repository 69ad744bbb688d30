import { reject, rejectFields, type Rejection } from '../answer.js';
import type { AgentStateCommand, CreateAgentCommand, UpdateAgentCommand } from '../command.js';
import { carryOut, unchanged, type Decided } from '../decided.js';
import {
  beginDraft,
  closeEntry,
  draftAgent,
  draftPool,
  setAgentBaseline,
  touch,
  type Draft,
} from '../draft.js';
import type { Agent, AgentState, Uid } from '../model.js';
import { DEFAULT_POOL_ID, type Context, type State } from '../state.js';
import { changesOf, firstValuesOf } from './changes.js';
import {
  agentClosed,
  agentNotFound,
  checkRevision,
  checkScale,
  checkScales,
  poolNotFound,
  poolOf,
} from './checks.js';
import { growAgent } from './funds.js';

/** Makes an agent and allocates its initial budget. Guide: create_agent, "Fixed Allocation". */
export function decideCreateAgent(
  state: State,
  command: CreateAgentCommand,
  context: Context,
): Decided {
  const id = command.agentId === '' ? context.newId() : command.agentId;
  const earlier = state.agentById(id);
  if (earlier !== undefined && earlier.state !== 'CLOSED') {
    return reject(
      'AGENT_ALREADY_EXISTS',
      'An agent with that id exists. Use another or update it',
      {
        agent_id: id,
      },
    );
  }
  const poolId = command.poolId === '' ? DEFAULT_POOL_ID : command.poolId;
  const pool = state.poolById(poolId);
  if (pool === undefined) return poolNotFound(poolId);
  const refusal =
    checkScales(pool, [
      ['initial_budget', command.initialBudget],
      ['overdraft_limit', command.overdraftLimit],
    ]) ?? checkParent(state, id, command.parentId, 'parent_id');
  if (refusal !== undefined) return refusal;

  const draft = beginDraft(state, context.now);
  const uid = draft.nextUid;
  draft.nextUid += 1;
  const agent: Agent = {
    uid,
    id,
    poolUid: pool.uid,
    name: command.name,
    priority: command.priority,
    state: 'ACTIVE',
    overdraftLimit: command.overdraftLimit,
    allowForce: command.allowForce,
    parentId: command.parentId,
    initialBudget: command.initialBudget,
    metadata: command.metadata,
    revision: 1,
    budgetRevision: 0,
    createTime: context.now,
    updateTime: context.now,
    budgetTime: context.now,
    deleteTime: 0,
    openReservations: 0,
    quantityNames: [],
    lastSequence: 0,
    usageHour: 0,
    usage: [],
    spendCount: 0,
    lastSpendTime: 0,
    serviceLevel: '',
    allocated: 0n,
    spent: 0n,
    reserved: 0n,
    base: 0n,
    baseline: 0n,
  };
  draft.agents.set(uid, agent);
  touch(draft, 'AGENT', uid, 0);
  const shortage = growAgent(draft, uid, command.initialBudget);
  if (shortage !== undefined) return shortage;
  setAgentBaseline(draft, uid, command.initialBudget, command.initialBudget);
  countAgent(draft, pool.uid, 1);
  closeEntry(draft, 'AGENT_CREATE', {
    amount: command.initialBudget,
    changes: firstValuesOf<Agent>(agent, [['id', 'id'], ['state', 'state'], ...AGENT_FIELDS]),
  });
  draft.agents.set(uid, { ...draftAgent(draft, uid), budgetRevision: 1 });
  return carryOut(draft, { agent, pool });
}

/** Counts the living agents of a pool up or down. */
export function countAgent(draft: Draft, poolUid: Uid, step: 1 | -1): void {
  const pool = draftPool(draft, poolUid);
  draft.pools.set(poolUid, { ...pool, agentCount: pool.agentCount + step });
}

/** A parent exists and makes no cycle. */
function checkParent(
  state: State,
  id: string,
  parentId: string,
  field: string,
): Rejection | undefined {
  if (parentId === '') return undefined;
  const seen = new Set<string>([id]);
  let next = parentId;
  while (next !== '') {
    if (seen.has(next)) {
      return rejectFields([
        { field, description: 'makes an agent its own ancestor; name another' },
      ]);
    }
    seen.add(next);
    const parent = state.agentById(next);
    if (parent === undefined) return next === parentId ? agentNotFound(parentId) : undefined;
    next = parent.parentId;
  }
  return undefined;
}

const AGENT_FIELDS = [
  ['name', 'name'],
  ['priority', 'priority'],
  ['overdraft_limit', 'overdraftLimit'],
  ['allow_force', 'allowForce'],
  ['parent_id', 'parentId'],
  ['metadata', 'metadata'],
] as const satisfies readonly (readonly [string, keyof Agent])[];

/** Changes an agent's configuration. A patch that changes nothing writes nothing. */
export function decideUpdateAgent(
  state: State,
  command: UpdateAgentCommand,
  context: Context,
): Decided {
  const agent = state.agentById(command.agentId);
  if (agent === undefined) return agentNotFound(command.agentId);
  if (agent.state === 'CLOSED') return agentClosed(agent);
  const pool = poolOf(state, agent);
  const patch = command.patch;
  const refusal =
    (patch.overdraftLimit === undefined
      ? undefined
      : checkScale(pool, 'agent.overdraft_limit', patch.overdraftLimit)) ??
    (patch.parentId === undefined
      ? undefined
      : checkParent(state, agent.id, patch.parentId, 'agent.parent_id')) ??
    checkRevision(command.expectedRevision, agent.revision);
  if (refusal !== undefined) return refusal;
  const changes = changesOf<Agent>(agent, patch, AGENT_FIELDS);
  if (changes.length === 0) return unchanged({ agent, pool });

  const draft = beginDraft(state, context.now);
  reviseAgent(draft, agent, patch);
  touch(draft, 'AGENT', agent.uid, agent.lastSequence);
  closeEntry(draft, 'AGENT_UPDATE', { changes });
  return carryOut(draft, { agent, pool });
}

/** Replaces configuration fields of an agent under a new revision. */
export function reviseAgent(draft: Draft, agent: Agent, patch: Partial<Agent>): void {
  draft.agents.set(agent.uid, {
    ...draftAgent(draft, agent.uid),
    ...patch,
    revision: agent.revision + 1,
    updateTime: draft.now,
  });
}

/** Freezes or unfreezes an agent. What is like that already writes nothing. */
export function decideAgentState(
  state: State,
  command: AgentStateCommand,
  context: Context,
): Decided {
  const agent = state.agentById(command.agentId);
  if (agent === undefined) return agentNotFound(command.agentId);
  if (agent.state === 'CLOSED') return agentClosed(agent);
  const stale = checkRevision(command.expectedRevision, agent.revision);
  if (stale !== undefined) return stale;
  const pool = poolOf(state, agent);
  const next: AgentState = command.method === 'FREEZE_AGENT' ? 'FROZEN' : 'ACTIVE';
  if (agent.state === next) return unchanged({ agent, pool });

  const draft = beginDraft(state, context.now);
  reviseAgent(draft, agent, { state: next });
  touch(draft, 'AGENT', agent.uid, agent.lastSequence);
  closeEntry(draft, 'AGENT_UPDATE', {
    changes: [{ field: 'state', before: agent.state, after: next }],
  });
  return carryOut(draft, { agent, pool });
}
