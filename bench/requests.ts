import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import {
  BatchSpendRequestSchema,
  BudgetService,
  CommitRequestSchema,
  GetBudgetRequestSchema,
  ReserveRequestSchema,
  SpendRequestSchema,
  SpendStreamRequestSchema,
} from '../src/gen/safeguards/v1/budget_service_pb.js';
import { templateOf, type Hole } from './wire/template.js';

/** Agents that the load is spread over, evenly. */
export const AGENTS = 1_000;

/** Spends of one BatchSpend. */
export const BATCH_ITEMS = 100;

/** The paths that are called. */
export const PATHS = {
  spend: pathOf('Spend'),
  batchSpend: pathOf('BatchSpend'),
  spendStream: pathOf('SpendStream'),
  reserve: pathOf('Reserve'),
  commit: pathOf('Commit'),
  getBudget: pathOf('GetBudget'),
} as const;

/** The id of an agent by its number, always as long. */
export function agentId(number: number): string {
  return `agent-${String(number).padStart(6, '0')}`;
}

/**
 * Unique ids in the order of time and of the length of a UUID, as clients are advised to make them:
 * the millisecond of the start, then a counter.
 */
export function idsInOrder(): () => string {
  const time = Date.now().toString(16).padStart(12, '0');
  const head = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-`;
  let count = 0;
  return () => head + (count++).toString(16).padStart(12, '0');
}

/** The share of all agents by which each turn goes on: neighbours in time are none in the store. */
const STRIDE = 0.618;

/** The agents in turns that visit each of them equally often. */
export function agentsInTurn(count: number): () => string {
  let stride = Math.max(1, Math.floor(count * STRIDE));
  while (commonDivisor(stride, count) > 1) stride += 1;
  let place = 0;
  return () => {
    place = (place + stride) % count;
    return agentId(place);
  };
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

/** A request_id that no other call of this process has. */
export const nextRequestId = idsInOrder();
const ID = 'request-'.padEnd(36, 'x');
const AGENT = agentId(999_999);

/** What an agent may spend: enough for one that alone takes part in every round. */
export const INITIAL_BUDGET = '100000';

/** What a model call costs: its amount, what for, and how many tokens. */
export const COST = {
  agentId: AGENT,
  amount: '0.0125',
  category: 'model',
  quantities: { tokens: '1500' },
};
const SPEND: MessageInitShape<typeof SpendRequestSchema> = { ...COST, requestId: ID };

const spend = toBinary(SpendRequestSchema, create(SpendRequestSchema, SPEND));
const streamItem = create(SpendStreamRequestSchema, { item: SPEND });
const batch = create(BatchSpendRequestSchema, {
  items: Array.from({ length: BATCH_ITEMS }, () => SPEND),
});
const reserve = create(ReserveRequestSchema, { ...COST, requestId: ID });
const getBudget = create(GetBudgetRequestSchema, { agentId: AGENT });

/** Makes the next request of each kind. */
export type Requests = ReturnType<typeof requestsOf>;

/** Requests of so many agents in turn. */
export function requestsOf(agents: number) {
  const requestId: Hole = { text: ID, next: nextRequestId };
  const agent: Hole = { text: AGENT, next: agentsInTurn(agents) };
  return {
    spend: templateOf(spend, [requestId, agent]),
    streamItem: templateOf(toBinary(SpendStreamRequestSchema, streamItem), [requestId, agent]),
    batch: templateOf(toBinary(BatchSpendRequestSchema, batch), [requestId, agent]),
    reserve: templateOf(toBinary(ReserveRequestSchema, reserve), [requestId, agent]),
    getBudget: templateOf(toBinary(GetBudgetRequestSchema, getBudget), [agent]),
  } as const;
}

/** Settles a hold at less than was held. */
export function nextCommit(reservationId: string): Buffer {
  const commit = create(CommitRequestSchema, {
    requestId: nextRequestId(),
    reservationId,
    amount: '0.0119',
  });
  return Buffer.from(toBinary(CommitRequestSchema, commit));
}

function pathOf(method: string): string {
  return `/${BudgetService.typeName}/${method}`;
}
