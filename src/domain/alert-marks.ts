import { isPercent, isUsage, type AlertThreshold, type BudgetAlert } from './alert.js';
import type { Amount } from './amount.js';

/**
 * Every condition as one comparison: a reading is bad when it is low. What was used becomes what is left,
 * and what is divided by a baseline or a burn rate is multiplied with it on the other side, so that all
 * is exact.
 */
export interface Reading {
  /** What is compared. */
  readonly value: bigint;
  /** What marks are multiplied with before they are compared. At least 0. */
  readonly base: bigint;
}

/** A threshold as a reading meets it. */
export interface Mark {
  readonly threshold: AlertThreshold;
  /** Passed at value <= fire x base. */
  readonly fire: bigint;
  /** Armed again beyond fire, at value >= rearm x base. */
  readonly rearm: bigint;
}

/** An alert with its marks, the one that is passed first in front. */
export interface MarkedAlert {
  readonly alert: BudgetAlert;
  readonly marks: readonly Mark[];
  /** Above clear x base no threshold is passed, and none has stayed passed. */
  readonly clear: bigint;
}

/** The money that alerts on an agent, a pool or a limit's counter judge. */
export interface Money {
  readonly remaining: Amount;
  /** What counts as 100 percent. */
  readonly baseline: Amount;
}

/** 100 percent, in steps. */
const HUNDRED = 100n * 10n ** 12n;

/** One hour in seconds, in steps: what a burn rate is per. */
const HOUR = 3_600n * 10n ** 12n;

/** Makes the marks of an alert. */
export function markedAlert(alert: BudgetAlert): MarkedAlert {
  const marks = alert.thresholds.map((threshold): Mark => {
    const fire = fireOf(alert, threshold.value);
    return { threshold, fire, rearm: fire + gapOf(alert, threshold.value, alert.rearmMargin) };
  });
  // The threshold that is passed first is also armed again last.
  const first = alert.thresholds[0]?.value ?? 0n;
  return { alert, marks, clear: fireOf(alert, first) + gapOf(alert, first, alert.widestMargin) };
}

function fireOf({ condition }: BudgetAlert, value: Amount): bigint {
  if (!isUsage(condition)) return value;
  return isPercent(condition) ? HUNDRED - value : -value;
}

/** Rounded up: a reading is a whole number of steps. */
function gapOf({ condition }: BudgetAlert, value: Amount, margin: Amount): bigint {
  return isPercent(condition) ? margin : divideUp(value * margin, HUNDRED);
}

/** What an alert on money reads. Not for EXHAUSTION_WITHIN. */
export function readMoney({ alert }: MarkedAlert, { remaining, baseline }: Money): Reading {
  if (isPercent(alert.condition)) return { value: remaining * HUNDRED, base: baseline };
  return { value: isUsage(alert.condition) ? remaining - baseline : remaining, base: 1n };
}

/** What EXHAUSTION_WITHIN reads: what is available against what the last hour cost. */
export function readBurn(available: Amount, lastHour: Amount): Reading {
  return { value: available * HOUR, base: lastHour };
}

/** Whether a reading is so good that no threshold can be passed, or have stayed passed. */
export function isClear({ clear }: MarkedAlert, { value, base }: Reading): boolean {
  return value > clear * base;
}

/** Whether a threshold is passed. */
export function isPassed({ fire }: Mark, { value, base }: Reading): boolean {
  return value <= fire * base;
}

/** Whether a threshold that was passed is armed again. */
export function isRearmed(mark: Mark, reading: Reading): boolean {
  return !isPassed(mark, reading) && reading.value >= mark.rearm * reading.base;
}

/** Whether a reading is lower than one before: 50 of 200 is lower than 30 of 100. */
export function isLower(after: Reading, before: Reading): boolean {
  return after.value * before.base < before.value * after.base;
}

/** What must be left at a baseline, and more than that, for an alert on money to be clear. */
export function clearLevel({ alert, clear }: MarkedAlert, baseline: Amount): Amount {
  if (isPercent(alert.condition)) return divideUp(clear * baseline, HUNDRED);
  return isUsage(alert.condition) ? clear + baseline : clear;
}

function divideUp(a: bigint, b: bigint): bigint {
  return a > 0n ? (a + b - 1n) / b : a / b;
}
