import { alertStateKey, sameThreshold, type AlertState, type FiredThreshold } from './alert.js';
import type { AlertGuard } from './alert-index.js';
import {
  isClear,
  isLower,
  isPassed,
  isRearmed,
  readBurn,
  readMoney,
  type Mark,
  type MarkedAlert,
  type Money,
  type Reading,
} from './alert-marks.js';
import { alarmOf, type AlertSubject } from './alert-text.js';
import type { Amount } from './amount.js';
import { draftRow, putRow, removeRow, type Draft } from './draft.js';
import { openViolation, tellOf } from './raise.js';
import { SEVERITIES, sequenceKey, type Severity } from './violation.js';

/** What was burnt in the last hour, read when an alert needs it. */
export type LastHour = () => Amount;

/** What EXHAUSTION_WITHIN divides. */
export interface Burning {
  /** What is left to spend, overdraft included. */
  readonly available: Amount;
  readonly lastHour: LastHour;
  /** Whether less is left than before, or time has passed: else nothing alerts. */
  readonly fell: boolean;
}

/** Judges the alerts on money of one subject that changed. Nothing alerts at a baseline of 0. */
export function judgeMoney(
  draft: Draft,
  alerts: readonly MarkedAlert[],
  subject: AlertSubject,
  before: Money | undefined,
  after: Money,
): void {
  if (after.baseline <= 0n) return;
  for (const marked of alerts) {
    const reading = readMoney(marked, after);
    // Every change is judged: what was clear before has nothing passed.
    if (isClear(marked, reading) && wasClear(marked, before)) continue;
    judge(draft, marked, subject, { reading, before, money: after, lastHour: undefined });
  }
}

function wasClear(marked: MarkedAlert, before: Money | undefined): boolean {
  return before !== undefined && before.baseline > 0n && isClear(marked, readMoney(marked, before));
}

/** Judges the alerts on how long the money of one subject lasts. */
export function judgeBurning(
  draft: Draft,
  { timed }: AlertGuard,
  subject: AlertSubject,
  money: Money,
  { available, lastHour, fell }: Burning,
): void {
  if (money.baseline <= 0n) return;
  let burnt: Amount | undefined;
  for (const marked of timed) {
    if (!fell && stateOf(draft, marked, subject) === undefined) continue;
    burnt ??= lastHour();
    const reading = readBurn(available, burnt);
    judge(draft, marked, subject, { reading, before: fell, money, lastHour: burnt });
  }
}

/** What a limit counts for one agent, or for its pool, before and after a change. */
export interface LimitCount {
  /** Whom the counter is of; `noun` is `Limit`. */
  readonly subject: AlertSubject;
  /** What was counted before the change; less than after it, or nothing alerts. */
  readonly before: Amount;
}

/**
 * Judges the alerts on a limit whose counter changed: `counted` of its `value`. To be called in the
 * transaction that counts. A window that passed away is judged with the next count.
 */
export function judgeLimitAlerts(
  draft: Draft,
  alerts: readonly MarkedAlert[],
  counted: Amount,
  value: Amount,
  { subject, before }: LimitCount,
): void {
  if (counted === before) return;
  const earlier: Money = { remaining: value - before, baseline: value };
  judgeMoney(draft, alerts, subject, earlier, { remaining: value - counted, baseline: value });
}

/** One judgement of one alert. */
export interface Judgement {
  readonly reading: Reading;
  /** What it was before, or whether it got worse where that is known. */
  readonly before: Money | undefined | boolean;
  readonly money: Money;
  readonly lastHour: Amount | undefined;
  /** The level of service that was judged. */
  readonly level?: string;
}

/** Whether a value got worse: what gets better never alerts. */
function fell(marked: MarkedAlert, { reading, before }: Judgement): boolean {
  if (typeof before === 'boolean') return before;
  if (before === undefined || before.baseline <= 0n) return false;
  return isLower(reading, readMoney(marked, before));
}

function stateOf(
  draft: Draft,
  { alert }: MarkedAlert,
  subject: AlertSubject,
): AlertState | undefined {
  return draftRow(draft, 'alert_states', alertStateKey(alert, subject.uid));
}

/**
 * Arms again what has come back, then opens one violation for all that was passed: invariant I12. Writes
 * only when either happened.
 */
export function judge(
  draft: Draft,
  marked: MarkedAlert,
  subject: AlertSubject,
  judgement: Judgement,
): void {
  const { reading } = judgement;
  const fired = stateOf(draft, marked, subject)?.fired ?? [];
  let comesBack = false;
  let goesOn = false;
  for (const mark of marked.marks) {
    if (firedOf(fired, mark) !== undefined) comesBack ||= isRearmed(mark, reading);
    else goesOn ||= isPassed(mark, reading);
  }
  goesOn &&= fell(marked, judgement);
  if (!comesBack && !goesOn) return;

  const kept: FiredThreshold[] = [];
  const passed: Mark[] = [];
  for (const mark of marked.marks) {
    const before = firedOf(fired, mark);
    if (before === undefined) {
      if (goesOn && isPassed(mark, reading)) passed.push(mark);
    } else if (isRearmed(mark, reading)) recover(draft, before);
    else kept.push(before);
  }
  const opened = open(draft, marked, subject, passed, judgement);
  const key = alertStateKey(marked.alert, subject.uid);
  const next = inOrder(marked, [...kept, ...opened]);
  if (next.length === 0) removeRow(draft, 'alert_states', key);
  else putRow(draft, 'alert_states', key, { fired: next });
}

function firedOf(fired: readonly FiredThreshold[], mark: Mark): FiredThreshold | undefined {
  for (const each of fired) if (sameThreshold(each, mark.threshold)) return each;
  return undefined;
}

function recover(draft: Draft, { violation: sequence }: FiredThreshold): void {
  const violation = draftRow(draft, 'violations', sequenceKey(sequence));
  // Another threshold spoke for it, an operator resolved it, or retention cut it.
  if (violation?.state !== 'OPEN') return;
  tellOf(draft, 'RECOVERED', {
    ...violation,
    state: 'RECOVERED',
    updateTime: draft.now,
    endTime: draft.now,
  });
}

function open(
  draft: Draft,
  { alert }: MarkedAlert,
  subject: AlertSubject,
  passed: readonly Mark[],
  judgement: Judgement,
): readonly FiredThreshold[] {
  const [worst] = passed.toReversed().toSorted((a, b) => severityOf(b) - severityOf(a));
  if (worst === undefined) return [];
  const alarm = alarmOf(alert, worst.threshold, subject, judgement);
  const entrySequence = draft.entries.at(-1)?.sequence ?? 0;
  const { sequence } = openViolation(draft, alarm, { entrySequence });
  return passed.map((mark) => ({
    value: mark.threshold.value,
    ...(mark.threshold.level !== undefined && { level: mark.threshold.level }),
    violation: mark === worst ? sequence : 0,
  }));
}

function severityOf(mark: Mark): (typeof SEVERITIES)[Severity] {
  return SEVERITIES[mark.threshold.severity];
}

function inOrder(
  { alert }: MarkedAlert,
  fired: readonly FiredThreshold[],
): readonly FiredThreshold[] {
  return alert.thresholds.flatMap((threshold) =>
    fired.filter((each) => sameThreshold(each, threshold)),
  );
}
