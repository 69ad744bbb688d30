import type { Amount } from '../amount.js';
import { reject, type WarningCode } from '../answer.js';
import { availableOf } from '../budget.js';
import type { SpendCommand } from '../command.js';
import { carryOut, deny, type Decided } from '../decided.js';
import {
  beginDraft,
  closeEntry,
  draftAgent,
  draftPool,
  moveMoney,
  movePool,
  touch,
  type Draft,
} from '../draft.js';
import type { Agent } from '../model.js';
import type { Context, State } from '../state.js';
import { raiseOverspend, raiseReports } from './alarms.js';
import {
  addQuantityNames,
  agentClosed,
  agentNotFound,
  checkScale,
  checkUnit,
  frozenDenial,
  poolOf,
} from './checks.js';
import { grantOf, useOf, type Granted, type Refused } from './grant.js';
import { countUse } from './limit-checks.js';

/**
 * Judges a spend. Guide: "Agent Budgets". STRICT passes iff amount <= available and every limit agrees;
 * UP_TO grants what passes; FORCE always posts, also on frozen and closed agents, the latter at the pool's
 * expense.
 */
export function decideSpend(state: State, command: SpendCommand, context: Context): Decided {
  const agent = state.agentById(command.agentId);
  if (agent === undefined) return agentNotFound(command.agentId);
  const pool = poolOf(state, agent);
  const malformed = checkScale(pool, 'amount', command.amount) ?? checkUnit(pool, command.unit);
  if (malformed !== undefined) return malformed;
  const names = addQuantityNames(agent, command.quantities);
  if ('verdict' in names) return names;

  const forced = command.mode === 'FORCE';
  if (forced && !agent.allowForce) {
    return reject('NOT_PERMITTED', 'The agent does not allow forced spends', {
      agent_id: agent.id,
    });
  }
  if (!forced) {
    if (agent.state === 'CLOSED') return agentClosed(agent);
    const frozen = frozenDenial(agent, pool, command.amount);
    if (frozen !== undefined) return deny(frozen, { agent, pool });
  }
  const grant: Granted | Refused = forced
    ? { granted: command.amount, reports: [] }
    : grantOf(state, command, agent, pool, context);
  if ('denial' in grant) return deny(grant.denial, { agent, pool }, grant.alarm);
  const { granted } = grant;

  // From here on the spend is certain.
  const draft = beginDraft(state, context.now);
  if (names !== agent.quantityNames) {
    draft.agents.set(agent.uid, { ...agent, quantityNames: names });
  }
  const after = postSpent(draft, agent, granted);
  closeEntry(draft, 'SPEND', {
    amount: granted,
    category: command.category,
    quantities: command.quantities,
    runId: command.runId,
    metadata: command.metadata,
    usage: {
      agentUid: agent.uid,
      amount: granted,
      entries: 1,
      requests: 1,
      refunded: 0n,
      quantities: command.quantities,
    },
  });
  countUse(draft, after, pool, useOf(command, granted), context.now);
  raiseReports(draft, grant.reports);
  const warnings: WarningCode[] = [];
  if (forced && agent.state !== 'CLOSED' && availableOf(after) < 0n) {
    warnings.push('OVERSPENT');
    raiseOverspend(draft, after, pool, granted);
  }
  if (agent.state === 'CLOSED') warnings.push('PAID_BY_POOL');
  if (context.clockJumped) warnings.push('CLOCK_JUMPED');
  return carryOut(draft, { amount: granted, warnings, agent, pool });
}

/**
 * Posts a cost to an agent. A closed agent's is allocated from its pool in the same entry; a deleted
 * pool has nothing, so there it is funded too.
 */
export function postSpent(draft: Draft, agent: Agent, amount: Amount): Agent {
  const closed = draftAgent(draft, agent.uid).state === 'CLOSED';
  if (closed && draftPool(draft, agent.poolUid).state === 'DELETED') {
    touch(draft, 'AGENT', agent.uid, agent.lastSequence);
    movePool(draft, agent.poolUid, { funded: amount, unallocated: amount });
  }
  return moveMoney(draft, agent.uid, { spent: amount, allocated: closed ? amount : 0n });
}
