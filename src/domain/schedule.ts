import type { AllocateDynamicCommand, RebalancePoolCommand } from './allocation/command.js';
import type { Amount } from './amount.js';
import { nextDue } from './interval.js';
import type { Instant, Uid } from './model.js';
import type { Scope } from './scope.js';
import { sequenceKey } from './violation.js';

/** Schedules that there may be. */
export const SCHEDULES_MAX = 1_000;

/** Runs of one schedule that are kept; the oldest goes when there is one more. */
export const RUNS_KEPT_MAX = 100;

/** Agents that the action of a schedule may name. Without names it is for all of the pool. */
export const SCHEDULED_AGENTS_MAX = 100;

/** The shortest and the longest time between two runs of an interval. */
export const INTERVAL_MS = { min: 60_000, max: 366 * 86_400_000 } as const;

/**
 * A run that could not begin within this time after it was due was missed: the sidecar was down, its
 * machine asleep, or the clock was set ahead. Where it serves, every run begins within a second, so a
 * restart at midnight costs no recurring budget.
 */
export const MISSED_AFTER_MS = 60_000;

/** When a schedule is due. */
export type ScheduleTiming =
  | {
      readonly kind: 'CRON';
      /** Five fields, see cron.ts. */
      readonly cron: string;
      /** IANA time zone. */
      readonly zone: string;
    }
  | {
      readonly kind: 'INTERVAL';
      /** INTERVAL_MS. */
      readonly everyMs: number;
      /** First due one interval later. */
      readonly anchor: Instant;
    };

/**
 * The first moment after `after` at which a timing is due, or undefined when there is none. A function of
 * its arguments: no clock is read and nothing waits.
 */
export type DueAfter = (timing: ScheduleTiming, after: Instant) => Instant | undefined;

/** DueAfter of intervals. */
export function intervalDueAfter(
  timing: Extract<ScheduleTiming, { readonly kind: 'INTERVAL' }>,
  after: Instant,
): Instant {
  const { anchor, everyMs } = timing;
  return nextDue({ start: anchor + everyMs, everyMs }, after);
}

/** What is not of the action but of the call, where a strategy is called. */
type CallFields = 'method' | 'requestId' | 'reason' | 'validateOnly' | 'expectedRevision';

/** Sets what remains of an agent, or of each agent of a pool. */
export interface SetBudgetAction {
  readonly kind: 'SET_BUDGET';
  /** The agent's id, or empty. */
  readonly agentId: string;
  /** The pool's id, where it is for each of its agents, or empty. */
  readonly poolId: string;
  /** At least 0. */
  readonly amount: Amount;
  readonly resetBaseline: boolean;
}

/** Adds to the free money of a pool, or takes from it. */
export interface FundPoolAction {
  readonly kind: 'FUND_POOL';
  readonly poolId: string;
  /** Not 0. */
  readonly delta: Amount;
}

/** What a schedule does when it is due. */
export type ScheduleAction =
  | SetBudgetAction
  | FundPoolAction
  | ({ readonly kind: 'REBALANCE_POOL' } & Omit<RebalancePoolCommand, CallFields>)
  | ({ readonly kind: 'ALLOCATE_DYNAMIC' } & Omit<AllocateDynamicCommand, CallFields>)
  | { readonly kind: 'REVIEW_BUDGETS' };

/**
 * The actions in the order in which those of one moment run: money first, then who gets it, one agent
 * after all of its pool so that the exception wins, then what looks at the result. The number is on disk.
 */
export const SCHEDULE_ACTIONS = {
  FUND_POOL: 1,
  SET_BUDGET: 2,
  ALLOCATE_DYNAMIC: 3,
  REBALANCE_POOL: 4,
  REVIEW_BUDGETS: 5,
} as const satisfies Record<ScheduleAction['kind'], number>;

/** What happens with runs that were missed. The number is on disk. */
export const CATCH_UPS = { RUN_ONCE: 1, SKIP: 2 } as const;

/** RUN_ONCE makes up for them by one run, however many they were; SKIP waits for the next time. */
export type CatchUp = keyof typeof CATCH_UPS;

/** Why a run began. The number is on disk. */
export const RUN_TRIGGERS = { SCHEDULED: 1, CAUGHT_UP: 2, MANUAL: 3 } as const;

/** The name of a trigger. */
export type RunTrigger = keyof typeof RUN_TRIGGERS;

/** How a run ended; RUNNING while agents wait for it. The number is on disk. */
export const RUN_OUTCOMES = { OK: 1, FAILED: 2, SKIPPED: 3, RUNNING: 4 } as const;

/** The name of an outcome. */
export type RunOutcome = keyof typeof RUN_OUTCOMES;

/**
 * How far a run over the agents of a pool has come. It first takes from those that have more than the
 * amount, then gives to the others, each time by id.
 */
export interface RunProgress {
  readonly phase: 'SHRINK' | 'GROW';
  /** The agent it came to, or empty. */
  readonly after: string;
  /** Agents from this number on joined later: they are none of its business. */
  readonly uidEnd: Uid;
  /** Larger than that of every run that was in progress when it began. */
  readonly turn: number;
}

/** One schedule. Rows are never mutated. */
export interface Schedule {
  readonly uid: Uid;
  readonly id: string;
  readonly name: string;
  readonly timing: ScheduleTiming;
  readonly action: ScheduleAction;
  /** Whom the action is for: it dies with it. EVERY_AGENT for a review. */
  readonly subject: Scope;
  readonly catchUp: CatchUp;
  /** Paused when false: it is never due, but may be run by hand. */
  readonly enabled: boolean;
  /** The reason in the entries of its runs. */
  readonly runReason: string;
  /** 0 when it is never due again. */
  readonly dueTime: Instant;
  /** Runs so far: the number of the newest. */
  readonly runCount: number;
  /** Set while the newest run is RUNNING. */
  readonly progress: RunProgress | undefined;
  /** Counts changes of configuration, from 1. */
  readonly revision: number;
  readonly createTime: Instant;
  readonly updateTime: Instant;
}

/** One run of a schedule. */
export interface ScheduleRun {
  /** From 1, without gaps. */
  readonly number: number;
  /** When it was due, the first time where several were missed; 0 for MANUAL. */
  readonly dueTime: Instant;
  readonly runTime: Instant;
  /** 0 while RUNNING. */
  readonly endTime: Instant;
  readonly trigger: RunTrigger;
  readonly outcome: RunOutcome;
  /** Why it failed, or failed first, as in ErrorReason; empty otherwise. */
  readonly reason: string;
  /** What it did, for people. */
  readonly summary: string;
  /** Its first entry, 0 when it wrote none. */
  readonly firstSequence: number;
  /** Agents of a pool whose budget it set or found as it should be. */
  readonly agentsSet: number;
  /** Agents of a pool whose budget it could not set. */
  readonly agentsFailed: number;
}

/** The key of a schedule's run, in the order of their numbers. */
export function runKey(scheduleUid: Uid, number: number): string {
  return `${runPrefix(scheduleUid)}${sequenceKey(number)}`;
}

/** What the keys of a schedule's runs begin with. */
export function runPrefix(scheduleUid: Uid): string {
  return `${sequenceKey(scheduleUid)}/`;
}

/** The key of the mark that a schedule's run in progress is done with an agent. */
export function markKey(scheduleUid: Uid, agentUid: Uid): string {
  return `${runPrefix(scheduleUid)}${sequenceKey(agentUid)}`;
}

/** The one who asked for what a schedule does. */
export function principalOf({ id }: Pick<Schedule, 'id'>): string {
  return `schedule/${id}`;
}

/** Which schedules the sidecar has to look after. */
export interface ScheduleBook {
  /** By id. */
  readonly rows: ReadonlyMap<string, Schedule>;
  /** When the next is due; 0 while a run is in progress, Infinity when none is ever due. */
  readonly nextDue: Instant;
  /** Those with a run in progress, in the order in which these began. */
  readonly running: readonly Schedule[];
}

/** Looks through all schedules once, so that a decision asks for one number. */
export function scheduleBook(rows: ReadonlyMap<string, Schedule>): ScheduleBook {
  const running: Schedule[] = [];
  let next = Infinity;
  for (const schedule of rows.values()) {
    if (schedule.progress !== undefined) running.push(schedule);
    if (schedule.dueTime !== 0) next = Math.min(next, schedule.dueTime);
  }
  return { rows, nextDue: running.length > 0 ? 0 : next, running: running.sort(byTurn) };
}

/** Schedules that are due at a moment, in the order in which they run. */
export function dueAt(book: ScheduleBook, now: Instant): readonly Schedule[] {
  if (book.nextDue > now) return [];
  const due = [...book.rows.values()].filter(({ dueTime }) => dueTime !== 0 && dueTime <= now);
  return due.sort(inOrder);
}

/** Whether an action runs in the transaction of the decisions it matters to, not in one of its own. */
export function isPrompt({ kind }: ScheduleAction): boolean {
  return kind === 'SET_BUDGET' || kind === 'FUND_POOL';
}

function byTurn(a: Schedule, b: Schedule): number {
  return (a.progress?.turn ?? 0) - (b.progress?.turn ?? 0);
}

/** By due time, then by action, then by id. */
function inOrder(a: Schedule, b: Schedule): number {
  return a.dueTime - b.dueTime || rankOf(a) - rankOf(b) || (a.id < b.id ? -1 : 1);
}

function rankOf({ action }: Schedule): number {
  const oneAgent = action.kind === 'SET_BUDGET' && action.agentId !== '';
  return SCHEDULE_ACTIONS[action.kind] + (oneAgent ? 0.5 : 0);
}
