import { formatAmount } from '../domain/amount.js';
import type { Outcome, Rejection } from '../domain/answer.js';
import type { RunScheduleCommand } from '../domain/schedule-command.js';
import { checkRevision } from '../domain/decide/checks.js';
import { decide, type SingleCommand } from '../domain/decide/decide.js';
import {
  agentsText,
  failedBy,
  newRun,
  putRun,
  type RunResult,
  type RunStart,
} from '../domain/decide/schedule-runs.js';
import { strategyCommand } from '../domain/decide/schedule-subject.js';
import { runInProgress, scheduleNotFound } from '../domain/decide/schedules.js';
import { tell, type Decided } from '../domain/decided.js';
import { beginDraft, putRow } from '../domain/draft.js';
import type { Instant } from '../domain/model.js';
import {
  dueAt,
  isPrompt,
  MISSED_AFTER_MS,
  principalOf,
  runKey,
  type Schedule,
  type ScheduleAction,
  type ScheduleBook,
} from '../domain/schedule.js';
import { beginPoolRun, settleAgent, stepPoolRuns, type Running } from './pool-runs.js';
import { SIDECAR_STAMP, type RequestStamp } from './workspace.js';

/** Budgets of pools' agents that one group sets at most, beside those of agents that are judged in it. */
export const AGENTS_A_GROUP_MAX = 1_000;

/** An action that is done at once, unlike one that goes through the agents of a pool. */
type SingleAction = Exclude<ScheduleAction, { readonly kind: 'REVIEW_BUDGETS' }>;

/**
 * Runs what is due of SET_BUDGET and FUND_POOL, oldest first, before anything else in the group is judged:
 * nobody is judged on last month's money. Runs that go through a large pool get on by
 * AGENTS_A_GROUP_MAX agents in all; `settleBudgets` sees to those that are judged in the meantime.
 */
export function runPrompt(running: Running): void {
  const { workspace, context } = running;
  let agents = stepPoolRuns(running, AGENTS_A_GROUP_MAX);
  for (const { id, action } of dueAt(workspace.rules.schedules, context.now)) {
    const schedule = workspace.rules.schedules.rows.get(id);
    if (!isPrompt(action) || schedule === undefined || schedule.progress !== undefined) continue;
    agents = runDue(running, schedule, agents);
  }
}

/** The schedule that is due and wants a transaction of its own, or undefined. */
export function dueAlone(book: ScheduleBook, now: Instant): Schedule | undefined {
  // What SET_BUDGET has not come to yet would be set after it, and so undo it.
  if (book.running.length > 0) return undefined;
  return dueAt(book, now).find(({ action }) => !isPrompt(action));
}

/** Runs one schedule that wants a transaction of its own. One that failed by a fault is not tried again. */
export function runAlone(running: Running, faulted: string | undefined): void {
  const { workspace, context } = running;
  const schedule = dueAlone(workspace.rules.schedules, context.now);
  if (schedule === undefined) return;
  if (schedule.id !== faulted) {
    runDue(running, schedule, 0);
    return;
  }
  const start: RunStart = { trigger: 'SCHEDULED', dueTime: schedule.dueTime };
  const summary = 'The sidecar failed';
  const result = { outcome: 'FAILED', reason: 'INTERNAL', summary, firstSequence: 0 } as const;
  record(running, schedule, start, dueAfterNow(running, schedule), result);
}

/** Carries out RunSchedule: the run is the operator's, and the next due time stays. */
export function runByHand(
  running: Running,
  command: RunScheduleCommand,
  stamp: RequestStamp,
): Decided {
  const { workspace } = running;
  const book = workspace.rules.schedules;
  const schedule = book.rows.get(command.scheduleId);
  if (schedule === undefined) return scheduleNotFound(command.scheduleId);
  const stale = checkRevision(command.expectedRevision, schedule.revision);
  if (stale !== undefined) return stale;
  const [busy] = book.running;
  const alone = schedule.action.kind !== 'FUND_POOL' && schedule.subject.kind !== 'AGENT';
  if (busy !== undefined && alone) return runInProgress(busy.id);

  const before = workspace.headSequence;
  const reason = command.reason === '' ? schedule.runReason : command.reason;
  const start: RunStart = { trigger: 'MANUAL', dueTime: 0 };
  run(running, schedule, start, {
    dueTime: schedule.dueTime,
    stamp: { ...stamp, reason },
    agents: AGENTS_A_GROUP_MAX,
  });
  const key = runKey(schedule.uid, schedule.runCount + 1);
  // The run is a row, also where no entry was written: a repeated request must find its answer.
  const decided = tell(beginDraft(workspace, running.context.now), {
    object: { collection: 'schedule_runs', key },
  });
  if (decided.verdict === 'REJECTED' || workspace.headSequence === before) return decided;
  return { ...decided, outcome: { ...decided.outcome, sequence: workspace.headSequence } };
}

/** Runs a due schedule, or leaves out what it missed. Returns how many agents may still be set. */
function runDue(running: Running, schedule: Schedule, agents: number): number {
  const { now, dueAfter } = running.context;
  const missed = now - schedule.dueTime > MISSED_AFTER_MS;
  if (missed && schedule.catchUp === 'SKIP') {
    const dueTime = dueAfter(schedule.timing, now - MISSED_AFTER_MS - 1) ?? 0;
    const start: RunStart = { trigger: 'SCHEDULED', dueTime: schedule.dueTime };
    const after = record(running, schedule, start, dueTime, SKIPPED);
    return dueTime === 0 || dueTime > now ? agents : runDue(running, after, agents);
  }
  const trigger = missed ? 'CAUGHT_UP' : 'SCHEDULED';
  return run(
    running,
    schedule,
    { trigger, dueTime: schedule.dueTime },
    {
      // Whatever else was due by now is made up for by this run.
      dueTime: dueAfterNow(running, schedule),
      stamp: stampOf(schedule),
      agents,
    },
  );
}

interface RunTerms {
  /** When the schedule is due next. */
  readonly dueTime: Instant;
  readonly stamp: RequestStamp;
  /** How many agents of a pool may be set at once. */
  readonly agents: number;
}

function run(
  running: Running,
  schedule: Schedule,
  start: RunStart,
  { dueTime, stamp, agents }: RunTerms,
): number {
  const { action } = schedule;
  if (action.kind === 'SET_BUDGET' && action.agentId === '') {
    return beginPoolRun(running, schedule, { start, dueTime, stamp, agents });
  }
  record(running, schedule, start, dueTime, act(running, schedule, action, stamp));
  return agents;
}

function act(
  running: Running,
  schedule: Schedule,
  action: ScheduleAction,
  stamp: RequestStamp,
): RunResult {
  if (action.kind === 'REVIEW_BUDGETS') return review(running, schedule, stamp);
  const { workspace } = running;
  // A run through its pool that began before may not have come to it yet.
  if (schedule.subject.kind === 'AGENT') settleAgent(running, schedule.subject.uid);
  const before = workspace.headSequence;
  const outcome = carryOut(running, commandOf(action, stamp.reason), stamp);
  if (outcome.verdict === 'REJECTED') return failedBy(outcome);
  const firstSequence = workspace.headSequence === before ? 0 : before + 1;
  return { outcome: 'OK', reason: '', summary: summaryOf(action, outcome), firstSequence };
}

/**
 * Orders a review: it reads outside of transactions and begins when this one is durable. The order is a
 * row until the review is kept, so that a process that ends in between makes it when it starts again.
 */
function review(
  { workspace, context }: Running,
  schedule: Schedule,
  stamp: RequestStamp,
): RunResult {
  const { subject } = schedule;
  const poolId = subject.kind === 'POOL' ? (workspace.pool(subject.uid)?.id ?? '') : '';
  const order = { poolId, principal: stamp.principal, reason: stamp.reason };
  const draft = beginDraft(workspace, context.now);
  putRow(draft, 'review_orders', runKey(schedule.uid, schedule.runCount + 1), order);
  workspace.install(draft, SIDECAR_STAMP);
  workspace.reviews.push(order);
  const summary = 'Began a review of budgets, which the list of reviews has when it is made';
  return { outcome: 'OK', reason: '', summary, firstSequence: 0 };
}

/** Decides a command of the sidecar's own on top of the group. */
function carryOut(
  { workspace, context }: Running,
  command: SingleCommand,
  stamp: RequestStamp,
): Outcome | Rejection {
  const decided = decide(workspace, command, context);
  if (decided.verdict === 'REJECTED') {
    if (decided.alarm !== undefined) workspace.denied.push({ agentUid: 0, alarm: decided.alarm });
    return decided;
  }
  if (decided.effects !== undefined) workspace.install(decided.effects, stamp);
  return decided.outcome;
}

function commandOf(action: SingleAction, reason: string): SingleCommand {
  const call = { requestId: '', reason, validateOnly: false, expectedRevision: undefined };
  switch (action.kind) {
    case 'SET_BUDGET': {
      const { kind: method, agentId, amount, resetBaseline } = action;
      return { method, ...call, agentId, amount, resetBaseline };
    }
    case 'FUND_POOL':
      return { method: 'FUND_POOL', ...call, poolId: action.poolId, delta: action.delta };
    case 'REBALANCE_POOL':
    case 'ALLOCATE_DYNAMIC':
      return strategyCommand(action, reason);
  }
}

function summaryOf(action: SingleAction, outcome: Outcome): string {
  switch (action.kind) {
    case 'SET_BUDGET':
      return `Set what remains of agent ${action.agentId} to ${formatAmount(action.amount)}`;
    case 'FUND_POOL':
      return action.delta > 0n
        ? `Added ${formatAmount(action.delta)} to pool ${action.poolId}`
        : `Took ${formatAmount(-action.delta)} from pool ${action.poolId}`;
    case 'REBALANCE_POOL':
    case 'ALLOCATE_DYNAMIC': {
      const agents = outcome.allocations.filter(({ leftOut }) => !leftOut).length;
      return `Allocated ${formatAmount(outcome.amount)} to ${agentsText(agents)} of pool ${action.poolId}`;
    }
  }
}

const SKIPPED: RunResult = {
  outcome: 'SKIPPED',
  reason: '',
  summary: 'Missed and left out',
  firstSequence: 0,
};

/** Writes a run that has ended. */
function record(
  { workspace, context }: Running,
  schedule: Schedule,
  start: RunStart,
  dueTime: Instant,
  result: RunResult,
): Schedule {
  const { now } = context;
  const draft = beginDraft(workspace, now);
  const ended = { ...newRun(schedule, start, now), ...result, endTime: now };
  const after = putRun(draft, schedule, ended, { dueTime, progress: schedule.progress });
  workspace.install(draft, SIDECAR_STAMP);
  return after;
}

function dueAfterNow({ context }: Running, { timing }: Schedule): Instant {
  return context.dueAfter(timing, context.now) ?? 0;
}

function stampOf(schedule: Schedule): RequestStamp {
  return { ...SIDECAR_STAMP, principal: principalOf(schedule), reason: schedule.runReason };
}
