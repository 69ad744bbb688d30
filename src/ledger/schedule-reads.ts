import type { Rejection } from '../domain/answer.js';
import { scheduleNotFound } from '../domain/decide/schedules.js';
import { runPrefix, type Schedule, type ScheduleRun } from '../domain/schedule.js';
import { sequenceKey } from '../domain/violation.js';
import type { Page, PageRequest } from './api.js';
import { collect } from './lists.js';
import type { StoreReader } from './store.js';

/** Schedules by id. */
export function listSchedules(reader: StoreReader, page: PageRequest): Page<Schedule> {
  const range = page.after === undefined ? {} : { after: page.after };
  return collect(
    reader.rows('schedules', range),
    page.size,
    ([id]) => id,
    ([, schedule]) => schedule,
  );
}

/** The kept runs of a schedule, newest first. A page continues after a run's number. */
export function scheduleRuns(
  reader: StoreReader,
  id: string,
  page: PageRequest,
): Page<ScheduleRun> | Rejection {
  const schedule = reader.row('schedules', id);
  if (schedule === undefined) return scheduleNotFound(id);
  const prefix = runPrefix(schedule.uid);
  const after = page.after === undefined ? {} : { after: prefix + sequenceKey(Number(page.after)) };
  return collect(
    reader.rows('schedule_runs', { prefix, reverse: true, ...after }),
    page.size,
    ([, run]) => String(run.number),
    ([, run]) => run,
  );
}
