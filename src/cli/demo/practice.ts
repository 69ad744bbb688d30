import type { Child } from './child.js';
import { admin, makeAgents, metrics } from './calls.js';
import type { Story } from './story.js';

/** Every change is in the ledger by itself. Guide: "Tracking and Logging". */
export async function trackingAndLogging({ operators }: Child, story: Story): Promise<void> {
  story.chapter('Tracking and logging');
  await makeAgents(operators, 'standard_services', [['x', '100', 5]]);
  const set = { agentId: 'x', amount: '75.5', reason: 'usage' };
  await operators.call(admin.setBudget, set);
  const { changes } = await operators.call(metrics.listBudgetChanges, { agentId: 'x' });
  const [change] = changes;
  story.equal('The change amount of 100 -> 75.5 is', change?.changeAmount, '-24.5');
  story.equal('and its reason', change?.reason, 'usage');
}
