import type { Child } from './child.js';
import { admin, agent, makeAgents, makePool, remainingOf } from './calls.js';
import type { Story } from './story.js';

const POOLS = [
  ['critical_services', '1000', 9],
  ['standard_services', '2000', 5],
  ['background_tasks', '500', 2],
] as const;

/** Pools are listed with what they were made with. Guide: "Budget Pools". */
export async function budgetPools({ operators }: Child, story: Story): Promise<void> {
  story.chapter('Budget pools');
  for (const [poolId, budget, priority] of POOLS) {
    await makePool(operators, poolId, budget, priority);
  }
  const { pools } = await operators.call(admin.listPools, {});
  const listed = pools.filter(({ id }) => id !== 'default');
  story.equal(
    'Three pools, by priority:',
    listed.map(({ id, initialBudget }) => `${id} ${initialBudget}`).join(', '),
    POOLS.map(([id, budget]) => `${id} ${budget}`).join(', '),
  );
}

/** Agents have budgets, spend from them and hold money. Guide: "Agent Budgets". */
export async function agentBudgets({ agents, operators }: Child, story: Story): Promise<void> {
  story.chapter('Agent budgets');
  await makeAgents(operators, '', [
    ['critical_agent', '200', 8],
    ['standard_agent', '300', 5],
    ['holder', '100', 5],
  ]);
  story.equal('Critical agent budget:', await remainingOf(agents, 'critical_agent'), '200');
  story.equal('Standard agent budget:', await remainingOf(agents, 'standard_agent'), '300');
  const request = { requestId: 'holder-1', agentId: 'holder', amount: '60' };
  const held = await agents.call(agent.reserve, request);
  story.equal('60 of 100 are held before a call. Available:', held.budget?.available, '40');
  const done = await agents.call(agent.commit, {
    requestId: 'holder-2',
    reservationId: held.reservation?.id ?? '',
    amount: '45',
  });
  story.equal('It cost 45, the rest is back. Available:', done.budget?.available, '55');
}
