import type { ExpressionInput } from '../../src/domain/expression.js';
import type { Agent, Metadata, Pool } from '../../src/domain/model.js';
import { money } from '../support/seed.js';
import { T0 } from './manual-time.js';

/** What a test says about a request; the rest is as it usually is. */
export interface Request {
  readonly amount?: string;
  readonly category?: string;
  readonly quantities?: Readonly<Record<string, string>>;
  readonly now?: string;
  readonly agent?: Partial<Agent>;
  readonly agentMetadata?: Readonly<Record<string, string>>;
  readonly pool?: Partial<Pool>;
  readonly poolMetadata?: Readonly<Record<string, string>>;
}

/** A request by writer-1 of the pool research: 100 allocated, 40 spent, 10 reserved. */
export function expressionInput(request: Request = {}): ExpressionInput {
  return {
    agent: { ...AGENT, metadata: pairs(request.agentMetadata), ...request.agent },
    pool: { ...POOL, metadata: pairs(request.poolMetadata), ...request.pool },
    amount: money(request.amount ?? '1'),
    category: request.category ?? '',
    quantities: pairs(request.quantities).map(([name, text]) => ({ name, amount: money(text) })),
    now: request.now === undefined ? T0 : Date.parse(request.now),
  };
}

function pairs(map: Readonly<Record<string, string>> = {}): Metadata {
  return Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
}

const AGENT: Agent = {
  uid: 7,
  id: 'writer-1',
  poolUid: 3,
  name: 'Writer',
  priority: 5,
  state: 'ACTIVE',
  allocated: money('100'),
  spent: money('40'),
  reserved: money('10'),
  base: money('100'),
  baseline: money('100'),
  overdraftLimit: money('5'),
  allowForce: true,
  parentId: '',
  initialBudget: money('100'),
  metadata: [],
  revision: 1,
  budgetRevision: 1,
  createTime: T0,
  updateTime: T0,
  budgetTime: T0,
  deleteTime: 0,
  openReservations: 2,
  quantityNames: [],
  lastSequence: 1,
  usageHour: 0,
  usage: [],
  spendCount: 0,
  lastSpendTime: 0,
  serviceLevel: '',
};

const POOL: Pool = {
  uid: 3,
  id: 'research',
  name: 'Research',
  priority: 6,
  unit: 'USD',
  scale: 6,
  funding: 'FIXED',
  state: 'ACTIVE',
  funded: money('1000'),
  spent: money('240'),
  reserved: money('60'),
  unallocated: money('300'),
  debt: 0n,
  base: money('1000'),
  baseline: money('1000'),
  minBalance: money('50'),
  initialBudget: money('1000'),
  metadata: [],
  revision: 1,
  createTime: T0,
  updateTime: T0,
  agentCount: 1,
  lastSequence: 1,
  usageHour: 0,
  usage: [],
};
