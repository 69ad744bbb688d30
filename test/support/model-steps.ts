import fc from 'fast-check';
import type { SpendCommand, SpendMode } from '../../src/domain/command.js';
import {
  adjustBudget,
  agentState,
  allocateByPriority,
  allocateDynamic,
  commit,
  createAgent,
  createPool,
  deleteAgent,
  extend,
  fundPool,
  moveAgent,
  poolState,
  rebalancePool,
  refund,
  release,
  reserve,
  setBudget,
  spend,
  transfer,
  updateAgent,
  updatePool,
} from '../fakes/commands.js';
import { recordBudgetChange } from '../fakes/annotations.js';
import { DAY, HOUR, MINUTE, SECOND } from '../fakes/manual-time.js';
import { money } from './seed.js';
import type { Books } from './reference.js';
import type { Command } from './reference-ledger.js';

/** What one command of a history does; its numbers choose among what there is at that moment. */
export interface Act {
  readonly kind: keyof typeof makers;
  readonly x: number;
  readonly y: number;
  readonly amount: string;
  readonly flag: boolean;
}

/** One step of a history. */
export type Step =
  | { readonly kind: 'do'; readonly act: Act }
  | { readonly kind: 'burst'; readonly acts: readonly Act[] }
  | { readonly kind: 'batch'; readonly acts: readonly Act[]; readonly atomic: boolean }
  | { readonly kind: 'repeat'; readonly x: number; readonly altered: boolean }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'sweep' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'crash'; readonly acts: readonly Act[] };

export const AGENT_IDS = ['a0', 'a1', 'a2', 'a3'] as const;
export const POOL_IDS = ['p0', 'p1', 'p2', 'default'] as const;

function among<T>(list: readonly T[], at: number): T {
  const found = list[at % list.length];
  if (found === undefined) throw new Error('nothing to choose from');
  return found;
}

const agentOf = (at: number) => among(AGENT_IDS, at);
const poolOf = (at: number) => among(POOL_IDS, at);
const MODES: readonly SpendMode[] = ['STRICT', 'STRICT', 'UP_TO', 'FORCE'];
const POLICIES = ['SETTLE_ACTUAL', 'SETTLE_ACTUAL', 'WITHIN_AVAILABLE', 'REJECT'] as const;
const TTLS = [SECOND, MINUTE, HOUR, DAY];

/** A hold that was made, mostly one that is open; `none` while there are none. */
function holdOf(books: Books, at: number): string {
  const open = books.holds.filter((hold) => hold.state === 'OPEN');
  const list = open.length > 0 && at % 3 > 0 ? open : books.holds;
  return list.length === 0 ? 'none' : among(list, at).id;
}

function spending(act: Act): SpendCommand {
  const mode = among(MODES, act.y);
  return spend(agentOf(act.x), act.amount, { mode, dryRun: act.flag && act.y % 5 === 0 });
}

function partyOf(at: number): string {
  return at % 3 === 0 ? `pool ${poolOf(at)}` : `agent ${agentOf(at)}`;
}

/** An operator's request_id, or none. */
const named = ({ flag, x, y }: Act, text: string) => ({
  requestId: flag ? `operator-${text}-${x}-${y}` : '',
});

/** Whom an allocation is about: mostly everybody in the pool. */
const SUBJECTS = [
  { agentIds: [] },
  { agentIds: [] },
  { agentIds: [] },
  { agentIds: ['a0'] },
  { agentIds: ['a0', 'a1', 'a2'] },
];
const WINDOWS = [MINUTE, HOUR, DAY, 10 * DAY, 45 * DAY, 90 * DAY];

const makers = {
  spend: (act: Act) => spending(act),
  reserve: ({ x, y, amount, flag }: Act) =>
    reserve(agentOf(x), amount, { mode: flag ? 'UP_TO' : 'STRICT', ttlMs: among(TTLS, y) }),
  commit: ({ x, y, amount, flag }: Act, books: Books) =>
    commit(holdOf(books, x), y % 4 === 0 ? undefined : amount, {
      final: flag,
      overage: among(POLICIES, y),
    }),
  release: ({ x }: Act, books: Books) => release(holdOf(books, x)),
  extend: ({ x, y }: Act, books: Books) => extend(holdOf(books, x), among(TTLS, y)),
  createPool: (act: Act) =>
    createPool(poolOf(act.x), act.amount, {
      scale: among([6, 6, 2], act.y),
      unit: act.y % 7 === 0 ? 'EUR' : 'USD',
      funding: act.y % 4 === 0 ? 'ON_DEMAND' : 'FIXED',
      minBalance: act.y % 3 === 0 ? money('10') : 0n,
      ...named(act, 'pool'),
    }),
  updatePool: ({ x, amount }: Act) => updatePool(poolOf(x), { minBalance: money(amount) }),
  fundPool: (act: Act) => fundPool(poolOf(act.x), signed(act), named(act, 'fund')),
  deletePool: ({ x }: Act) => poolState('DELETE_POOL', poolOf(x)),
  freezePool: ({ x, flag }: Act) => poolState(flag ? 'FREEZE_POOL' : 'UNFREEZE_POOL', poolOf(x)),
  createAgent: (act: Act) =>
    createAgent(agentOf(act.x), poolOf(act.y), act.amount, {
      priority: 1 + (act.y % 10),
      overdraftLimit: act.y % 5 === 0 ? money('7.5') : 0n,
      ...named(act, 'agent'),
    }),
  updateAgent: ({ x, y, flag }: Act) =>
    updateAgent(agentOf(x), {
      overdraftLimit: money(among(['0', '2.5', '20'], y)),
      allowForce: flag,
    }),
  moveAgent: ({ x, y }: Act) => moveAgent(agentOf(x), poolOf(y)),
  deleteAgent: (act: Act) =>
    deleteAgent(agentOf(act.x), { releaseReservations: act.y % 2 === 0, ...named(act, 'delete') }),
  freezeAgent: ({ x, flag }: Act) =>
    agentState(flag ? 'FREEZE_AGENT' : 'UNFREEZE_AGENT', agentOf(x)),
  setBudget: (act: Act) =>
    setBudget(agentOf(act.x), act.amount, { resetBaseline: act.flag, ...named(act, 'set') }),
  adjustBudget: (act: Act) => adjustBudget(agentOf(act.x), signed(act), named(act, 'adjust')),
  transfer: (act: Act) =>
    transfer(partyOf(act.x), partyOf(act.y), act.amount === '0' ? '1' : act.amount, {
      ...named(act, 'transfer'),
    }),
  recordChange: (act: Act) =>
    recordBudgetChange(agentOf(act.x), signed(act), act.amount, named(act, 'record')),
  refund: ({ x, y, amount, flag }: Act, books: Books) => {
    const costs = [...books.costs.keys()];
    const sequence = costs.length === 0 || y % 9 === 0 ? 1 + (x % 50) : among(costs, x);
    return refund(sequence, flag || amount === '0' ? undefined : amount);
  },
  allocateDynamic: (act: Act) =>
    allocateDynamic(poolOf(act.x), act.amount, {
      ...among(SUBJECTS, act.y),
      ...named(act, 'dynamic'),
      statistic: act.y % 2 === 0 ? 'MEAN_PER_ENTRY' : 'MEAN_PER_HOUR',
      maxBudget: act.y % 5 === 0 ? money('300') : undefined,
      windowMs: among(WINDOWS, act.y),
    }),
  allocateByPriority: (act: Act) =>
    allocateByPriority(poolOf(act.x), act.y % 3 === 0 ? act.amount : undefined, {
      ...among(SUBJECTS, act.y),
      ...named(act, 'priority'),
      shortage: act.y % 2 === 0 ? 'SCALE' : 'REJECT',
    }),
  rebalancePool: (act: Act) =>
    rebalancePool(poolOf(act.x), act.y % 3 === 0 ? act.amount : undefined, {
      ...among(SUBJECTS, act.y),
      ...named(act, 'rebalance'),
      normalization: act.y % 2 === 0 ? 'SHARE' : 'RAW',
      minPerAgent: act.y % 5 === 0 ? money('2.5') : 0n,
      windowMs: among(WINDOWS, act.y),
    }),
} satisfies Record<string, (act: Act, books: Books) => Command>;

function signed({ amount, flag }: Act): string {
  const above = amount === '0' ? '1' : amount;
  return flag ? `-${above}` : above;
}

/** The command that an act comes to at a moment. */
export function commandOf(act: Act, books: Books): Command {
  return makers[act.kind](act, books);
}

/** The items that the acts of a batch come to. */
export function itemsOf(acts: readonly Act[]): readonly SpendCommand[] {
  return acts.map((act) => spending({ ...act, flag: false }));
}

const amounts = fc.constantFrom(
  ...['0', '0.1', '0.000001', '0.0000001', '0.333333', '1', '3.75', '5', '10', '12.5', '40'],
  ...['100', '100', '250.5', '1000', '5000'],
);

/** How often each act comes up: the agents' verbs most. */
const weights: Record<Act['kind'], number> = {
  spend: 12,
  reserve: 10,
  commit: 12,
  release: 4,
  extend: 3,
  createPool: 4,
  updatePool: 1,
  fundPool: 3,
  deletePool: 1,
  freezePool: 2,
  createAgent: 8,
  updateAgent: 2,
  moveAgent: 3,
  deleteAgent: 2,
  freezeAgent: 2,
  setBudget: 4,
  adjustBudget: 4,
  transfer: 4,
  recordChange: 2,
  refund: 4,
  allocateDynamic: 2,
  allocateByPriority: 2,
  rebalancePool: 3,
};

const act: fc.Arbitrary<Act> = fc.record({
  kind: fc.oneof(
    ...(Object.entries(weights) as [Act['kind'], number][]).map(([kind, weight]) => ({
      weight,
      arbitrary: fc.constant(kind),
    })),
  ),
  x: fc.nat(999),
  y: fc.nat(999),
  amount: amounts,
  flag: fc.boolean(),
});
const acts = fc.array(act, { minLength: 1, maxLength: 6 });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 60, arbitrary: fc.record({ kind: fc.constant('do' as const), act }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('burst' as const), acts }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('batch' as const), acts, atomic: fc.boolean() }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('repeat' as const),
      x: fc.nat(9_999),
      altered: fc.boolean(),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(1, SECOND, 30 * SECOND, MINUTE, HOUR, DAY, 7 * DAY),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ kind: 'sweep' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), acts }) },
);

/** Histories of about a hundred steps, begun with something to spend. */
export const histories = fc.array(step, { minLength: 20, maxLength: 120, size: 'max' });
