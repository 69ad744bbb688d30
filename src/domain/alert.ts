import type { Amount } from './amount.js';
import type { Instant, Uid } from './model.js';
import type { Scoped } from './scope.js';
import type { Severity } from './violation.js';

/**
 * What the thresholds of an alert are compared with: see alert.proto. The number is on disk and on the
 * wire.
 */
export const ALERT_CONDITIONS = {
  REMAINING_AT_MOST_PERCENT: 1,
  USED_AT_LEAST_PERCENT: 2,
  REMAINING_AT_MOST_AMOUNT: 3,
  EXHAUSTION_WITHIN: 4,
  SERVICE_LEVEL_AT_OR_BELOW: 5,
  USED_AT_LEAST_AMOUNT: 6,
} as const;

/** The name of a condition. */
export type AlertCondition = keyof typeof ALERT_CONDITIONS;

/** The margin where none is given: 5. */
export const REARM_MARGIN: Amount = 5n * 10n ** 12n;

/** Thresholds of one alert, at most. */
export const THRESHOLDS_MAX = 8;

/** One step of an alert. */
export interface AlertThreshold {
  /** A percent, an amount, or seconds; 0 for a level. */
  readonly value: Amount;
  /** The name of a level of service; only for SERVICE_LEVEL_AT_OR_BELOW. */
  readonly level?: string;
  /** Of the violation that passing it opens. */
  readonly severity: Severity;
}

/** Tells when the money of its subject passes a threshold. Guide: setup_budget_alerts. */
export interface BudgetAlert extends Scoped {
  readonly uid: Uid;
  /** The id of the agent, pool or limit of its scope; empty for EVERY_AGENT. */
  readonly subjectId: string;
  readonly condition: AlertCondition;
  /** 1 to 8, values unique, the one that is passed first in front. */
  readonly thresholds: readonly AlertThreshold[];
  /**
   * By how much a value must come back for its threshold to be armed again: percentage points for
   * percents, percent of the threshold for amounts and seconds. 0 to 100, inclusive.
   */
  readonly rearmMargin: Amount;
  /** The largest margin since its states began: beyond it no threshold has fired. */
  readonly widestMargin: Amount;
  /** Of its violations; empty: made of the threshold. */
  readonly message: string;
  /** Under which its states are kept: another one when they begin anew. */
  readonly statesUid: Uid;
  readonly revision: number;
  readonly createTime: Instant;
  readonly updateTime: Instant;
}

/** A threshold that was passed and is not armed again. */
export interface FiredThreshold {
  readonly value: Amount;
  /** As of the threshold. */
  readonly level?: string;
  /** The violation it opened; 0 when a more severe threshold of the same change spoke for it. */
  readonly violation: number;
}

/** What one agent, pool or limit's counter did to an alert. There is no row while all is armed. */
export interface AlertState {
  /** As the thresholds are ordered. */
  readonly fired: readonly FiredThreshold[];
}

/** States that ended and are still to be taken away, since they were many. By sequenceKey of statesUid. */
export interface EndedAlert {
  /** Why, for the violations that it had opened. */
  readonly note: string;
}

/** The key of an alert's state for one subject. */
export function alertStateKey(alert: BudgetAlert, subjectUid: Uid): string {
  return `${alert.statesUid}/${subjectUid}`;
}

/** Whether two thresholds of an alert are the same one. */
export function sameThreshold(
  a: Pick<AlertThreshold, 'value' | 'level'>,
  b: Pick<AlertThreshold, 'value' | 'level'>,
): boolean {
  return a.value === b.value && a.level === b.level;
}

/** Whether thresholds are names of levels of service, which have a margin of their own. */
export function isLevel(condition: AlertCondition): boolean {
  return condition === 'SERVICE_LEVEL_AT_OR_BELOW';
}

/** Whether how long money lasts is judged, which time alone changes. */
export function isTimed(condition: AlertCondition): boolean {
  return condition === 'EXHAUSTION_WITHIN';
}

/** Whether thresholds are percents: compared with the baseline, and with a margin in points. */
export function isPercent(condition: AlertCondition): boolean {
  return condition === 'REMAINING_AT_MOST_PERCENT' || condition === 'USED_AT_LEAST_PERCENT';
}

/** Whether more is worse: such thresholds are passed in ascending order. */
export function isUsage(condition: AlertCondition): boolean {
  return condition === 'USED_AT_LEAST_PERCENT' || condition === 'USED_AT_LEAST_AMOUNT';
}
