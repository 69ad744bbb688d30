import type { Amount } from '../amount.js';
import { rejectFields, type Rejection } from '../answer.js';
import type { TransferCommand, TransferParty } from '../command.js';
import { carryOut, type Decided } from '../decided.js';
import { beginDraft, closeEntry, moveMoney, movePool, type Draft } from '../draft.js';
import type { Agent, Pool } from '../model.js';
import type { Context, State } from '../state.js';
import { checkUnits } from './agent-moves.js';
import { agentClosed, agentNotFound, checkScale, poolNotFound, poolOf } from './checks.js';
import {
  growAgent,
  raiseAgentBaseline,
  raisePoolBaseline,
  shrinkAgent,
  takeFree,
} from './funds.js';

/** One side of a transfer as found: an agent with its pool, or a pool by itself. */
interface Side {
  readonly agent: Agent | undefined;
  readonly pool: Pool;
}

/**
 * Moves money between agents and pools. Within a pool it changes what is allocated; across pools the
 * money leaves one as withdrawn and enters the other as funded. Never usage.
 */
export function decideTransfer(state: State, command: TransferCommand, context: Context): Decided {
  if (sameParty(command.source, command.destination)) {
    return rejectFields([
      { field: 'destination', description: 'is the source; name another agent or pool' },
    ]);
  }
  const source = findSide(state, command.source);
  if ('verdict' in source) return source;
  const destination = findSide(state, command.destination);
  if ('verdict' in destination) return destination;
  const refusal =
    checkScale(source.pool, 'amount', command.amount) ??
    checkScale(destination.pool, 'amount', command.amount) ??
    checkUnits(source.pool, destination.pool);
  if (refusal !== undefined) return refusal;

  const draft = beginDraft(state, context.now);
  const shortage = move(draft, source, destination, command.amount);
  if (shortage !== undefined) return shortage;
  closeEntry(draft, 'TRANSFER', { amount: command.amount });
  return carryOut(draft, {
    amount: command.amount,
    agent: source.agent,
    pool: source.pool,
    otherAgent: destination.agent,
    otherPool: destination.pool,
  });
}

/** Out of the source into its pool, from pool to pool, out of the pool into the destination. */
function move(
  draft: Draft,
  source: Side,
  destination: Side,
  amount: Amount,
): Rejection | undefined {
  const samePool = source.pool.uid === destination.pool.uid;
  if (source.agent === undefined && destination.agent !== undefined && samePool) {
    return growAgent(draft, destination.agent.uid, amount);
  }
  const shortage =
    source.agent === undefined
      ? takeFree(draft, source.pool, amount)
      : shrinkAgent(draft, source.agent.uid, amount);
  if (shortage !== undefined) return shortage;
  if (!samePool) {
    movePool(draft, source.pool.uid, { funded: -amount, unallocated: -amount });
    movePool(draft, destination.pool.uid, { funded: amount, unallocated: amount });
    raisePoolBaseline(draft, destination.pool.uid);
  }
  if (destination.agent !== undefined) {
    // The money has just entered the pool: what the pool keeps back does not matter.
    moveMoney(draft, destination.agent.uid, { allocated: amount });
    raiseAgentBaseline(draft, destination.agent.uid);
  }
  return undefined;
}

function sameParty(a: TransferParty, b: TransferParty): boolean {
  return a.kind === b.kind && a.id === b.id;
}

function findSide(state: State, party: TransferParty): Side | Rejection {
  if (party.kind === 'POOL') {
    const pool = state.poolById(party.id);
    return pool === undefined ? poolNotFound(party.id) : { agent: undefined, pool };
  }
  const agent = state.agentById(party.id);
  if (agent === undefined) return agentNotFound(party.id);
  if (agent.state === 'CLOSED') return agentClosed(agent);
  return { agent, pool: poolOf(state, agent) };
}
