import type { Rejection } from '../answer.js';
import { putRow, removeRow, type Draft } from '../draft.js';
import type { Instant } from '../model.js';
import {
  runKey,
  runPrefix,
  RUNS_KEPT_MAX,
  type RunProgress,
  type RunTrigger,
  type Schedule,
  type ScheduleRun,
} from '../schedule.js';

/** What a run came to. */
export type RunResult = Pick<ScheduleRun, 'outcome' | 'reason' | 'summary' | 'firstSequence'>;

/** Why and for when a run begins. */
export interface RunStart {
  readonly trigger: RunTrigger;
  /** 0 for MANUAL. */
  readonly dueTime: Instant;
}

/** The run that a schedule begins now, not yet written. */
export function newRun(schedule: Schedule, start: RunStart, now: Instant): ScheduleRun {
  return {
    number: schedule.runCount + 1,
    dueTime: start.dueTime,
    runTime: now,
    endTime: 0,
    trigger: start.trigger,
    outcome: 'RUNNING',
    reason: '',
    summary: '',
    firstSequence: 0,
    agentsSet: 0,
    agentsFailed: 0,
  };
}

/**
 * Writes a run and its schedule, which from then on is due at `dueTime` and, where it has come so far, in
 * progress. The oldest run goes when there are more than are kept.
 */
export function putRun(
  draft: Draft,
  schedule: Schedule,
  run: ScheduleRun,
  { dueTime, progress }: { readonly dueTime: Instant; readonly progress: RunProgress | undefined },
): Schedule {
  const after: Schedule = { ...schedule, runCount: run.number, dueTime, progress };
  putRow(draft, 'schedule_runs', runKey(schedule.uid, run.number), run);
  putRow(draft, 'schedules', schedule.id, after);
  const oldest = run.number - RUNS_KEPT_MAX;
  if (oldest > 0) removeRow(draft, 'schedule_runs', runKey(schedule.uid, oldest));
  return after;
}

/** Takes away what a run that has ended still remembers of agents that have left in the meantime. */
export function removeMarks(draft: Draft, schedule: Schedule): void {
  const prefix = runPrefix(schedule.uid);
  for (const [key] of [...draft.state.rows('schedule_marks', { prefix })]) {
    removeRow(draft, 'schedule_marks', key);
  }
}

/** `1 agent`, `2 agents`. */
export function agentsText(count: number): string {
  return `${count} agent${count === 1 ? '' : 's'}`;
}

/** A run that failed as a whole. */
export function failedBy({ reason, message, metadata, fields }: Rejection): RunResult {
  const values = [
    ...Object.entries(metadata).map(([name, value]) => `${name} ${value}`),
    ...fields.map(({ field, description }) => `${field} ${description}`),
  ].filter((text) => !text.startsWith('fields '));
  const detail = values.length === 0 ? '' : ` (${values.join(', ')})`;
  return { outcome: 'FAILED', reason, summary: `${message}${detail}`, firstSequence: 0 };
}
