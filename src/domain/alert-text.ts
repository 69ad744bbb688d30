import { isLevel, isPercent, isUsage, type AlertThreshold, type BudgetAlert } from './alert.js';
import type { Money } from './alert-marks.js';
import { formatAmount, percentOf, type Amount } from './amount.js';
import type { Metadata } from './model.js';
import type { Alarm } from './violation.js';

/** Whom a violation of an alert is about. */
export interface AlertSubject extends Pick<Alarm, 'agentUid' | 'agentId' | 'poolUid' | 'poolId'> {
  /** Under which the alert's state is kept: of the agent, or of the pool. */
  readonly uid: number;
  /** What a message begins with. */
  readonly noun: 'Agent budget' | 'Pool budget' | 'Limit';
  readonly unit: string;
}

/** The value of a threshold as a request writes it: `15`, `2.5`, `3600s` or `minimal`. */
export function thresholdText(
  alert: Pick<BudgetAlert, 'condition'>,
  { value, level }: Pick<AlertThreshold, 'value' | 'level'>,
): string {
  if (level !== undefined) return level;
  const text = formatAmount(value);
  return alert.condition === 'EXHAUSTION_WITHIN' ? `${text}s` : text;
}

/** What was found when a threshold was passed. */
export interface Found {
  readonly money: Money;
  /** The cost of the last hour, where it was judged. */
  readonly lastHour: Amount | undefined;
  /** The level of service, where it was judged. */
  readonly level?: string;
}

/** The violation of passing a threshold. */
export function alarmOf(
  alert: BudgetAlert,
  threshold: AlertThreshold,
  subject: AlertSubject,
  found: Found,
): Alarm {
  const { agentUid, agentId, poolUid, poolId } = subject;
  return {
    rule: { kind: 'ALERT', id: alert.id },
    type: 'LOW_BUDGET',
    severity: threshold.severity,
    message: alert.message === '' ? messageOf(alert, threshold, subject) : alert.message,
    details: detailsOf(alert, threshold, subject, found),
    agentUid,
    agentId,
    poolUid,
    poolId,
  };
}

/** In the guide's words: setup_budget_alerts. */
function messageOf(
  alert: BudgetAlert,
  threshold: AlertThreshold,
  { noun, unit }: AlertSubject,
): string {
  const { condition } = alert;
  const value = thresholdText(alert, threshold);
  if (isLevel(condition)) return `${noun} at or below service level ${value}`;
  if (condition === 'EXHAUSTION_WITHIN') return `${noun} lasts at most ${value} at its burn rate`;
  const bound = isPercent(condition) ? `${value}%` : `${value} ${unit}`.trimEnd();
  return `${noun} ${isUsage(condition) ? 'usage above' : 'below'} ${bound} threshold`;
}

/** Sorted by key. */
function detailsOf(
  alert: BudgetAlert,
  threshold: AlertThreshold,
  { noun }: AlertSubject,
  { money: { remaining, baseline }, lastHour, level }: Found,
): Metadata {
  const value = thresholdText(alert, threshold);
  if (noun === 'Limit') {
    return [
      ['alert_id', alert.id],
      ['condition', alert.condition],
      ['counted', formatAmount(baseline - remaining)],
      ['limit', formatAmount(baseline)],
      ['limit_id', alert.subjectId],
      ['percentage_remaining', percentOf(remaining, baseline)],
      ['threshold', value],
    ];
  }
  return [
    ['alert_id', alert.id],
    ...(lastHour === undefined ? [] : [['burn_last_hour', formatAmount(lastHour)] as const]),
    ['condition', alert.condition],
    ['current_budget', formatAmount(remaining)],
    ['initial_budget', formatAmount(baseline)],
    ['percentage_remaining', percentOf(remaining, baseline)],
    ...(level === undefined ? [] : [['service_level', level] as const]),
    ['threshold', value],
  ];
}
