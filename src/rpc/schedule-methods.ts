import type { Outcome } from '../domain/answer.js';
import { scheduleNotFound } from '../domain/decide/schedules.js';
import type { BudgetAdminService } from '../gen/safeguards/v1/budget_admin_service_pb.js';
import type { Schedule } from '../gen/safeguards/v1/schedule_pb.js';
import type { LedgerApi } from '../ledger/api.js';
import { commandMethod } from './command-method.js';
import { decodeId } from './decode/query.js';
import {
  decodeCreateSchedule,
  decodeDeleteSchedule,
  decodeListScheduleRuns,
  decodeListSchedules,
  decodeRunSchedule,
  decodeUpdateSchedule,
} from './decode/schedule.js';
import { written } from './encode/admin.js';
import { encodeSchedule, encodeScheduleRun } from './encode/schedule.js';
import type { HandlersOf } from './method.js';
import { nextPageToken } from './paging.js';
import { isFailure } from './status.js';

/** Runs that are shown with a schedule. */
const RECENT_RUNS = 10;

/** The operator's methods on schedules. */
export function scheduleMethods(ledger: LedgerApi) {
  /** The schedule that an outcome names, as it is now. */
  const scheduleOf = ({ object }: Outcome): { readonly schedule?: Schedule } => {
    const schedule = object && ledger.schedule(object.key);
    return schedule === undefined ? {} : { schedule: encodeSchedule(schedule) };
  };
  return {
    createSchedule: commandMethod(ledger, decodeCreateSchedule, (outcome) => ({
      $typeName: 'safeguards.v1.CreateScheduleResponse',
      ...written(outcome),
      ...scheduleOf(outcome),
    })),
    updateSchedule: commandMethod(ledger, decodeUpdateSchedule, (outcome) => ({
      $typeName: 'safeguards.v1.UpdateScheduleResponse',
      ...written(outcome),
      ...scheduleOf(outcome),
    })),
    deleteSchedule: commandMethod(ledger, decodeDeleteSchedule, (outcome) => ({
      $typeName: 'safeguards.v1.DeleteScheduleResponse',
      ...written(outcome),
    })),

    runSchedule: (request, caller) => {
      const command = decodeRunSchedule(request);
      if (isFailure(command)) return command;
      return ledger.execute(command, caller).then((outcome) => {
        if (isFailure(outcome)) return outcome;
        const run = outcome.object && ledger.scheduleRun(outcome.object.key);
        const schedule = ledger.schedule(command.scheduleId);
        return {
          $typeName: 'safeguards.v1.RunScheduleResponse',
          ...written(outcome),
          ...(run && { run: encodeScheduleRun(run) }),
          ...(schedule && { schedule: encodeSchedule(schedule) }),
        };
      });
    },

    getSchedule: ({ scheduleId }) => {
      const id = decodeId('schedule_id', scheduleId);
      if (typeof id !== 'string') return id;
      const schedule = ledger.schedule(id);
      const runs = ledger.scheduleRuns(id, { after: undefined, size: RECENT_RUNS });
      if (schedule === undefined || 'verdict' in runs) return scheduleNotFound(id);
      return {
        $typeName: 'safeguards.v1.GetScheduleResponse',
        schedule: encodeSchedule(schedule),
        recentRuns: runs.items.map(encodeScheduleRun),
      };
    },

    listSchedules: (request) => {
      const listing = decodeListSchedules(request);
      if (isFailure(listing)) return listing;
      const page = ledger.listSchedules(listing.page);
      return {
        $typeName: 'safeguards.v1.ListSchedulesResponse',
        schedules: page.items.map(encodeSchedule),
        nextPageToken: nextPageToken(listing.identity, page.last),
      };
    },

    listScheduleRuns: (request) => {
      const listing = decodeListScheduleRuns(request);
      if (isFailure(listing)) return listing;
      const page = ledger.scheduleRuns(listing.filter, listing.page);
      if (isFailure(page)) return page;
      return {
        $typeName: 'safeguards.v1.ListScheduleRunsResponse',
        runs: page.items.map(encodeScheduleRun),
        nextPageToken: nextPageToken(listing.identity, page.last),
      };
    },
  } satisfies HandlersOf<typeof BudgetAdminService>;
}
