import { isPercent, isUsage, type AlertThreshold, type BudgetAlert } from './alert.js';
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

/** The value of a threshold as a request writes it: `15`, `2.5` or `3600s`. */
export function thresholdText(alert: Pick<BudgetAlert, 'condition'>, value: Amount): string {
  const text = formatAmount(value);
  return alert.condition === 'EXHAUSTION_WITHIN' ? `${text}s` : text;
}

/** The violation of passing a threshold. `lastHour` is the cost of the last hour, where it was judged. */
export function alarmOf(
  alert: BudgetAlert,
  threshold: AlertThreshold,
  subject: AlertSubject,
  money: Money,
  lastHour: Amount | undefined,
): Alarm {
  const { agentUid, agentId, poolUid, poolId } = subject;
  return {
    rule: { kind: 'ALERT', id: alert.id },
    type: 'LOW_BUDGET',
    severity: threshold.severity,
    message: alert.message === '' ? messageOf(alert, threshold, subject) : alert.message,
    details: detailsOf(alert, threshold, subject, money, lastHour),
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
  const value = thresholdText(alert, threshold.value);
  if (condition === 'EXHAUSTION_WITHIN') return `${noun} lasts at most ${value} at its burn rate`;
  const bound = isPercent(condition) ? `${value}%` : `${value} ${unit}`.trimEnd();
  return `${noun} ${isUsage(condition) ? 'usage above' : 'below'} ${bound} threshold`;
}

/** Sorted by key. */
function detailsOf(
  alert: BudgetAlert,
  threshold: AlertThreshold,
  { noun }: AlertSubject,
  { remaining, baseline }: Money,
  lastHour: Amount | undefined,
): Metadata {
  const value = thresholdText(alert, threshold.value);
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
    ['threshold', value],
  ];
}
