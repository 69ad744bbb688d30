import { formatAmount } from '../amount.js';
import type { FieldChange } from '../entry.js';
import type { Schedule, ScheduleAction } from '../schedule.js';

/** What the ledger shows of a schedule: made, changed or taken away. */
export function scheduleChanges(
  id: string,
  before: Schedule | undefined,
  after: Schedule | undefined,
): readonly FieldChange[] {
  const old = before === undefined ? {} : shown(before);
  const young = after === undefined ? {} : shown(after);
  return FIELDS.map((field) => ({
    field: `schedule/${id}.${field}`,
    before: old[field] ?? '',
    after: young[field] ?? '',
  })).filter((change) => change.before !== change.after);
}

/** An action as text, such as `SET_BUDGET agent_id=writer amount=100`: what has no value is left out. */
export function actionText(action: ScheduleAction): string {
  const { kind, ...fields } = action;
  const words = Object.entries(fields).flatMap(([key, value]) => {
    const text = valueText(value);
    return text === '' ? [] : [`${snake(key)}=${text}`];
  });
  return [kind, ...words.sort()].join(' ');
}

const FIELDS = [
  'name',
  'cron',
  'time_zone',
  'interval_ms',
  'action',
  'catch_up',
  'enabled',
  'run_reason',
] as const;

function shown(schedule: Schedule): Readonly<Partial<Record<(typeof FIELDS)[number], string>>> {
  const { timing } = schedule;
  return {
    name: schedule.name,
    ...(timing.kind === 'CRON'
      ? { cron: timing.cron, time_zone: timing.zone }
      : { interval_ms: String(timing.everyMs) }),
    action: actionText(schedule.action),
    catch_up: schedule.catchUp,
    enabled: String(schedule.enabled),
    run_reason: schedule.runReason,
  };
}

function valueText(value: unknown): string {
  if (typeof value === 'bigint') return formatAmount(value);
  if (Array.isArray(value)) return value.join(',');
  if (value === undefined || value === false) return '';
  return `${value as string | number | boolean}`;
}

function snake(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
