import type { AdminFields } from './command.js';
import type { CatchUp, ScheduleAction } from './schedule.js';

export interface CreateScheduleCommand extends AdminFields {
  readonly method: 'CREATE_SCHEDULE';
  /** Empty: made by the server. */
  readonly scheduleId: string;
  /** Empty: the id. */
  readonly name: string;
  readonly timing: ScheduleTimes;
  readonly action: ScheduleAction;
  readonly catchUp: CatchUp;
  readonly enabled: boolean;
  /** Empty: the name. */
  readonly runReason: string;
}

/** When a schedule shall be due: by cron in a zone, or by an interval. */
export type ScheduleTimes =
  { readonly cron: string; readonly zone: string } | { readonly everyMs: number };

/** The fields of a schedule that an update may name; undefined ones stay. */
export interface SchedulePatch {
  readonly name?: string;
  /** The cron text of one that is, or becomes, due by cron. */
  readonly cron?: string;
  /** Of one that is due by cron. */
  readonly zone?: string;
  readonly everyMs?: number;
  readonly action?: ScheduleAction;
  readonly catchUp?: CatchUp;
  readonly enabled?: boolean;
  readonly runReason?: string;
}

export interface UpdateScheduleCommand extends AdminFields {
  readonly method: 'UPDATE_SCHEDULE';
  readonly scheduleId: string;
  readonly patch: SchedulePatch;
  readonly expectedRevision: number | undefined;
}

export interface DeleteScheduleCommand extends AdminFields {
  readonly method: 'DELETE_SCHEDULE';
  readonly scheduleId: string;
  readonly expectedRevision: number | undefined;
}

export interface RunScheduleCommand extends AdminFields {
  readonly method: 'RUN_SCHEDULE';
  readonly scheduleId: string;
  readonly expectedRevision: number | undefined;
}

/** A mutation whose subject is a schedule. */
export type ScheduleCommand =
  CreateScheduleCommand | UpdateScheduleCommand | DeleteScheduleCommand | RunScheduleCommand;
