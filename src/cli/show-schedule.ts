import type { Duration } from '@bufbuild/protobuf/wkt';
import {
  CatchUp,
  RunOutcome,
  RunTrigger,
  type Schedule,
  type ScheduleRun,
} from '../gen/safeguards/v1/schedule_pb.js';
import { nameIn, table, timeText } from './show.js';

/** When a schedule is due next, in a sentence. */
export function nextLine(schedule: Schedule | undefined): string {
  if (schedule === undefined) return 'It was deleted since.\n';
  const { nextDueTime } = schedule;
  if (nextDueTime === undefined) return 'It is paused.\n';
  return `Next due at ${timeText(nextDueTime)}.\n`;
}

/** Schedules, one a line. */
export function schedulesTable(schedules: readonly Schedule[]): string {
  const rows = schedules.map((schedule) => [
    schedule.id,
    timingText(schedule),
    actionText(schedule),
    schedule.enabled ? timeText(schedule.nextDueTime) : 'paused',
    String(schedule.runCount),
  ]);
  return table(['SCHEDULE', 'WHEN', 'DOES', 'NEXT', 'RUNS'], rows);
}

/** One schedule. */
export function scheduleText(schedule: Schedule | undefined): string {
  if (schedule === undefined) return '';
  const lines = [
    `Schedule ${schedule.id} (${schedule.name}), revision ${schedule.revision}:`,
    `  When: ${timingText(schedule)}`,
    `  Does: ${actionText(schedule)}`,
    `  Next: ${schedule.enabled ? timeText(schedule.nextDueTime) : 'paused'}`,
    `  Missed runs: ${nameIn(CatchUp, schedule.catchUp)}`,
    `  Reason: ${schedule.runReason}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** Runs, newest first. */
export function runsTable(runs: readonly ScheduleRun[]): string {
  const rows = runs.map((run) => [
    String(run.number),
    timeText(run.dueTime),
    timeText(run.runTime),
    nameIn(RunTrigger, run.trigger),
    nameIn(RunOutcome, run.outcome),
    run.firstSequence === 0n ? '' : String(run.firstSequence),
    reasonText(run),
  ]);
  return table(['RUN', 'DUE', 'BEGAN', 'TRIGGER', 'OUTCOME', 'ENTRY', 'SUMMARY'], rows);
}

/** One run in a sentence. */
export function runText(run: ScheduleRun): string {
  const entry = run.firstSequence === 0n ? 'nothing written' : `entry ${run.firstSequence}`;
  return `Run ${run.number}: ${nameIn(RunOutcome, run.outcome)} (${entry}). ${reasonText(run)}\n`;
}

function reasonText({ reason, summary }: ScheduleRun): string {
  return reason === '' ? summary : `${reason}: ${summary}`;
}

function timingText({ cron, timeZone, interval }: Schedule): string {
  return interval === undefined ? `${cron} ${timeZone}` : `every ${durationText(interval)}`;
}

function durationText({ seconds, nanos }: Duration): string {
  const [days, hours, minutes] = [86_400n, 3_600n, 60n];
  if (nanos !== 0) return `${Number(seconds) + nanos / 1e9}s`;
  if (seconds % days === 0n) return `${seconds / days}d`;
  if (seconds % hours === 0n) return `${seconds / hours}h`;
  return seconds % minutes === 0n ? `${seconds / minutes}m` : `${seconds}s`;
}

function actionText({ action }: Schedule): string {
  switch (action.case) {
    case 'setBudget': {
      const { subject, amount } = action.value;
      const who = subject.case === 'agentId' ? 'agent' : 'each agent of pool';
      return `set ${who} ${subject.value ?? ''} to ${amount}`;
    }
    case 'fundPool':
      return `fund pool ${action.value.poolId} by ${action.value.delta}`;
    case 'rebalancePool':
      return `rebalance pool ${action.value.poolId}`;
    case 'allocateDynamic':
      return `allocate pool ${action.value.poolId} by usage`;
    case 'reviewBudgets':
      return 'review all budgets';
    case undefined:
      return '';
  }
}
