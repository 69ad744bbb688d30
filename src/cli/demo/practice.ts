import { RunOutcome } from '../../gen/safeguards/v1/schedule_pb.js';
import { nameIn } from '../show.js';
import type { Child } from './child.js';
import { admin, makeAgents, makePool, metrics, spend } from './calls.js';
import type { Story } from './story.js';

/** Every change is in the ledger by itself. Guide: "Tracking and Logging". */
export async function trackingAndLogging({ operators }: Child, story: Story): Promise<void> {
  story.chapter('Tracking and logging');
  await makeAgents(operators, 'standard_services', [['x', '100', 5]]);
  const set = { agentId: 'x', amount: '75.5', reason: 'usage' };
  await operators.call(admin.setBudget, set);
  const { changes } = await operators.call(metrics.listBudgetChanges, { agentId: 'x' });
  const [change] = changes;
  story.equal(
    'The newest:',
    change?.line,
    'Budget change for agent x (priority 5): 100 → 75.5 (-24.5). Reason: usage',
  );
  story.equal('The change amount is', change?.changeAmount, '-24.5');
}

/** Agents of a pool of 1000: what each has and uses. */
const REVIEWED = [
  ['idle', '100', '9'],
  ['steady', '100', '71'],
  ['tight', '100', '90'],
  ['drained', '100', '91'],
  ['heavy', '600', '540'],
] as const;

/** Who has much or little left. Guide: "Regular Budget Reviews". */
export async function reviews({ agents, operators }: Child, story: Story): Promise<void> {
  story.chapter('Regular budget reviews');
  await makePool(operators, 'audit', '1000');
  for (const [agentId, initialBudget, used] of REVIEWED) {
    await makeAgents(operators, 'audit', [[agentId, initialBudget, 5]]);
    await spend(agents, agentId, used);
  }
  const { findings } = await operators.call(metrics.runBudgetReview, { poolId: 'audit' });
  const [pool, agent, idle, ...others] = findings.map(({ message }) => message);
  story.equal('199 of 1000:', pool, 'Pool audit below 20% remaining - consider rebalancing');
  story.equal('9 of 100:', agent, 'Agent drained budget nearly depleted - consider increasing');
  story.equal('91 of 100:', idle, 'Agent idle using less than 10% of budget - consider reducing');
  story.equal('29, 10 and 60 of 600 are no findings. Others:', String(others.length), '0');
  await operators.call(admin.createSchedule, {
    scheduleId: 'daily-review',
    interval: { seconds: 86_400n },
    action: { case: 'reviewBudgets', value: {} },
  });
  const { run } = await operators.call(admin.runSchedule, { scheduleId: 'daily-review' });
  const outcome = nameIn(RunOutcome, run?.outcome ?? 0);
  story.equal('A schedule does it every day. Run at once, it ends', outcome, 'OK');
}

/** What is spent of 100, the percentage that remains then, and the level that it is. */
const LEVELS = [
  ['50', '50', 'full'],
  ['0.01', '49.99', 'standard'],
  ['44.99', '5', 'minimal'],
  ['0.01', '4.99', 'emergency'],
] as const;

/** What an agent may do as its budget depletes. Guide: "Graceful Degradation". */
export async function degradation({ agents, operators }: Child, story: Story): Promise<void> {
  story.chapter('Graceful degradation');
  await makeAgents(operators, 'background_tasks', [['assistant', '100', 5]]);
  const levels = Object.entries({ full: '50', standard: '20', minimal: '5', emergency: '0' });
  await operators.call(admin.setServiceLevels, {
    scope: { case: 'agentId', value: 'assistant' },
    levels: levels.map(([name, minPercent]) => ({ name, minPercent })),
  });
  for (const [at, [amount, what, level]] of LEVELS.entries()) {
    const { serviceLevel } = await spend(agents, 'assistant', amount, `assistant-${at}`);
    story.equal(`${what} % remain:`, serviceLevel?.name, level);
  }
}
