import fc from 'fast-check';
import type { Command } from '../../src/domain/command.js';
import {
  applyConfiguration,
  commit,
  createAgent,
  createPool,
  deleteAgent,
  extend,
  moveAgent,
  poolState,
  rebalancePool,
  refund,
  release,
  reserve,
  setBudget,
  setServiceLevels,
  spend,
  transfer,
} from '../fakes/commands.js';
import { requestEmergency } from '../fakes/emergency-commands.js';
import { DAY, HOUR, MINUTE, SECOND } from '../fakes/manual-time.js';
import {
  createAlert,
  createLimit,
  deleteAlert,
  deleteLimit,
  onLevels,
  thresholds,
} from '../fakes/rule-commands.js';
import {
  createSchedule,
  deleteSchedule,
  fundsPool,
  runSchedule,
  setsBudget,
} from '../fakes/schedules.js';
import { escalate, report, resolve } from '../fakes/violations.js';

/** What one command of a script does. */
export interface Act {
  readonly kind: keyof typeof makers;
  readonly agent: string;
  readonly pool: string;
  readonly otherAgent: string;
  readonly otherPool: string;
  readonly amount: string;
  /** Chooses among the variants of a kind: 0 to 9. */
  readonly variant: number;
  /** Chooses among the things that there are at that moment: 0 to 39. */
  readonly which: number;
  /** 0: a request_id of its own. Else the one that was made so many before. */
  readonly back: number;
}

/** Two commands, the second of which is submitted after the first was decided. */
export interface Pair {
  /** Time that passes before, in milliseconds. */
  readonly passMs: number;
  /** Whether the first is decided together with what the ledger does by itself. */
  readonly chores: boolean;
  readonly first: Act;
  /** Undefined: the first again, a retry of its client. */
  readonly second: Act | undefined;
}

/** A history, and for how long its reservations can still be committed once they have expired. */
export interface Script {
  readonly lateWindowMs: number;
  readonly pairs: readonly Pair[];
}

/** What a script has come to so far. */
export interface Progress {
  /** Request_ids that were made. */
  requests: number;
  /** Ids of reservations, oldest first. */
  readonly holds: string[];
  /** Entries of spends, oldest first. */
  readonly spends: number[];
}

/** A script that has not begun. */
export function noProgress(): Progress {
  return { requests: 0, holds: [], spends: [] };
}

function fresh(progress: Progress): string {
  progress.requests += 1;
  return `script-${progress.requests}`;
}

function requestIdOf({ back }: Act, progress: Progress): string {
  if (back === 0 || back >= progress.requests) return fresh(progress);
  return `script-${progress.requests - back}`;
}

function among<T>(list: readonly T[], at: number): T {
  const found = list[at % list.length];
  if (found === undefined) throw new Error('nothing to choose from');
  return found;
}

/** One of the latest. */
function latest<T>(list: readonly T[], which: number, none: T): T {
  return list[list.length - 1 - (which % 4)] ?? none;
}

const holdOf = (act: Act, { holds }: Progress) => latest(holds, act.which, 'none');

function alertOf({ pool, variant, which }: Act): Command {
  const id = `alert-${which % 5}`;
  const subject = among(['EVERY_AGENT', `EACH_AGENT_OF_POOL ${pool}`, `POOL ${pool}`], which);
  if (variant < 2) return createAlert(id, subject, onLevels('reduced', 'minimal'));
  if (variant > 4) return createAlert(id, subject, { thresholds: thresholds('80', '30') });
  const soon = { condition: 'EXHAUSTION_WITHIN', thresholds: thresholds('7200 HIGH') } as const;
  return createAlert(id, subject, { ...soon, rearmMargin: 0n });
}

function limitOf({ agent, pool, variant, which }: Act): Command {
  const scopes = [
    { kind: 'AGENT', id: agent },
    { kind: 'AGENT', id: agent },
    { kind: 'POOL', id: pool },
    { kind: 'EACH_AGENT_OF_POOL', id: pool },
  ] as const;
  const lifetime = { kind: 'LIFETIME' } as const;
  const rolling = { kind: 'ROLLING', durationMs: 10 * MINUTE } as const;
  const window = variant < 3 ? lifetime : rolling;
  return createLimit(`limit-${which % 5}`, '60', among(scopes, variant), {
    includePast: true,
    window,
  });
}

function scheduleOf({ agent, pool, amount, variant, which }: Act): Command {
  const actions = [
    setsBudget(`pool ${pool}`, amount),
    setsBudget(`agent ${agent}`, amount),
    fundsPool(pool, '20'),
  ];
  return createSchedule(`schedule-${which % 3}`, 30 * SECOND, among(actions, variant));
}

const POOL_STATES = ['FREEZE_POOL', 'UNFREEZE_POOL', 'UNFREEZE_POOL', 'DELETE_POOL'] as const;

const makers = {
  createAgent: ({ agent, pool }: Act, progress: Progress) =>
    createAgent(agent, pool, '60', { requestId: fresh(progress) }),
  deleteAgent: ({ agent, variant }: Act, progress: Progress) =>
    deleteAgent(agent, { releaseReservations: variant < 7, requestId: fresh(progress) }),
  moveAgent: ({ agent, pool }: Act, progress: Progress) =>
    moveAgent(agent, pool, { requestId: fresh(progress) }),
  spend: (act: Act, progress: Progress) =>
    spend(act.agent, act.amount, {
      requestId: requestIdOf(act, progress),
      mode: act.variant === 0 ? 'FORCE' : 'STRICT',
    }),
  reserve: (act: Act, progress: Progress) =>
    reserve(act.agent, act.amount, {
      requestId: requestIdOf(act, progress),
      ttlMs: among([SECOND, MINUTE, MINUTE, HOUR, HOUR], act.variant),
    }),
  commit: (act: Act, progress: Progress) =>
    commit(holdOf(act, progress), act.amount, {
      requestId: requestIdOf(act, progress),
      final: act.variant < 5,
    }),
  release: (act: Act, progress: Progress) =>
    release(holdOf(act, progress), requestIdOf(act, progress)),
  extend: (act: Act, progress: Progress) =>
    extend(holdOf(act, progress), 2 * MINUTE, requestIdOf(act, progress)),
  refund: ({ variant, which }: Act, progress: Progress) =>
    refund(latest(progress.spends, which, 1), variant < 5 ? '1' : undefined, {
      requestId: fresh(progress),
    }),
  transfer: ({ agent, pool, otherAgent, otherPool, amount, variant }: Act, progress: Progress) =>
    transfer(
      variant < 5 ? `agent ${agent}` : `pool ${pool}`,
      variant < 7 ? `agent ${otherAgent}` : `pool ${otherPool}`,
      amount,
      { requestId: fresh(progress) },
    ),
  setBudget: ({ agent, amount, variant }: Act, progress: Progress) =>
    setBudget(agent, amount, { requestId: fresh(progress), resetBaseline: variant < 5 }),
  createLimit: limitOf,
  deleteLimit: ({ which }: Act) => deleteLimit(`limit-${which % 5}`),
  createAlert: alertOf,
  deleteAlert: ({ which }: Act) => deleteAlert(`alert-${which % 5}`),
  createSchedule: scheduleOf,
  runSchedule: ({ which }: Act, progress: Progress) =>
    runSchedule(`schedule-${which % 3}`, { requestId: fresh(progress) }),
  deleteSchedule: ({ which }: Act) => deleteSchedule(`schedule-${which % 3}`),
  report: (act: Act, progress: Progress) =>
    report(act.agent, { requestId: requestIdOf(act, progress) }),
  resolve: ({ which }: Act, progress: Progress) =>
    resolve(1 + (which % 12), { requestId: fresh(progress) }),
  escalate: ({ which }: Act, progress: Progress) =>
    escalate(1 + (which % 12), 'CRITICAL', { requestId: fresh(progress) }),
  poolState: ({ pool, which }: Act, progress: Progress) =>
    poolState(among(POOL_STATES, which), pool, { requestId: fresh(progress) }),
  createPool: ({ pool }: Act, progress: Progress) =>
    createPool(pool, '500', { requestId: fresh(progress) }),
  rebalancePool: ({ pool }: Act, progress: Progress) =>
    rebalancePool(pool, undefined, { requestId: fresh(progress) }),
  setServiceLevels: ({ pool, variant, which }: Act, progress: Progress) =>
    setServiceLevels(
      which % 2 === 0 ? 'everybody' : `pool ${pool}`,
      variant < 7 ? 'full=50 reduced=20 minimal=0' : '',
      { requestId: fresh(progress) },
    ),
  requestEmergency: (act: Act, progress: Progress) =>
    requestEmergency(act.agent, act.amount, 'x', { requestId: requestIdOf(act, progress) }),
  applyConfiguration: ({ agent, pool }: Act, progress: Progress) =>
    applyConfiguration({
      requestId: fresh(progress),
      agents: [{ id: agent, poolId: pool }],
      pools: [{ id: pool }],
    }),
} satisfies Record<string, (act: Act, progress: Progress) => Command>;

/** The command that an act comes to at a moment. */
export function commandOf(act: Act, progress: Progress): Command {
  return makers[act.kind](act, progress);
}

/** How often each act comes up: the agents' verbs most. */
const weights: Record<Act['kind'], number> = {
  createAgent: 3,
  deleteAgent: 1,
  moveAgent: 2,
  spend: 12,
  reserve: 8,
  commit: 6,
  release: 3,
  extend: 4,
  refund: 4,
  transfer: 2,
  setBudget: 2,
  createLimit: 2,
  deleteLimit: 2,
  createAlert: 2,
  deleteAlert: 2,
  createSchedule: 2,
  runSchedule: 1,
  deleteSchedule: 1,
  report: 2,
  resolve: 1,
  escalate: 1,
  poolState: 2,
  createPool: 2,
  rebalancePool: 2,
  setServiceLevels: 2,
  requestEmergency: 2,
  applyConfiguration: 2,
};

const agent = fc.constantFrom('a0', 'a1', 'a2', 'a3');
const pool = fc.constantFrom('p0', 'p1', 'p2');

const act: fc.Arbitrary<Act> = fc.record({
  kind: fc.oneof(
    ...(Object.entries(weights) as [Act['kind'], number][]).map(([kind, weight]) => ({
      weight,
      arbitrary: fc.constant(kind),
    })),
  ),
  agent,
  pool,
  otherAgent: agent,
  otherPool: pool,
  amount: fc.integer({ min: 1, max: 30 }).map(String),
  variant: fc.nat(9),
  which: fc.nat(39),
  back: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 5 }) },
  ),
});

function pairsOver(passes: fc.Arbitrary<number>): fc.Arbitrary<readonly Pair[]> {
  const pair = fc.record({
    passMs: fc.oneof(
      { weight: 5, arbitrary: fc.constant(0) },
      { weight: 3, arbitrary: fc.nat(2 * SECOND) },
      { weight: 2, arbitrary: passes },
    ),
    chores: fc.oneof(
      { weight: 2, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
    first: act,
    second: fc.option(act, { nil: undefined, freq: 12 }),
  });
  // A bias to small numbers would leave most agents and variants out of the first scripts.
  return fc.noBias(fc.array(pair, { minLength: 1, maxLength: 180, size: 'max' }));
}

/** Reservations live long enough to be used, expired or not. */
const brisk = fc.record({
  lateWindowMs: fc.constant(DAY),
  pairs: pairsOver(fc.constantFrom(5 * SECOND, 20 * SECOND, 40 * SECOND)),
});

/** Reservations, request_ids and windows end between one pair and the next. */
const slow = fc.record({
  lateWindowMs: fc.constant(2 * MINUTE),
  pairs: pairsOver(fc.constantFrom(40 * SECOND, 40 * SECOND, 6 * MINUTE, 6 * MINUTE, HOUR)),
});

/** Scripts of up to 180 pairs. */
export const scripts: fc.Arbitrary<Script> = fc.oneof(
  { weight: 2, arbitrary: brisk },
  { weight: 1, arbitrary: slow },
);
