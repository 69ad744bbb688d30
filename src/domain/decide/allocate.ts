import { divideByPriority } from '../allocation/by-priority.js';
import type {
  AllocateByPriorityCommand,
  AllocateDynamicCommand,
  RebalancePoolCommand,
} from '../allocation/command.js';
import { dynamicBudget } from '../allocation/dynamic.js';
import { rebalance } from '../allocation/rebalance.js';
import type { UsageBasis } from '../allocation/row.js';
import type { Shortage } from '../allocation/shortage.js';
import { formatAmount, type Amount } from '../amount.js';
import { reject, type Rejection } from '../answer.js';
import type { Decided } from '../decided.js';
import type { Context, State } from '../state.js';
import { capacityOf, findSubjects, type Subjects } from './allocate-agents.js';
import { giveBudgets, tooLittle } from './allocate-budgets.js';

/** Gives each agent of a pool a budget by its own usage. Guide: allocate_dynamic_budget. */
export function decideAllocateDynamic(
  state: State,
  command: AllocateDynamicCommand,
  context: Context,
): Decided {
  const subjects = findSubjects(state, command, [
    ['base_budget', command.baseBudget],
    ['max_budget', command.maxBudget ?? 0n],
  ]);
  if ('verdict' in subjects) return subjects;

  const usages = usagesOf(state, subjects, command.windowMs, context);
  const { scale } = subjects.pool;
  const budgets = usages.map((usage) => dynamicBudget(command, usage, scale));
  return giveBudgets(state, context, subjects, { budgets, usages });
}

/** Divides a total among the agents of a pool by priority. Guide: allocate_by_priority. */
export function decideAllocateByPriority(
  state: State,
  command: AllocateByPriorityCommand,
  context: Context,
): Decided {
  const subjects = findSubjects(state, command, [
    ['total', command.total ?? 0n],
    ['critical_minimum', command.criticalMinimum],
  ]);
  if ('verdict' in subjects) return subjects;
  const total = totalOf(subjects, command.total);
  if (typeof total !== 'bigint') return total;

  const { pool, agents } = subjects;
  const budgets = divideByPriority(command, total, agents, pool.scale);
  if ('minimums' in budgets) return allocationShortage(subjects, budgets, total);
  return giveBudgets(state, context, subjects, { budgets, usages: [] });
}

/** Divides a total among the agents of a pool by priority and usage. Guide: rebalance_agent_budgets. */
export function decideRebalancePool(
  state: State,
  command: RebalancePoolCommand,
  context: Context,
): Decided {
  const subjects = findSubjects(state, command, [
    ['total', command.total ?? 0n],
    ['min_per_agent', command.minPerAgent],
  ]);
  if ('verdict' in subjects) return subjects;
  const total = totalOf(subjects, command.total);
  if (typeof total !== 'bigint') return total;

  const usages = usagesOf(state, subjects, command.windowMs, context);
  const claimants = subjects.agents.map(({ id, priority }, at) => {
    return { id, priority, usage: usages[at] ?? NOTHING };
  });
  const budgets = rebalance(command, total, claimants, subjects.pool.scale);
  if ('minimums' in budgets) return allocationShortage(subjects, budgets, total);
  return giveBudgets(state, context, subjects, { budgets, usages });
}

const NOTHING: UsageBasis = { amount: 0n, entries: 0 };

/** What each agent used in the window that ends now, this very moment included. */
function usagesOf(
  state: State,
  { agents }: Subjects,
  windowMs: number,
  { now }: Context,
): readonly UsageBasis[] {
  return agents.map(({ uid }) => {
    const { amount, entries } = state.usage(uid, now - windowMs, now + 1);
    return { amount, entries };
  });
}

/** What is divided: without a total all there is. Less than nothing cannot be divided. */
function totalOf(subjects: Subjects, given: Amount | undefined): Amount | Rejection {
  if (subjects.agents.length === 0) return 0n;
  const total = given ?? capacityOf(subjects);
  return total < 0n ? tooLittle(subjects, 0n) : total;
}

function allocationShortage({ pool }: Subjects, { minimums }: Shortage, total: Amount): Rejection {
  return reject(
    'ALLOCATION_SHORTAGE',
    'The minimums exceed the total. Lower them or allocate more or have them scaled',
    {
      pool_id: pool.id,
      total: formatAmount(total),
      minimums: formatAmount(minimums),
      shortfall: formatAmount(minimums - total),
    },
  );
}
