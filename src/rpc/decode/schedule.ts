import type { Rejection } from '../../domain/answer.js';
import type {
  CreateScheduleCommand,
  DeleteScheduleCommand,
  RunScheduleCommand,
  SchedulePatch,
  ScheduleTimes,
  UpdateScheduleCommand,
} from '../../domain/schedule-command.js';
import { canonicalCron, cronMistake } from '../../domain/cron.js';
import { INTERVAL_MS, type CatchUp } from '../../domain/schedule.js';
import { canonicalZone } from '../../domain/zone.js';
import type {
  CreateScheduleRequest,
  DeleteScheduleRequest,
  ListScheduleRunsRequest,
  ListSchedulesRequest,
  RunScheduleRequest,
  Schedule,
  UpdateScheduleRequest,
} from '../../gen/safeguards/v1/schedule_pb.js';
import { everDue } from '../../ledger/timetable.js';
import { formOf, judged, partOf, refuseField } from './form.js';
import type { Form } from './form.js';
import { maskOf } from './mask.js';
import { enumOf, revisionOf } from './number.js';
import { adminFields } from './pool.js';
import { listingOf, type Listing } from './query.js';
import { ACTION_FIELDS, actionOf } from './schedule-action.js';
import { nameOf, optionalId, reasonOf, requiredId } from './text.js';
import { durationMs } from './time.js';
import type { DurationBounds } from './time.js';

/** The fields of a schedule that an update may name. */
export const SCHEDULE_FIELDS = [
  'name',
  'cron',
  'time_zone',
  'interval',
  ...Object.values(ACTION_FIELDS),
  'catch_up',
  'enabled',
  'run_reason',
] as const;

const CATCH_UPS: readonly CatchUp[] = ['RUN_ONCE', 'RUN_ONCE', 'SKIP'];

const INTERVAL: DurationBounds = {
  ...INTERVAL_MS,
  default: INTERVAL_MS.min,
  advice: 'Give an interval from 1 min to 366 d',
};

/** Reads a new schedule. */
export function decodeCreateSchedule(
  request: CreateScheduleRequest,
): CreateScheduleCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'CREATE_SCHEDULE',
    ...adminFields(form, request),
    scheduleId: optionalId(form, 'schedule_id', request.scheduleId),
    name: request.name === '' ? '' : nameOf(form, request.name),
    timing: timesOf(form, request),
    action: actionOf(form, request.action),
    catchUp: enumOf(form, 'catch_up', request.catchUp, CATCH_UPS, 'RUN_ONCE'),
    enabled: request.enabled ?? true,
    runReason: reasonOf(form, request.runReason, 'run_reason'),
  });
}

/** Reads a change of a schedule. */
export function decodeUpdateSchedule(
  request: UpdateScheduleRequest,
): UpdateScheduleCommand | Rejection {
  const form = formOf();
  const { schedule } = request;
  const mask = maskOf(form, request.updateMask, SCHEDULE_FIELDS);
  if (schedule === undefined) refuseField(form, 'schedule', 'Give the schedule with its id');
  return judged(form, {
    method: 'UPDATE_SCHEDULE',
    ...adminFields(form, request),
    scheduleId: schedule === undefined ? '' : requiredId(form, 'schedule.id', schedule.id),
    patch: schedule === undefined ? {} : patchOf(partOf(form, 'schedule.'), schedule, mask),
    expectedRevision: revisionOf(form, request.expectedRevision),
  });
}

/** Reads the end of a schedule. */
export function decodeDeleteSchedule(
  request: DeleteScheduleRequest,
): DeleteScheduleCommand | Rejection {
  const form = formOf();
  return judged(form, { method: 'DELETE_SCHEDULE', ...oneSchedule(form, request) });
}

/** Reads a run by hand. */
export function decodeRunSchedule(request: RunScheduleRequest): RunScheduleCommand | Rejection {
  const form = formOf();
  return judged(form, { method: 'RUN_SCHEDULE', ...oneSchedule(form, request) });
}

/** Reads which schedules are listed: all. */
export function decodeListSchedules(request: ListSchedulesRequest): Listing<undefined> | Rejection {
  return listingOf(formOf(), undefined, ['ListSchedules'], request);
}

/** Reads whose runs are listed. */
export function decodeListScheduleRuns(
  request: ListScheduleRunsRequest,
): Listing<string> | Rejection {
  const form = formOf();
  const id = requiredId(form, 'schedule_id', request.scheduleId);
  return listingOf(form, id, ['ListScheduleRuns', id], request);
}

function oneSchedule(form: Form, request: DeleteScheduleRequest | RunScheduleRequest) {
  return {
    ...adminFields(form, request),
    scheduleId: requiredId(form, 'schedule_id', request.scheduleId),
    expectedRevision: revisionOf(form, request.expectedRevision),
  };
}

function timesOf(form: Form, request: CreateScheduleRequest): ScheduleTimes {
  const { cron, timeZone, interval } = request;
  if (interval === undefined) return { cron: cronOf(form, cron), zone: zoneOf(form, timeZone) };
  if (cron !== '') refuseField(form, 'cron', 'Give either a cron text or an interval');
  if (timeZone !== '') refuseField(form, 'time_zone', 'An interval has no zone; leave it out');
  return { everyMs: durationMs(form, 'interval', interval, INTERVAL) };
}

function patchOf(form: Form, schedule: Schedule, mask: ReadonlySet<string>): SchedulePatch {
  const { interval, action } = schedule;
  if (mask.has('interval') && (mask.has('cron') || mask.has('time_zone'))) {
    refuseField(form, 'interval', 'Name either an interval or a cron text with its zone');
  }
  if (mask.has('interval') && interval === undefined) {
    refuseField(form, 'interval', INTERVAL.advice);
  }
  const actions = Object.values(ACTION_FIELDS).filter((field) => mask.has(field));
  const given = action.case === undefined ? undefined : ACTION_FIELDS[action.case];
  for (const field of actions) {
    if (field !== given) {
      refuseField(form, field, 'Give the action that the mask names and no other');
    }
  }
  return {
    ...(mask.has('name') && { name: nameOf(form, schedule.name) }),
    ...(mask.has('cron') && { cron: cronOf(form, schedule.cron) }),
    ...(mask.has('time_zone') && { zone: zoneOf(form, schedule.timeZone) }),
    ...(mask.has('interval') && { everyMs: durationMs(form, 'interval', interval, INTERVAL) }),
    ...(actions.length > 0 && { action: actionOf(form, action) }),
    ...(mask.has('catch_up') && {
      catchUp: enumOf(form, 'catch_up', schedule.catchUp, CATCH_UPS, 'RUN_ONCE'),
    }),
    ...(mask.has('enabled') && { enabled: schedule.enabled }),
    ...(mask.has('run_reason') && {
      runReason: reasonOf(form, schedule.runReason, 'run_reason'),
    }),
  };
}

function cronOf(form: Form, text: string): string {
  const mistake = cronMistake(text);
  const cron = canonicalCron(text);
  if (mistake !== undefined) refuseField(form, 'cron', mistake);
  else if (!everDue(cron)) refuseField(form, 'cron', 'There is no such day; give one that comes');
  return cron;
}

function zoneOf(form: Form, name: string): string {
  if (name === '') return '';
  const zone = canonicalZone(name);
  if (zone === undefined) {
    refuseField(form, 'time_zone', 'Give an IANA time zone such as UTC or Europe/Berlin');
  }
  return zone ?? '';
}
