import { Cron } from 'croner';
import type { Instant } from '../domain/model.js';
import { intervalDueAfter, type DueAfter, type ScheduleTiming } from '../domain/schedule.js';

type CronTiming = Extract<ScheduleTiming, { readonly kind: 'CRON' }>;

/** Parsed cron texts that are kept: as many as there may be schedules. */
const KEPT_MAX = 1_000;

/** A memo of what depends on nothing but the text and the zone. */
const parsed = new Map<string, Cron>();

/**
 * DueAfter of the store. Days and times of cron are those of the zone's clocks. Where hour and minute are
 * given without `*` or a step, a time that the clocks skip is due when they skip it, and one that they
 * show twice is due the first time only. With `*` or a step it is due whenever the clocks show it: not in
 * a skipped hour, and in both of a repeated one. No timer of croner's ever runs.
 */
export const dueAfter: DueAfter = (timing, after) =>
  timing.kind === 'CRON' ? cronDueAfter(timing, after) : intervalDueAfter(timing, after);

/** Whether a cron text is ever due, which the 30th of February is not. The text must be well-formed. */
export function everDue(cron: string): boolean {
  return cronDueAfter({ kind: 'CRON', cron, zone: 'UTC' }, 0) !== undefined;
}

function cronDueAfter(timing: CronTiming, after: Instant): Instant | undefined {
  return cronOf(timing).nextRun(new Date(after))?.getTime();
}

function cronOf({ cron, zone }: CronTiming): Cron {
  const key = `${zone} ${cron}`;
  const kept = parsed.get(key);
  if (kept !== undefined) return kept;
  // Without a function to call it sets no timer.
  const made = new Cron(cron, {
    mode: '5-part',
    timezone: zone,
    fixedTimeRule: 'no-wildcard',
    paused: true,
  });
  const [oldest] = parsed.keys();
  if (oldest !== undefined && parsed.size >= KEPT_MAX) parsed.delete(oldest);
  parsed.set(key, made);
  return made;
}
