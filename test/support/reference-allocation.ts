import { Decimal } from 'decimal.js';
import type * as A from '../../src/domain/allocation/command.js';
import {
  debtOf,
  exact,
  fits,
  give,
  most,
  total,
  type RefAgent,
  type RefAnswer,
} from './reference.js';
import type { ReferenceLedger } from './reference-ledger.js';

/** The strategies once more, in decimals: usage is summed from every cost there ever was. */

type Money = RefAgent['spent'];

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** New budgets for many agents of a pool, on the reference. */
export function allocate(books: ReferenceLedger, command: A.AllocationCommand): RefAnswer {
  const pool = books.pool(command.poolId);
  if (pool === undefined) return books.answer('POOL_NOT_FOUND');
  if (amountsOf(command).some((amount) => !fits(pool, amount))) {
    return books.answer('INVALID_REQUEST');
  }
  const named = command.agentIds.map((id) => books.agent(id));
  if (named.includes(undefined)) return books.answer('AGENT_NOT_FOUND');
  if (named.some((agent) => agent?.state === 'CLOSED')) return books.answer('AGENT_CLOSED');
  if (named.some((agent) => agent?.pool !== pool)) return books.answer('INVALID_REQUEST');
  const agents = (named.length === 0 ? books.in(pool) : (named as RefAgent[]))
    .filter((agent) => agent.state === 'ACTIVE')
    .sort((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1));
  if (agents.length === 0) return books.answer('OK');

  const have = total(agents.map((agent) => books.remaining(agent).plus(debtOf(agent))));
  const capacity = books.free(pool).plus(have);
  const given = 'total' in command && command.total !== undefined ? exact(command.total) : capacity;
  if (command.method !== 'ALLOCATE_DYNAMIC' && given.lessThan(0)) {
    return books.answer('INSUFFICIENT_POOL_BUDGET');
  }
  const budgets = budgetsOf(books, command, agents, given, pool.scale);
  if (budgets === undefined) return books.answer('ALLOCATION_SHORTAGE');
  const amount = total(budgets);
  if (pool.funding === 'FIXED' && amount.greaterThan(capacity)) {
    return books.answer('INSUFFICIENT_POOL_BUDGET');
  }
  give(books, pool, amount.minus(have));
  const sequence = books.commonEntry(agents, () => {
    agents.forEach((agent, at) => {
      agent.allocated = agent.spent.plus(books.reserved(agent)).plus(budgets[at]!);
      agent.base = agent.allocated.minus(agent.spent);
      agent.baseline = agent.base;
    });
  });
  return books.answer('OK', { amount, sequence });
}

function amountsOf(command: A.AllocationCommand): readonly Money[] {
  switch (command.method) {
    case 'ALLOCATE_DYNAMIC':
      return [command.baseBudget, command.maxBudget ?? 0n].map(exact);
    case 'ALLOCATE_BY_PRIORITY':
      return [command.total ?? 0n, command.criticalMinimum].map(exact);
    case 'REBALANCE_POOL':
      return [command.total ?? 0n, command.minPerAgent].map(exact);
  }
}

function budgetsOf(
  books: ReferenceLedger,
  command: A.AllocationCommand,
  agents: readonly RefAgent[],
  given: Money,
  scale: number,
): readonly Money[] | undefined {
  const none = exact(0n);
  if (command.method === 'ALLOCATE_DYNAMIC') {
    return agents.map((agent) => dynamic(books, command, agent, scale));
  }
  if (command.method === 'ALLOCATE_BY_PRIORITY') {
    const minimums = agents.map(({ priority }) =>
      priority >= command.criticalPriority ? exact(command.criticalMinimum) : none,
    );
    const rest = given.minus(total(minimums));
    if (rest.lessThan(0)) {
      return command.shortage === 'SCALE' ? split(given, minimums, scale) : undefined;
    }
    const weights = agents.map(({ priority }) => none.plus(priority));
    return split(rest, weights, scale).map((share, at) => share.plus(minimums[at]!));
  }
  const minimum = exact(command.minPerAgent);
  const rest = given.minus(minimum.times(agents.length));
  if (rest.lessThan(0)) return undefined;
  return split(rest, weightsOf(books, command, agents), scale).map((share) => share.plus(minimum));
}

function dynamic(
  books: ReferenceLedger,
  command: A.AllocateDynamicCommand,
  agent: RefAgent,
  scale: number,
): Money {
  const used = usage(books, agent, command.windowMs);
  const divisor =
    command.statistic === 'MEAN_PER_ENTRY'
      ? exact(0n).plus(used.length)
      : exact(0n).plus(command.windowMs).dividedBy(HOUR);
  const product = total(used).times(exact(command.usageMultiplier));
  const base = exact(command.baseBudget);
  const budget =
    used.length === 0
      ? base
      : most(base, product.dividedBy(divisor).toDecimalPlaces(scale, Decimal.ROUND_HALF_UP));
  const max = command.maxBudget;
  return max !== undefined && budget.greaterThan(exact(max)) ? exact(max) : budget;
}

function weightsOf(
  books: ReferenceLedger,
  command: A.RebalancePoolCommand,
  agents: readonly RefAgent[],
): readonly Money[] {
  const [byPriority, byUsage] = [exact(command.priorityWeight), exact(command.usageWeight)];
  const uses = agents.map((agent) => usage(books, agent, command.windowMs));
  if (command.normalization === 'RAW') {
    return agents.map(({ priority }, at) => {
      const used = uses[at]!;
      const mean = total(used).dividedBy(used.length === 0 ? 1 : used.length);
      const cut = used.length === 0 ? exact(10n ** 12n) : mean.toDecimalPlaces(36, 1);
      return byPriority.times(priority).plus(byUsage.times(cut));
    });
  }
  const all = total(uses.map(total));
  const priorities = agents.reduce((sum, { priority }) => sum + priority, 0);
  if (all.isZero()) return agents.map(({ priority }) => exact(0n).plus(priority));
  return agents.map(({ priority }, at) =>
    byPriority
      .times(priority)
      .times(all)
      .plus(byUsage.times(total(uses[at]!)).times(priorities)),
  );
}

/** What an agent spent since the minute in which a window begins, one amount per spend or commit. */
function usage(books: ReferenceLedger, agent: RefAgent, windowMs: number): readonly Money[] {
  const start = Math.floor((books.now - windowMs) / MINUTE) * MINUTE;
  return [...books.costs.values()]
    .filter((cost) => cost.agent === agent && cost.time >= start)
    .map(({ amount }) => amount);
}

/**
 * The largest remainder; the weights are in the order of precedence. Remainders are compared before
 * the division: a share that never ends is cut, and two equal ones of different lengths differ then.
 */
function split(whole: Money, weights: readonly Money[], scale: number): readonly Money[] {
  const sum = total(weights);
  const step = exact(1n).times(`1e${12 - scale}`);
  const parts = weights.map((weight) =>
    whole.times(weight).dividedToIntegerBy(sum.times(step)).times(step),
  );
  const left = weights.map((weight, at) => whole.times(weight).minus(parts[at]!.times(sum)));
  const order = parts.map((_part, at) => at);
  order.sort((a, b) => left[b]!.comparedTo(left[a]!) || a - b);
  for (const at of order) {
    if (total(parts).greaterThanOrEqualTo(whole)) break;
    parts[at] = parts[at]!.plus(step);
  }
  return parts;
}
