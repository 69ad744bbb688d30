import { reject, rejectFields, type Rejection } from '../answer.js';
import type {
  CreateScheduleCommand,
  DeleteScheduleCommand,
  SchedulePatch,
  ScheduleTimes,
  UpdateScheduleCommand,
} from '../schedule-command.js';
import { carryOut, unchanged, type Decided, type OutcomeFacts } from '../decided.js';
import { beginDraft, closeEntry, putRow, removeRow, type Draft } from '../draft.js';
import type { Instant, Uid } from '../model.js';
import { runPrefix, SCHEDULES_MAX, type Schedule, type ScheduleTiming } from '../schedule.js';
import type { Scope } from '../scope.js';
import type { Context, State } from '../state.js';
import { checkRevision } from './checks.js';
import { scheduleChanges } from './schedule-changes.js';
import { subjectOf } from './schedule-subject.js';

/** The zone of a cron text that was given without one. */
const DEFAULT_ZONE = 'UTC';

/** Makes a schedule. Guide: scheduled_budget_review, and its notes on automated rebalancing. */
export function decideCreateSchedule(
  state: State,
  command: CreateScheduleCommand,
  context: Context,
): Decided {
  const { rows } = state.rules.schedules;
  const id = command.scheduleId === '' ? context.newId() : command.scheduleId;
  if (rows.has(id)) {
    return reject(
      'SCHEDULE_ALREADY_EXISTS',
      'A schedule with that id exists. Use another or update it',
      { schedule_id: id },
    );
  }
  const subject = subjectOf(state, command.action);
  if ('verdict' in subject) return subject;
  if (rows.size >= SCHEDULES_MAX) {
    return reject('TOO_MANY_RULES', 'There are as many schedules as there may be. Delete some', {
      rules_max: String(SCHEDULES_MAX),
    });
  }

  const draft = beginDraft(state, context.now);
  const uid = draft.nextUid;
  draft.nextUid += 1;
  const name = command.name === '' ? id : command.name;
  const timing = timingOf(command.timing, context.now);
  const schedule: Schedule = {
    uid,
    id,
    name,
    timing,
    action: command.action,
    subject,
    catchUp: command.catchUp,
    enabled: command.enabled,
    runReason: command.runReason === '' ? name : command.runReason,
    dueTime: nextDueTime(timing, command.enabled, context),
    runCount: 0,
    progress: undefined,
    revision: 1,
    createTime: context.now,
    updateTime: context.now,
  };
  putRow(draft, 'schedules', id, schedule);
  closeEntry(draft, 'CONFIGURE', { changes: scheduleChanges(id, undefined, schedule) });
  return carryOut(draft, named(id));
}

/**
 * Changes a schedule. A new timing, or going on after a pause, counts from now: what would have been due
 * before is not made up for. A patch that changes nothing writes nothing.
 */
export function decideUpdateSchedule(
  state: State,
  command: UpdateScheduleCommand,
  context: Context,
): Decided {
  const { scheduleId: id, patch } = command;
  const before = state.rules.schedules.rows.get(id);
  if (before === undefined) return scheduleNotFound(id);
  const stale = checkRevision(command.expectedRevision, before.revision);
  if (stale !== undefined) return stale;
  const timing = patchedTiming(before.timing, patch, context.now);
  if ('verdict' in timing) return timing;
  const action = patch.action ?? before.action;
  const subject = patch.action === undefined ? before.subject : subjectOf(state, action);
  if ('verdict' in subject) return subject;
  const patched: Schedule = { ...before, ...configurationOf(patch), timing, action, subject };
  const after = { ...patched, runReason: patched.runReason || patched.name };
  const changes = scheduleChanges(id, before, after);
  if (changes.length === 0) return unchanged(named(id));
  if (before.progress !== undefined && patch.action !== undefined) return runInProgress(id);

  const draft = beginDraft(state, context.now);
  const timed = after.timing !== before.timing || after.enabled !== before.enabled;
  putRow(draft, 'schedules', id, {
    ...after,
    dueTime: timed ? nextDueTime(timing, after.enabled, context) : before.dueTime,
    revision: before.revision + 1,
    updateTime: context.now,
  });
  closeEntry(draft, 'CONFIGURE', { changes });
  return carryOut(draft, named(id));
}

/** Takes a schedule away, with its runs. */
export function decideDeleteSchedule(
  state: State,
  command: DeleteScheduleCommand,
  context: Context,
): Decided {
  const schedule = state.rules.schedules.rows.get(command.scheduleId);
  if (schedule === undefined) return scheduleNotFound(command.scheduleId);
  const stale = checkRevision(command.expectedRevision, schedule.revision);
  if (stale !== undefined) return stale;
  const draft = beginDraft(state, context.now);
  removeSchedule(draft, schedule);
  closeEntry(draft, 'CONFIGURE', { changes: scheduleChanges(schedule.id, schedule, undefined) });
  return carryOut(draft, named(schedule.id));
}

/** Takes the schedules away that are for one agent or pool, which goes. */
export function dropSchedulesOf(draft: Draft, kind: 'AGENT' | 'POOL', uid: Uid): void {
  for (const schedule of draft.state.rules.schedules.rows.values()) {
    if (concerns(schedule.subject, kind, uid)) removeSchedule(draft, schedule);
  }
}

/** SCHEDULE_NOT_FOUND of an id. */
export function scheduleNotFound(id: string): Rejection {
  return reject('SCHEDULE_NOT_FOUND', 'There is no such schedule. Create it or correct the id', {
    schedule_id: id,
  });
}

/** SERVER_BUSY of a schedule whose run still goes through the agents of a pool. */
export function runInProgress(id: string): Rejection {
  return {
    ...reject('SERVER_BUSY', 'A run of the schedule is in progress. Try again when it has ended', {
      schedule_id: id,
    }),
    retryAfterMs: 1_000,
  };
}

function concerns(subject: Scope, kind: 'AGENT' | 'POOL', uid: Uid): boolean {
  if (subject.uid !== uid) return false;
  return subject.kind === kind || (kind === 'POOL' && subject.kind === 'EACH_AGENT_OF_POOL');
}

function removeSchedule(draft: Draft, { id, uid }: Schedule): void {
  removeRow(draft, 'schedules', id);
  const prefix = runPrefix(uid);
  for (const collection of ['schedule_runs', 'schedule_marks'] as const) {
    for (const [key] of [...draft.state.rows(collection, { prefix })]) {
      removeRow(draft, collection, key);
    }
  }
}

function timingOf(times: ScheduleTimes, now: Instant): ScheduleTiming {
  return 'cron' in times
    ? { kind: 'CRON', cron: times.cron, zone: times.zone === '' ? DEFAULT_ZONE : times.zone }
    : { kind: 'INTERVAL', everyMs: times.everyMs, anchor: now };
}

/** The same object when nothing changes: an interval that is given again goes on as it was. */
function patchedTiming(
  before: ScheduleTiming,
  { cron, zone, everyMs }: SchedulePatch,
  now: Instant,
): ScheduleTiming | Rejection {
  if (everyMs !== undefined) {
    if (before.kind === 'INTERVAL' && before.everyMs === everyMs) return before;
    return timingOf({ everyMs }, now);
  }
  if (cron === undefined && zone === undefined) return before;
  if (before.kind === 'CRON') {
    const after = timingOf({ cron: cron ?? before.cron, zone: zone ?? before.zone }, now);
    const same = after.kind === 'CRON' && after.cron === before.cron && after.zone === before.zone;
    return same ? before : after;
  }
  if (cron !== undefined) return timingOf({ cron, zone: zone ?? '' }, now);
  return rejectFields([
    { field: 'schedule.time_zone', description: 'Give a cron text too; an interval has no zone' },
  ]);
}

function configurationOf({ name, catchUp, enabled, runReason }: SchedulePatch): Partial<Schedule> {
  return {
    ...(name !== undefined && { name }),
    ...(catchUp !== undefined && { catchUp }),
    ...(enabled !== undefined && { enabled }),
    ...(runReason !== undefined && { runReason }),
  };
}

function nextDueTime(timing: ScheduleTiming, enabled: boolean, context: Context): Instant {
  return enabled ? (context.dueAfter(timing, context.now) ?? 0) : 0;
}

function named(id: string): OutcomeFacts {
  return { object: { collection: 'schedules', key: id } };
}
