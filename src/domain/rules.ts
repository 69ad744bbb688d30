import { changesIn, type Collections, type RowChanges } from './collection.js';
import { scheduleBook, type ScheduleBook } from './schedule.js';

/** The collections whose rows are all in memory, since every decision asks for them. */
export const RULE_COLLECTIONS = ['service_levels', 'schedules'] as const;

/** The name of such a collection. */
export type RuleCollection = (typeof RULE_COLLECTIONS)[number];

/** Every rule there is, by collection and key. */
export type RuleRows = { readonly [C in RuleCollection]: ReadonlyMap<string, Collections[C]> };

/** Every rule there is, found by whom it concerns. Never changed: `rulesWith` makes another. */
export interface Rules {
  readonly rows: RuleRows;
  readonly schedules: ScheduleBook;
}

/** Indexes rules. What `earlier` rules made of the same rows is theirs again. */
export function makeRules(rows: RuleRows, earlier?: Rules): Rules {
  const same = rows.schedules === earlier?.rows.schedules;
  return { rows, schedules: same ? earlier.schedules : scheduleBook(rows.schedules) };
}

/** Rules with changes on top; the same ones when none of them changed. */
export function rulesWith(rules: Rules, changes: RowChanges): Rules {
  if (!RULE_COLLECTIONS.some((collection) => changes[collection] !== undefined)) return rules;
  const rows: RuleRows = {
    service_levels: changed(rules, changes, 'service_levels'),
    schedules: changed(rules, changes, 'schedules'),
  };
  return makeRules(rows, rules);
}

/** Rules without any. */
export function noRules(): Rules {
  return makeRules({ service_levels: new Map(), schedules: new Map() });
}

function changed<C extends RuleCollection>(
  rules: Rules,
  changes: RowChanges,
  collection: C,
): ReadonlyMap<string, Collections[C]> {
  const before: ReadonlyMap<string, Collections[C]> = rules.rows[collection];
  if (changes[collection] === undefined) return before;
  const after = new Map(before);
  for (const [key, row] of changesIn(changes, collection)) {
    if (row === undefined) after.delete(key);
    else after.set(key, row);
  }
  return after;
}
