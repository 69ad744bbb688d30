import { formatAmount } from '../domain/amount.js';
import type { LedgerApi } from '../ledger/api.js';
import type { BudgetAdminService } from '../gen/safeguards/v1/budget_admin_service_pb.js';
import { agentOf } from './budget-service.js';
import { commandMethod } from './command-method.js';
import {
  decodeAgentState,
  decodeCreateAgent,
  decodeDeleteAgent,
  decodeMoveAgent,
  decodeUpdateAgent,
} from './decode/agent.js';
import { decodeListAgents } from './decode/query.js';
import { writtenAgent } from './encode/admin.js';
import { encodeAgent } from './encode/agent.js';
import type { HandlersOf } from './method.js';
import { nextPageToken } from './paging.js';
import { isFailure } from './status.js';

/** The operator's methods on agents. */
export function agentMethods(ledger: LedgerApi) {
  return {
    createAgent: commandMethod(ledger, decodeCreateAgent, (outcome) => ({
      $typeName: 'safeguards.v1.CreateAgentResponse',
      ...writtenAgent(outcome),
    })),
    updateAgent: commandMethod(ledger, decodeUpdateAgent, (outcome) => ({
      $typeName: 'safeguards.v1.UpdateAgentResponse',
      ...writtenAgent(outcome),
    })),
    moveAgent: commandMethod(ledger, decodeMoveAgent, (outcome) => ({
      $typeName: 'safeguards.v1.MoveAgentResponse',
      ...writtenAgent(outcome),
    })),
    deleteAgent: commandMethod(ledger, decodeDeleteAgent, (outcome) => ({
      $typeName: 'safeguards.v1.DeleteAgentResponse',
      ...writtenAgent(outcome),
      returnedAmount: formatAmount(outcome.amount),
    })),
    freezeAgent: commandMethod(ledger, decodeAgentState('FREEZE_AGENT'), (outcome) => ({
      $typeName: 'safeguards.v1.FreezeAgentResponse',
      ...writtenAgent(outcome),
    })),
    unfreezeAgent: commandMethod(ledger, decodeAgentState('UNFREEZE_AGENT'), (outcome) => ({
      $typeName: 'safeguards.v1.UnfreezeAgentResponse',
      ...writtenAgent(outcome),
    })),

    getAgent: ({ agentId }) => {
      const found = agentOf(ledger, agentId);
      if (isFailure(found)) return found;
      return {
        $typeName: 'safeguards.v1.GetAgentResponse',
        agent: encodeAgent(found.agent, found.pool.id),
      };
    },

    listAgents: (request) => {
      const listing = decodeListAgents(request);
      if (isFailure(listing)) return listing;
      const page = ledger.listAgents(listing.filter, listing.page);
      if (isFailure(page)) return page;
      return {
        $typeName: 'safeguards.v1.ListAgentsResponse',
        agents: page.items.map(({ agent, pool }) => encodeAgent(agent, pool.id)),
        nextPageToken: nextPageToken(listing.identity, page.last),
      };
    },
  } satisfies HandlersOf<typeof BudgetAdminService>;
}
