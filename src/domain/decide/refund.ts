import { formatAmount } from '../amount.js';
import { reject, type Rejection } from '../answer.js';
import type { RefundCommand } from '../command.js';
import { carryOut, type Decided } from '../decided.js';
import { beginDraft, closeEntry, moveMoney, movePool, touch } from '../draft.js';
import type { EntryBody } from '../entry.js';
import type { Agent, Instant, Pool, Uid } from '../model.js';
import type { Context, State } from '../state.js';
import { checkScale, poolByUid, poolOf } from './checks.js';
import { countUse } from './limit-checks.js';

/**
 * Takes back a spend or commit, once or in parts. Lowers what its agent spent; when the agent has
 * moved or closed since, the money returns to the pool that paid instead. Never raises the baseline.
 */
export function decideRefund(state: State, command: RefundCommand, context: Context): Decided {
  const entry = state.entry(command.sequence);
  if (entry === undefined && isCut(state, command.sequence)) {
    return entryCompacted(command.sequence);
  }
  const payer = entry && payerOf(state, entry);
  if (entry?.amount === undefined || payer === undefined) return entryNotFound(command.sequence);
  const { agent, pool } = payer;
  const refundable = entry.amount - state.refunded(entry.sequence);
  const amount = command.amount ?? refundable;
  const malformed = checkScale(pool, 'amount', amount);
  if (malformed !== undefined) return malformed;
  if (amount > refundable || refundable === 0n) {
    return reject('REFUND_EXCEEDS_SPEND', 'Less than that is left to refund of the entry', {
      sequence: String(entry.sequence),
      amount: formatAmount(amount),
      refundable: formatAmount(refundable),
    });
  }

  const draft = beginDraft(state, context.now);
  const toPool = agent.state === 'CLOSED' || agent.poolUid !== pool.uid;
  touch(draft, 'AGENT', agent.uid, agent.lastSequence);
  draft.agents.set(agent.uid, agent);
  if (toPool && pool.state === 'DELETED') {
    // Nobody can reach a deleted pool's money: it is withdrawn as at the deletion.
    movePool(draft, pool.uid, { spent: -amount, funded: -amount });
  } else if (toPool) movePool(draft, pool.uid, { spent: -amount, unallocated: amount });
  else moveMoney(draft, agent.uid, { spent: -amount });
  draft.refunds.push([entry.sequence, state.refunded(entry.sequence) + amount]);
  closeEntry(draft, 'REFUND', {
    amount,
    refundedSequence: entry.sequence,
    reservationId: entry.reservationId,
    category: entry.category,
    runId: entry.runId,
    usage: {
      agentUid: agent.uid,
      amount: 0n,
      entries: 0,
      requests: 0,
      refunded: amount,
      quantities: [],
    },
  });
  if (!toPool) {
    const use = { amount: -amount, requests: 0, quantities: [] };
    countUse(draft, agent, pool, use, timeOf(state, entry) ?? context.now);
  }
  return carryOut(draft, {
    amount,
    secondAmount: refundable - amount,
    agent,
    pool: poolOf(state, agent),
    otherPool: toPool ? pool : undefined,
  });
}

/**
 * When an entry's amount was counted against limits: a commit's in the window of its hold, as far as that
 * is still known. Undefined for an entry of this very transaction.
 */
function timeOf(state: State, entry: EntryBody): Instant | undefined {
  const hold = entry.kind === 'COMMIT' ? state.reservation(entry.reservationId) : undefined;
  return hold?.createTime ?? entry.time;
}

function isCut(state: State, sequence: number): boolean {
  return sequence >= 1 && sequence < state.oldestSequence();
}

/** Retention has taken the entry away. */
export function entryCompacted(sequence: number): Rejection {
  return reject(
    'ENTRY_COMPACTED',
    'Retention has cut the entry. Nothing of it can be read any more',
    {
      sequence: String(sequence),
    },
  );
}

function entryNotFound(sequence: number): Rejection {
  return reject('ENTRY_NOT_FOUND', 'No spend or commit has that sequence', {
    sequence: String(sequence),
  });
}

/** Who spent an entry's amount and which pool paid, or undefined when it is no cost. */
function payerOf(
  state: State,
  entry: EntryBody,
): { readonly agent: Agent; readonly pool: Pool } | undefined {
  if (entry.kind !== 'SPEND' && entry.kind !== 'COMMIT') return undefined;
  const agentUid = accountUid(entry, 'AGENT');
  const poolUid = accountUid(entry, 'POOL');
  const agent = agentUid === undefined ? undefined : state.agent(agentUid);
  if (agent === undefined || poolUid === undefined) return undefined;
  return { agent, pool: poolByUid(state, poolUid) };
}

function accountUid(entry: EntryBody, kind: 'AGENT' | 'POOL'): Uid | undefined {
  return entry.accounts.find((account) => account.kind === kind)?.uid;
}
