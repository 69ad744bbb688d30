import type { AgentScope, BudgetEvent } from '../ledger/api.js';

/** The part of a watch of budgets that is of some agents; the snapshot says how many of those it has. */
export async function* cutBudgets(
  events: AsyncIterable<BudgetEvent>,
  admits: AgentScope,
): AsyncGenerator<BudgetEvent, void, undefined> {
  let agentCount = 0;
  for await (const event of events) {
    switch (event.kind) {
      case 'BUDGET':
        if (!admits(event.agent.id)) break;
        agentCount += 1;
        yield event;
        break;
      case 'SNAPSHOT_COMPLETE':
        yield { ...event, agentCount };
        break;
      case 'LEFT':
        if (admits(event.agentId)) yield event;
        break;
    }
  }
}
