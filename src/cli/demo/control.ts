import { Decision } from '../../gen/safeguards/v1/decision_pb.js';
import { ViolationState, ViolationType } from '../../gen/safeguards/v1/violation_pb.js';
import { nameIn } from '../show.js';
import type { Child } from './child.js';
import { admin, agent, makeAgents, metrics, spend, violation } from './calls.js';
import type { Story } from './story.js';

/** How an agent stands. Guide: "Tracking Usage". */
export async function trackingUsage({ agents, operators }: Child, story: Story): Promise<void> {
  story.chapter('Tracking usage');
  await makeAgents(operators, 'standard_services', [['crawler', '200', 5]]);
  const usage = async () => {
    const { metrics: seen } = await agents.call(metrics.getAgentMetrics, { agentId: 'crawler' });
    return `${seen?.usagePercent ?? ''} %, ${seen?.highUsage === true ? 'high' : 'not high'}`;
  };
  await spend(agents, 'crawler', '160');
  story.equal('160 of 200 are used:', await usage(), '80 %, not high');
  await spend(agents, 'crawler', '0.1');
  story.equal('0.1 more:', await usage(), '80.05 %, high');
}

/** Limits and monitors judge inside the deciding transaction. Guide: "Setting Spending Limits". */
export async function spendingLimits({ agents, operators }: Child, story: Story): Promise<void> {
  story.chapter('Setting spending limits');
  await makeAgents(operators, 'standard_services', [['buyer', '1000', 5]]);
  const scope = { case: 'agentId', value: 'buyer' } as const;
  await operators.call(admin.createSpendingLimit, { limitId: 'purchase', scope, value: '100' });
  for (const amount of ['99', '100']) {
    const { decision } = await spend(agents, 'buyer', amount);
    story.equal(`A limit of 100 for each: ${amount} is`, nameIn(Decision, decision), 'APPROVED');
  }
  const { denial } = await spend(agents, 'buyer', '100.01');
  story.equal('100.01 is denied by', denial?.ruleId, 'purchase');
  story.equal('which it exceeds by', denial?.shortfall, '0.01');
  const { violations } = await agents.call(violation.listViolations, { agentId: 'buyer' });
  const [exceeded] = violations;
  const { limit, spent, overage } = exceeded?.details ?? {};
  story.equal('It is a violation:', exceeded?.message, 'Agent exceeded spending limit of 100');
  story.equal(
    'with its numbers,',
    `limit ${limit ?? ''}, spent ${spent ?? ''}, overage ${overage ?? ''}`,
    'limit 100, spent 100.01, overage 0.01',
  );
  const message = 'Searches cost at most 5';
  await operators.call(admin.createBudgetMonitor, {
    monitorId: 'cheap-search',
    scope,
    expression: 'category != "search" || amount <= 5',
    message,
  });
  const search = { requestId: 'search-1', agentId: 'buyer', amount: '6', category: 'search' };
  const judged = await agents.call(agent.spend, search);
  story.equal('A search of 6 meets a monitor:', judged.denial?.message, message);
}

/** One violation for each crossing of a threshold. Guide: "Budget Alerts". */
export async function budgetAlerts({ agents, operators }: Child, story: Story): Promise<void> {
  story.chapter('Budget alerts');
  await operators.call(admin.createBudgetAlert, {
    alertId: 'low',
    subject: { case: 'everyAgent', value: true },
    thresholds: [{ value: '15' }],
  });
  await makeAgents(operators, 'background_tasks', [['indexer', '100', 5]]);
  const found = async () => {
    const { violations } = await agents.call(violation.listViolations, { agentId: 'indexer' });
    const shown = violations.map(
      ({ type, state }) => `${nameIn(ViolationType, type)} ${nameIn(ViolationState, state)}`,
    );
    return shown.length === 0 ? 'nothing' : shown.join(', ');
  };
  await spend(agents, 'indexer', '84');
  story.equal('An alert at 15 %, and 16 remain:', await found(), 'nothing');
  await spend(agents, 'indexer', '1');
  story.equal('15 remain:', await found(), 'LOW_BUDGET OPEN');
  await spend(agents, 'indexer', '5');
  story.equal('10 remain, still one:', await found(), 'LOW_BUDGET OPEN');
  await operators.call(admin.setBudget, { agentId: 'indexer', amount: '60' });
  story.equal('Topped up:', await found(), 'LOW_BUDGET RECOVERED');
}
