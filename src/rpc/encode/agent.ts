import { formatAmount } from '../../domain/amount.js';
import type { Agent } from '../../domain/model.js';
import type { Agent as ProtoAgent } from '../../gen/safeguards/v1/agent_pb.js';
import { AGENT_STATES } from './budget.js';
import { metadataMap } from './pairs.js';
import { timestampOf } from './time.js';

/** Prints an agent's configuration. */
export function encodeAgent(agent: Agent, poolId: string): ProtoAgent {
  return {
    $typeName: 'safeguards.v1.Agent',
    id: agent.id,
    uid: String(agent.uid),
    poolId,
    name: agent.name,
    priority: agent.priority,
    state: AGENT_STATES[agent.state],
    overdraftLimit: formatAmount(agent.overdraftLimit),
    allowForce: agent.allowForce,
    parentId: agent.parentId,
    initialBudget: formatAmount(agent.initialBudget),
    metadata: metadataMap(agent.metadata),
    revision: BigInt(agent.revision),
    createTime: timestampOf(agent.createTime),
    updateTime: timestampOf(agent.updateTime),
    deleteTime: agent.deleteTime === 0 ? undefined : timestampOf(agent.deleteTime),
    openReservationCount: agent.openReservations,
  };
}
