import type { Amount } from '../../domain/amount.js';
import type { Rejection } from '../../domain/answer.js';
import type {
  AgentPatch,
  AgentStateCommand,
  CreateAgentCommand,
  DeleteAgentCommand,
  MoveAgentCommand,
  UpdateAgentCommand,
} from '../../domain/command.js';
import type { Agent } from '../../gen/safeguards/v1/agent_pb.js';
import type {
  CreateAgentRequest,
  DeleteAgentRequest,
  FreezeAgentRequest,
  MoveAgentRequest,
  UnfreezeAgentRequest,
  UpdateAgentRequest,
} from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import { optionalAmount, positiveAmount, requiredAmount } from './amount.js';
import { formOf, judged, partOf, refuseField } from './form.js';
import type { Form } from './form.js';
import { maskOf } from './mask.js';
import { priorityOf, revisionOf } from './number.js';
import { ADMIN_METADATA, metadataOf } from './pairs.js';
import { adminFields } from './pool.js';
import { nameOf, optionalId, requiredId } from './text.js';

/** The pool of agents that are made without one. */
const DEFAULT_POOL = 'default';

/** The fields of an agent that an update may name. */
export const AGENT_FIELDS = [
  'name',
  'priority',
  'overdraft_limit',
  'allow_force',
  'parent_id',
  'metadata',
] as const;

/** Reads a new agent. */
export function decodeCreateAgent(request: CreateAgentRequest): CreateAgentCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'CREATE_AGENT',
    ...adminFields(form, request),
    agentId: optionalId(form, 'agent_id', request.agentId),
    name: nameOf(form, request.name),
    poolId: optionalId(form, 'pool_id', request.poolId === '' ? DEFAULT_POOL : request.poolId),
    initialBudget: initialBudgetOf(form, request.initialBudget),
    priority: priorityOf(form, request.priority),
    overdraftLimit: optionalAmount(form, 'overdraft_limit', request.overdraftLimit),
    allowForce: request.allowForce ?? true,
    parentId: optionalId(form, 'parent_id', request.parentId),
    metadata: metadataOf(form, request.metadata, ADMIN_METADATA),
  });
}

/** Reads an agent's initial budget: left out the agent waits for money, given it is above 0. */
export function initialBudgetOf(form: Form, value: string): Amount {
  return value === '' ? 0n : positiveAmount(form, 'initial_budget', value);
}

/** Reads a change of an agent. */
export function decodeUpdateAgent(request: UpdateAgentRequest): UpdateAgentCommand | Rejection {
  const form = formOf();
  const { agent } = request;
  const mask = maskOf(form, request.updateMask, AGENT_FIELDS);
  if (agent === undefined) refuseField(form, 'agent', 'Give the agent with its id');
  return judged(form, {
    method: 'UPDATE_AGENT',
    ...adminFields(form, request),
    agentId: agent === undefined ? '' : requiredId(form, 'agent.id', agent.id),
    patch: agent === undefined ? {} : patchOf(partOf(form, 'agent.'), agent, mask),
    expectedRevision: revisionOf(form, request.expectedRevision),
  });
}

function patchOf(form: Form, agent: Agent, mask: ReadonlySet<string>): AgentPatch {
  return {
    ...(mask.has('name') && { name: nameOf(form, agent.name) }),
    ...(mask.has('priority') && { priority: priorityOf(form, agent.priority) }),
    ...(mask.has('overdraft_limit') && {
      overdraftLimit: requiredAmount(form, 'overdraft_limit', agent.overdraftLimit),
    }),
    ...(mask.has('allow_force') && { allowForce: agent.allowForce }),
    ...(mask.has('parent_id') && { parentId: optionalId(form, 'parent_id', agent.parentId) }),
    ...(mask.has('metadata') && { metadata: metadataOf(form, agent.metadata, ADMIN_METADATA) }),
  };
}

/** Reads an agent's move. */
export function decodeMoveAgent(request: MoveAgentRequest): MoveAgentCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'MOVE_AGENT',
    ...adminFields(form, request),
    agentId: requiredId(form, 'agent_id', request.agentId),
    poolId: requiredId(form, 'pool_id', request.poolId),
    expectedRevision: revisionOf(form, request.expectedRevision),
  });
}

/** Reads the end of an agent. */
export function decodeDeleteAgent(request: DeleteAgentRequest): DeleteAgentCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'DELETE_AGENT',
    ...adminFields(form, request),
    agentId: requiredId(form, 'agent_id', request.agentId),
    releaseReservations: request.releaseReservations,
    expectedRevision: revisionOf(form, request.expectedRevision),
  });
}

/** Makes the reader of a freeze or its end. */
export function decodeAgentState(method: AgentStateCommand['method']) {
  return (request: FreezeAgentRequest | UnfreezeAgentRequest): AgentStateCommand | Rejection => {
    const form = formOf();
    return judged(form, {
      method,
      ...adminFields(form, request),
      agentId: requiredId(form, 'agent_id', request.agentId),
      expectedRevision: revisionOf(form, request.expectedRevision),
    });
  };
}
