import { EmergencyOutcome } from '../../gen/safeguards/v1/emergency_pb.js';
import { nameIn } from '../show.js';
import { admin, agent, makeAgents, makePool, spend } from './calls.js';
import type { Child } from './child.js';
import type { Story } from './story.js';

/** Who asks for 50 of its 10 left, for what reason, and what it must get. */
const REQUESTS = [
  ['pager', 8, 'the index is gone', 'APPROVED 50, 60 remaining'],
  ['backup', 6, 'CRITICAL outage', 'PARTIALLY_APPROVED 25, 35 remaining'],
  ['report', 6, 'routine', 'DENIED 0, 10 remaining'],
  ['batch', 2, 'this is non-critical', 'DENIED 0, 10 remaining'],
] as const;

/** Money beyond the budget, by a policy that operators set. Guide: "Emergency Budget Allocation". */
export async function emergencies({ agents, operators }: Child, story: Story): Promise<void> {
  story.chapter('Emergency budget allocation');
  await makePool(operators, 'ops', '1400');
  for (const [agentId, priority] of REQUESTS) {
    await makeAgents(operators, 'ops', [[agentId, '100', priority]]);
    await spend(agents, agentId, '90');
  }
  const ask = async (agentId: string, reason: string) => {
    const request = { requestId: `emergency-${agentId}`, agentId, amount: '50', reason };
    const answer = await agents.call(agent.requestEmergencyAllocation, request);
    const outcome = nameIn(EmergencyOutcome, answer.outcome);
    return `${outcome} ${answer.approvedAmount}, ${answer.budget?.remaining ?? ''} remaining`;
  };
  const before = await ask('pager', 'the index is gone');
  story.equal('Before there is a policy:', before, 'DENIED 0, 10 remaining');
  await operators.call(admin.setEmergencyPolicy, { poolId: 'ops' });
  for (const [agentId, priority, reason, outcome] of REQUESTS) {
    const what = `50 for priority ${priority}, because "${reason}":`;
    story.equal(what, await ask(agentId, reason), outcome);
  }
}
