import { BudgetAdminService } from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import { agentTable, budgetLine, entryNote } from '../show.js';
import { verb, type Verb } from '../verb.js';
import { named, updated } from './complete.js';

const { method } = BudgetAdminService;
const onAdmin = { listener: 'admin' } as const;
const UPDATABLE = ['name', 'priority', 'overdraft_limit', 'allow_force', 'parent_id', 'metadata'];

/** What is done to agents. */
export const AGENT_VERBS: readonly Verb[] = [
  verb({
    ...onAdmin,
    words: 'agent create',
    summary: 'Make an agent and give it its first money',
    method: method.createAgent,
    positional: ['[agent_id]'],
    example: 'agent create writer --pool research --initial-budget 100',
    complete: named('agent_id'),
    show: (response) =>
      `Created agent ${response.agent?.id ?? ''} in pool ${response.agent?.poolId ?? ''}` +
      `${entryNote(response)}. ${budgetLine(response.budget)}`,
  }),
  verb({
    ...onAdmin,
    words: 'agent get',
    summary: 'Show an agent',
    method: method.getAgent,
    positional: ['agent_id'],
    example: 'agent get writer',
    show: ({ agent }) => agentTable(agent ? [agent] : []),
  }),
  verb({
    ...onAdmin,
    words: 'agent list',
    summary: 'List agents by id',
    method: method.listAgents,
    positional: [],
    example: 'agent list --pool research --all',
    show: ({ agents }) => agentTable(agents),
  }),
  verb({
    ...onAdmin,
    words: 'agent update',
    summary: 'Change the configuration of an agent',
    method: method.updateAgent,
    positional: ['agent_id'],
    update: { field: 'agent', names: UPDATABLE },
    example: 'agent update writer --priority 8 --no-allow-force',
    complete: updated('agent', 'agent_id'),
    show: (response) =>
      `Updated${entryNote(response)}.\n${agentTable(response.agent ? [response.agent] : [])}`,
  }),
  verb({
    ...onAdmin,
    words: 'agent move',
    summary: 'Move an agent and its money to another pool',
    method: method.moveAgent,
    positional: ['agent_id', 'pool_id'],
    example: 'agent move writer default',
    show: (response) =>
      `Agent ${response.agent?.id ?? ''} is in pool ${response.agent?.poolId ?? ''}` +
      `${entryNote(response)}. ${budgetLine(response.budget)}`,
  }),
  verb({
    ...onAdmin,
    words: 'agent delete',
    summary: 'Close an agent; what remains returns to its pool',
    method: method.deleteAgent,
    positional: ['agent_id'],
    example: 'agent delete writer --release-reservations',
    show: (response) =>
      `Deleted agent ${response.agent?.id ?? ''}${entryNote(response)}, ` +
      `${response.returnedAmount} ${response.budget?.unit ?? ''} returned to its pool.\n`,
  }),
  verb({
    ...onAdmin,
    words: 'agent freeze',
    summary: 'Stop an agent',
    method: method.freezeAgent,
    positional: ['agent_id'],
    example: 'agent freeze writer --reason "runs in circles"',
    show: (response) => `Agent ${response.agent?.id ?? ''} is frozen${entryNote(response)}.\n`,
  }),
  verb({
    ...onAdmin,
    words: 'agent unfreeze',
    summary: 'Let an agent go on',
    method: method.unfreezeAgent,
    positional: ['agent_id'],
    example: 'agent unfreeze writer',
    show: (response) => `Agent ${response.agent?.id ?? ''} is active${entryNote(response)}.\n`,
  }),
];
