import { alertStateKey, type AlertState, type FiredThreshold } from './alert.js';
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
import type { Uid } from './model.js';
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
    const earlier =
      before === undefined || before.baseline <= 0n ? undefined : readMoney(marked, before);
    // Every change is judged: what was clear before has nothing passed.
    if (earlier !== undefined && isClear(marked, earlier) && isClear(marked, reading)) continue;
    const fell = earlier !== undefined && isLower(reading, earlier);
    judge(draft, marked, subject, { reading, fell, money: after, lastHour: undefined });
  }
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
    judge(draft, marked, subject, { reading, fell, money, lastHour: burnt });
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
  limitUid: Uid,
  counted: Amount,
  value: Amount,
  { subject, before }: LimitCount,
): void {
  const alerts = draft.state.rules.alerts.ofLimit(limitUid);
  if (alerts.length === 0 || counted === before) return;
  const earlier: Money = { remaining: value - before, baseline: value };
  judgeMoney(draft, alerts, subject, earlier, { remaining: value - counted, baseline: value });
}

/** One judgement of one alert. */
interface Judgement {
  readonly reading: Reading;
  /** Whether it got worse: what gets better never alerts. */
  readonly fell: boolean;
  readonly money: Money;
  readonly lastHour: Amount | undefined;
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
function judge(
  draft: Draft,
  marked: MarkedAlert,
  subject: AlertSubject,
  judgement: Judgement,
): void {
  const { reading, fell } = judgement;
  const fired = stateOf(draft, marked, subject)?.fired ?? [];
  const kept = fired.filter(({ value }) => !marked.marks.some((mark) => comesBack(mark, value)));
  const passed = fell
    ? marked.marks.filter(
        (mark) =>
          isPassed(mark, reading) && !kept.some(({ value }) => value === mark.threshold.value),
      )
    : [];
  if (kept.length === fired.length && passed.length === 0) return;

  for (const threshold of fired) if (!kept.includes(threshold)) recover(draft, threshold);
  const opened = open(draft, marked, subject, passed, judgement);
  const key = alertStateKey(marked.alert, subject.uid);
  const next = inOrder(marked, [...kept, ...opened]);
  if (next.length === 0) removeRow(draft, 'alert_states', key);
  else putRow(draft, 'alert_states', key, { fired: next });

  function comesBack(mark: Mark, value: Amount): boolean {
    return mark.threshold.value === value && isRearmed(mark, reading);
  }
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
  { money, lastHour }: Judgement,
): readonly FiredThreshold[] {
  const [worst] = passed.toReversed().toSorted((a, b) => severityOf(b) - severityOf(a));
  if (worst === undefined) return [];
  const alarm = alarmOf(alert, worst.threshold, subject, money, lastHour);
  const entrySequence = draft.entries.at(-1)?.sequence ?? 0;
  const { sequence } = openViolation(draft, alarm, { entrySequence });
  return passed.map((mark) => ({
    value: mark.threshold.value,
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
  return alert.thresholds.flatMap(({ value }) => fired.filter((each) => each.value === value));
}
