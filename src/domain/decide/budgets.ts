import { remainingOf } from '../budget.js';
import type { AdjustBudgetCommand, SetBudgetCommand } from '../command.js';
import { carryOut, unchanged, type Decided } from '../decided.js';
import { beginDraft, closeEntry } from '../draft.js';
import type { Agent, Pool } from '../model.js';
import type { Rejection } from '../answer.js';
import type { Context, State } from '../state.js';
import { agentClosed, agentNotFound, checkRevision, checkScale, poolOf } from './checks.js';
import { growAgent, setBaselineOf, shrinkAgent } from './funds.js';

/** Sets what remains of an agent's budget. Guide: update_budget. Never counts as usage. */
export function decideSetBudget(
  state: State,
  command: SetBudgetCommand,
  context: Context,
): Decided {
  const found = findAgent(state, command);
  if ('verdict' in found) return found;
  const { agent, pool } = found;

  const draft = beginDraft(state, context.now);
  const delta = command.amount - remainingOf(agent);
  const refusal =
    delta > 0n
      ? growAgent(draft, agent.uid, delta)
      : delta < 0n
        ? shrinkAgent(draft, agent.uid, -delta)
        : undefined;
  if (refusal !== undefined) return refusal;
  setBaselineOf(draft, agent.uid, command.resetBaseline);
  if (draft.accounts.length === 0) return unchanged({ agent, pool });
  closeEntry(draft, 'SET_BUDGET', { amount: command.amount });
  return carryOut(draft, { amount: command.amount, agent, pool });
}

/** Adds to what remains of an agent's budget, or takes from it, at most all of it. */
export function decideAdjustBudget(
  state: State,
  command: AdjustBudgetCommand,
  context: Context,
): Decided {
  const found = findAgent(state, command);
  if ('verdict' in found) return found;
  const { agent, pool } = found;

  const draft = beginDraft(state, context.now);
  const refusal =
    command.delta > 0n
      ? growAgent(draft, agent.uid, command.delta)
      : shrinkAgent(draft, agent.uid, -command.delta);
  if (refusal !== undefined) return refusal;
  closeEntry(draft, 'ADJUST_BUDGET', { amount: command.delta });
  return carryOut(draft, { amount: command.delta, agent, pool });
}

/** The living agent of a budget command, at the expected revision of its budget. */
function findAgent(
  state: State,
  command: SetBudgetCommand | AdjustBudgetCommand,
): { readonly agent: Agent; readonly pool: Pool } | Rejection {
  const agent = state.agentById(command.agentId);
  if (agent === undefined) return agentNotFound(command.agentId);
  if (agent.state === 'CLOSED') return agentClosed(agent);
  const pool = poolOf(state, agent);
  const [field, amount] =
    'delta' in command ? ['delta', command.delta] : ['amount', command.amount];
  const refusal =
    checkScale(pool, field, amount) ??
    checkRevision(command.expectedRevision, agent.budgetRevision);
  return refusal ?? { agent, pool };
}
