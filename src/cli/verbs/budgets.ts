import { BudgetAdminService } from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../gen/safeguards/v1/budget_service_pb.js';
import { budgetLine, budgetTable, entryNote, poolLine } from '../show.js';
import { verb, type Verb } from '../verb.js';
import { withParties } from './complete.js';

const agents = BudgetService.method;
const admin = BudgetAdminService.method;

/** What is done to the balances of agents. */
export const BUDGET_VERBS: readonly Verb[] = [
  verb({
    words: 'budget get',
    summary: 'Show the balance of an agent',
    listener: 'agent',
    method: agents.getBudget,
    positional: ['agent_id'],
    example: 'budget get writer --json',
    show: ({ budget }) => budgetTable(budget ? [budget] : []),
  }),
  verb({
    words: 'budget list',
    summary: 'Show the balances of several agents as of one moment',
    listener: 'agent',
    method: agents.batchGetBudgets,
    positional: ['agent_ids...'],
    example: 'budget list writer reader',
    show: ({ budgets }) => budgetTable(budgets),
  }),
  verb({
    words: 'budget watch',
    summary: 'Follow the balances of agents, or of a pool, until interrupted',
    listener: 'agent',
    method: agents.watchBudgets,
    positional: ['[agent_ids...]'],
    example: 'budget watch --pool research --min-interval 1s',
    show: ({ event, serviceLevel }) => {
      switch (event.case) {
        case 'budget':
          return `${budgetLine(event.value).trimEnd()}${levelNote(serviceLevel)}\n`;
        case 'snapshotComplete':
          return `That was every one of ${event.value.agentCount}; changes follow.\n`;
        case 'agentLeft':
          return `${event.value.agentId} left.\n`;
        case undefined:
          return '';
      }
    },
  }),
  verb({
    words: 'budget set',
    summary: 'Set what remains of a budget',
    listener: 'admin',
    method: admin.setBudget,
    positional: ['agent_id', 'amount'],
    example: 'budget set writer 100 --reset-baseline',
    show: (response) => `Set${entryNote(response)}. ${budgetLine(response.budget)}`,
  }),
  verb({
    words: 'budget adjust',
    summary: 'Add to a budget, or with a negative amount take from it',
    listener: 'admin',
    method: admin.adjustBudget,
    positional: ['agent_id', 'delta'],
    example: 'budget adjust writer -25 --reason "moved to tools"',
    show: (response) => `Adjusted${entryNote(response)}. ${budgetLine(response.budget)}`,
  }),
  verb({
    words: 'transfer',
    summary: 'Move money from an agent or pool to another',
    listener: 'admin',
    method: admin.transferBudget,
    positional: ['source', 'destination', 'amount'],
    example: 'transfer agent:writer pool:research 12.5',
    complete: withParties,
    show: (response) =>
      [
        `Transferred${entryNote(response)}.\n`,
        budgetLine(response.sourceBudget),
        poolLine(response.sourcePool),
        budgetLine(response.destinationBudget),
        poolLine(response.destinationPool),
      ].join(''),
  }),
  verb({
    words: 'refund',
    summary: 'Take back a spend or commit, wholly or in part',
    listener: 'admin',
    method: admin.refundSpend,
    positional: ['sequence', '[amount]'],
    example: 'refund 17 0.50 --reason "charged twice"',
    show: (response) =>
      `Refunded ${response.refundedAmount}${entryNote(response)}, ` +
      `${response.refundableAmount} may still be. ${budgetLine(response.budget)}`,
  }),
];

function levelNote(level: { readonly name: string } | undefined): string {
  return level === undefined ? '' : ` Service level: ${level.name}.`;
}
