import type { Allocation } from '../../gen/safeguards/v1/allocation_pb.js';
import { AllocationShortagePolicy } from '../../gen/safeguards/v1/allocation_pb.js';
import type { Child } from './child.js';
import { admin, makeAgents, makePool, reasonOf, spend } from './calls.js';
import type { Story } from './story.js';

/** An operator sets a budget, within its pool. Guide: "Fixed Allocation". */
export async function fixedAllocation({ agents, operators }: Child, story: Story): Promise<void> {
  story.chapter('Fixed allocation');
  await makePool(operators, 'fixed', '1000');
  await makeAgents(operators, 'fixed', [['fixed_budget_agent', '100', 5]]);
  const { budget } = await spend(agents, 'fixed_budget_agent', '30');
  story.equal('100, and 30 are spent. Remaining:', budget?.remaining, '70');
  const set = (amount: string) =>
    operators.call(admin.setBudget, { agentId: 'fixed_budget_agent', amount });
  const after = await set('150');
  story.equal('Set to 150. Remaining:', after.budget?.remaining, '150');
  story.equal('That is no usage. Spent:', after.budget?.spent, '30');
  const reason = await reasonOf(set('2000'));
  story.equal('More than the pool has is refused with', reason, 'INSUFFICIENT_POOL_BUDGET');
}

/** Budgets by usage, exactly. Guide: "Dynamic Allocation". */
export async function dynamicAllocation({ agents, operators }: Child, story: Story): Promise<void> {
  story.chapter('Dynamic allocation');
  await makePool(operators, 'dynamic', '1000');
  await makeAgents(operators, 'dynamic', [
    ['user', '600', 5],
    ['newcomer', '100', 5],
  ]);
  for (const amount of ['100', '200', '300']) await spend(agents, 'user', amount);
  const { allocations } = await operators.call(admin.allocateDynamic, {
    poolId: 'dynamic',
    baseBudget: '50',
    usageMultiplier: '1.2',
  });
  const budgets = shownOf(allocations);
  story.equal('1.2 times the mean of 100, 200, 300, and a base:', budgets, 'newcomer 50, user 240');
}

/** Critical agents first, the whole divided to the last digit. Guide: "Priority-Based Allocation". */
export async function priorityAllocation({ operators }: Child, story: Story): Promise<void> {
  story.chapter('Priority-based allocation');
  await makePool(operators, 'shared', '1000');
  await makeAgents(operators, 'shared', [
    ['nine', '1', 9],
    ['five', '1', 5],
    ['three', '1', 3],
  ]);
  const shared = await operators.call(admin.allocateByPriority, {
    poolId: 'shared',
    total: '1000',
  });
  story.equal(
    '1000 by priorities 9, 5, 3:',
    shownOf(shared.allocations),
    'nine 552.941176, five 279.411765, three 167.647059',
  );
  story.equal('together', shared.total, '1000');
  await makePool(operators, 'scarce', '120');
  await makeAgents(operators, 'scarce', [
    ['a', '1', 10],
    ['b', '1', 9],
    ['c', '1', 8],
    ['d', '1', 5],
  ]);
  const scarce = { poolId: 'scarce', total: '120' };
  const reason = await reasonOf(operators.call(admin.allocateByPriority, scarce));
  story.equal('120 do not cover three minimums of 50:', reason, 'ALLOCATION_SHORTAGE');
  const shortage = AllocationShortagePolicy.SCALE;
  const scaled = await operators.call(admin.allocateByPriority, { ...scarce, shortage });
  story.equal('Scaled:', shownOf(scaled.allocations), 'a 40, b 40, c 40, d 0');
}

/** What a pool has left is divided anew. Guide: "Budget Rebalancing". */
export async function rebalancing({ operators }: Child, story: Story): Promise<void> {
  story.chapter('Budget rebalancing');
  await makePool(operators, 'team', '1000');
  await makeAgents(operators, 'team', [
    ['lead', '500', 8],
    ['member', '300', 5],
    ['intern', '200', 2],
  ]);
  const { allocations, total } = await operators.call(admin.rebalancePool, { poolId: 'team' });
  story.equal(
    'Priorities 8, 5, 2 without usage:',
    shownOf(allocations),
    'lead 533.333334, member 333.333333, intern 133.333333',
  );
  story.equal('together', total, '1000');
}

function shownOf(allocations: readonly Allocation[]): string {
  return allocations.map(({ agentId, newRemaining }) => `${agentId} ${newRemaining}`).join(', ');
}
