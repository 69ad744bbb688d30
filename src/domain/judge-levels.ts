import { alertStateKey, type AlertThreshold, type BudgetAlert } from './alert.js';
import type { Mark, MarkedAlert, Money } from './alert-marks.js';
import type { AlertSubject } from './alert-text.js';
import { draftRow, type Draft } from './draft.js';
import { judge } from './judge-alerts.js';
import { LEVELS_MAX, levelAfter, type ServiceLevel } from './service-level.js';

/** Levels as alerts on them read them. */
export interface LevelReading {
  /** The levels that count for the subject, from the highest to the lowest. */
  readonly levels: readonly ServiceLevel[];
  /** The name of the one it is at now. */
  readonly name: string;
  /** Whether less is left than before: else nothing alerts. */
  readonly fell: boolean;
}

/** A place no level has: what is not among the levels, or is the highest of them, is never passed. */
const NOWHERE = LEVELS_MAX + 1;

/**
 * Judges the alerts on the level of service of one subject that changed: passed at the level that a
 * threshold names and at every lower one, armed again above it. How far above is for the levels, which
 * have a margin of their own.
 */
export function judgeLevels(
  draft: Draft,
  alerts: readonly BudgetAlert[],
  subject: AlertSubject,
  { levels, name, fell }: LevelReading,
  money: Money,
): void {
  if (money.baseline <= 0n) return;
  const place = levels.findIndex((level) => level.name === name);
  for (const alert of alerts) {
    const reading = { value: -BigInt(place), base: 1n };
    const judgement = { reading, before: fell, money, lastHour: undefined, level: name };
    judge(draft, markedLevels(alert, levels), subject, judgement);
  }
}

/**
 * The level that a pool as a whole is at, by the levels of its agents. Nobody keeps it, so where it rises
 * from is the lowest level that the alert has told of.
 */
export function poolLevel(
  draft: Draft,
  alert: BudgetAlert,
  uid: number,
  levels: readonly ServiceLevel[],
  { remaining, baseline }: Money,
): string {
  const { fired } = draftRow(draft, 'alert_states', alertStateKey(alert, uid)) ?? { fired: [] };
  const told = levels.findLast(({ name }) => fired.some(({ level }) => level === name));
  return levelAfter(levels, told?.name ?? '', remaining, baseline).name;
}

/** The lower a level, the lower its reading. */
function markedLevels(alert: BudgetAlert, levels: readonly ServiceLevel[]): MarkedAlert {
  const marks = alert.thresholds
    .map((threshold): Mark => {
      const fire = -BigInt(placeOf(threshold, levels));
      return { threshold, fire, rearm: fire };
    })
    .sort((a, b) => Number(b.fire - a.fire));
  return { alert, marks, clear: marks[0]?.fire ?? 0n };
}

function placeOf({ level }: AlertThreshold, levels: readonly ServiceLevel[]): number {
  const place = levels.findIndex(({ name }) => name === level);
  return place > 0 ? place : NOWHERE;
}
