import type { AllocationCommand } from '../allocation/command.js';
import { byPrecedence } from '../allocation/split.js';
import type { Amount } from '../amount.js';
import { rejectFields, type Rejection } from '../answer.js';
import { debtOf, freeOf, remainingOf } from '../budget.js';
import type { Agent, Pool } from '../model.js';
import { ALLOCATED_AGENTS_MAX, type State } from '../state.js';
import { agentClosed, agentsNotFound, checkRevision, checkScales, poolNotFound } from './checks.js';

/** Whom an allocation is about, each list by priority, highest first, then by id. */
export interface Subjects {
  readonly pool: Pool;
  /** Who gets a new budget. */
  readonly agents: readonly Agent[];
  /** Frozen agents: left out with their money, named or not. */
  readonly leftOut: readonly Agent[];
}

/** The pool and agents of an allocation, or why it cannot be judged. */
export function findSubjects(
  state: State,
  command: AllocationCommand,
  amounts: readonly (readonly [field: string, amount: Amount])[],
): Subjects | Rejection {
  const pool = state.poolById(command.poolId);
  if (pool === undefined) return poolNotFound(command.poolId);
  const refusal =
    checkScales(pool, amounts) ?? checkRevision(command.expectedRevision, pool.revision);
  if (refusal !== undefined) return refusal;
  const found =
    command.agentIds.length === 0 ? everyAgent(state, pool) : namedAgents(state, pool, command);
  if ('verdict' in found) return found;
  const sorted = found.toSorted(byPrecedence);
  return {
    pool,
    agents: sorted.filter((agent) => agent.state === 'ACTIVE'),
    leftOut: sorted.filter((agent) => agent.state !== 'ACTIVE'),
  };
}

function everyAgent(state: State, pool: Pool): readonly Agent[] | Rejection {
  if (pool.agentCount <= ALLOCATED_AGENTS_MAX) return [...state.agentsOfPool(pool.uid)];
  return rejectFields([
    {
      field: 'agent_ids',
      description:
        `pool ${pool.id} has ${pool.agentCount} agents; ` +
        `name at most ${ALLOCATED_AGENTS_MAX} of them`,
    },
  ]);
}

function namedAgents(
  state: State,
  pool: Pool,
  { agentIds }: AllocationCommand,
): readonly Agent[] | Rejection {
  const found = agentIds.map((id) => state.agentById(id));
  const unknown = agentIds.filter((_id, at) => found[at] === undefined);
  if (unknown.length > 0) return agentsNotFound(unknown);
  const agents = found.filter((agent) => agent !== undefined);
  const closed = agents.find((agent) => agent.state === 'CLOSED');
  if (closed !== undefined) return agentClosed(closed);
  const foreign = agents.filter((agent) => agent.poolUid !== pool.uid);
  if (foreign.length === 0) return agents;
  return rejectFields(
    foreign.map(({ id }) => ({
      field: 'agent_ids',
      description: `${id} is not an agent of pool ${pool.id}; leave it out`,
    })),
  );
}

/**
 * What these agents have to be divided anew: what remains to them, less what is missing to their
 * holds. An agent that owes has nothing, its debt is kept back by its pool.
 */
export function moneyOf(agents: readonly Agent[]): Amount {
  return agents.reduce((sum, agent) => sum + remainingOf(agent) + debtOf(agent), 0n);
}

/**
 * The most that their new budgets may come to: what they have and what the pool has free, which is
 * the pool's remaining less its min_balance, less the money and the debts of everybody else. Below 0
 * when the pool lacks even that.
 */
export function capacityOf({ pool, agents }: Subjects): Amount {
  return freeOf(pool) + moneyOf(agents);
}
