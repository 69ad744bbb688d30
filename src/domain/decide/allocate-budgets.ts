import type { AllocationRow, UsageBasis } from '../allocation/row.js';
import { byPrecedence } from '../allocation/split.js';
import { formatAmount, type Amount } from '../amount.js';
import { reject, type Rejection } from '../answer.js';
import { freeOf, remainingOf } from '../budget.js';
import { carryOut, unchanged, type Decided } from '../decided.js';
import { beginDraft, closeEntry, draftAgent, moveMoney, touch } from '../draft.js';
import type { Agent } from '../model.js';
import type { Context, State } from '../state.js';
import { capacityOf, moneyOf, type Subjects } from './allocate-agents.js';
import { setBaselineOf, takeFree } from './funds.js';

/** What a strategy came to, each list in the order of the agents that take part. */
export interface Plan {
  /** What shall remain to each. */
  readonly budgets: readonly Amount[];
  /** What each was judged by; empty where the strategy looks at no usage. */
  readonly usages: readonly UsageBasis[];
}

/**
 * Gives every agent the budget of the plan, by one entry: a shrink funds a growth wherever it stands in
 * the list, and the pool gives or takes only the difference (I11). Holds stay on top; the baseline
 * becomes what each then has. Budgets that are like that already write nothing.
 */
export function giveBudgets(
  state: State,
  context: Context,
  subjects: Subjects,
  plan: Plan,
): Decided {
  const { pool, agents } = subjects;
  const total = plan.budgets.reduce((sum, budget) => sum + budget, 0n);
  if (agents.length > 0 && pool.funding === 'FIXED' && total > capacityOf(subjects)) {
    return tooLittle(subjects, total);
  }

  // From here on the money is there, or is minted.
  const draft = beginDraft(state, context.now);
  // The entry is about the pool.
  touch(draft, 'POOL', pool.uid, pool.lastSequence);
  const shortage = takeFree(draft, pool, total - moneyOf(agents));
  if (shortage !== undefined) return shortage;
  agents.forEach((agent, at) => {
    const delta = (plan.budgets[at] ?? 0n) - remainingOf(agent);
    if (delta !== 0n) moveMoney(draft, agent.uid, { allocated: delta });
    setBaselineOf(draft, agent.uid, true);
  });
  const after = agents.map((agent) => draftAgent(draft, agent.uid));
  const allocations = rowsOf(subjects, after, plan.usages);
  const [, ...changed] = draft.accounts;
  if (changed.length === 0) return unchanged({ amount: total, pool, allocations });
  closeEntry(draft, 'ALLOCATE', { amount: total });
  return carryOut(draft, { amount: total, pool, allocations });
}

/** INSUFFICIENT_POOL_BUDGET of new budgets that would come to `needed`. */
export function tooLittle(subjects: Subjects, needed: Amount): Rejection {
  const { pool, agents } = subjects;
  return reject(
    'INSUFFICIENT_POOL_BUDGET',
    'The free money of the pool and what the agents have do not cover it. Fund the pool or take less',
    {
      pool_id: pool.id,
      free: formatAmount(freeOf(pool)),
      agents_have: formatAmount(moneyOf(agents)),
      needed: formatAmount(needed),
      shortfall: formatAmount(needed - capacityOf(subjects)),
    },
  );
}

function rowsOf(
  { agents, leftOut }: Subjects,
  after: readonly Agent[],
  usages: readonly UsageBasis[],
): readonly AllocationRow[] {
  const rows = agents.map((agent, at) => rowOf(agent, after[at] ?? agent, usages[at], false));
  const frozen = leftOut.map((agent) => rowOf(agent, agent, undefined, true));
  if (frozen.length === 0) return rows;
  return [...rows, ...frozen].sort((a, b) =>
    byPrecedence({ ...a, id: a.agentId }, { ...b, id: b.agentId }),
  );
}

function rowOf(
  before: Agent,
  after: Agent,
  usage: UsageBasis | undefined,
  leftOut: boolean,
): AllocationRow {
  return {
    agentId: before.id,
    priority: before.priority,
    before: remainingOf(before),
    after: remainingOf(after),
    baseline: after.baseline,
    usage,
    leftOut,
  };
}
