import { alertIndex, type AlertIndex } from './alert-index.js';
import { changesIn, type Collections, type RowChanges } from './collection.js';
import { levelIndex, type LevelIndex } from './effective-levels.js';
import type { CompileExpression, Expression } from './expression.js';
import type { SpendingLimit } from './limit.js';
import type { Uid } from './model.js';
import type { BudgetMonitor, CompiledMonitor } from './monitor.js';
import { channelBook, type ChannelBook } from './notification/notification-channel.js';
import { scheduleBook, type ScheduleBook } from './schedule.js';
import { scopeIndex, type ScopeIndex } from './scope.js';

/** The collections whose rows are all in memory, since every decision asks for them. */
export const RULE_COLLECTIONS = [
  'service_levels',
  'limits',
  'monitors',
  'emergency_policies',
  'alerts',
  'schedules',
  'channels',
] as const;

/** The name of such a collection. */
export type RuleCollection = (typeof RULE_COLLECTIONS)[number];

/** Every rule there is, by collection and key. */
export type RuleRows = { readonly [C in RuleCollection]: ReadonlyMap<string, Collections[C]> };

/** Every rule there is, found by whom it concerns. Never changed: `rulesWith` makes another. */
export interface Rules {
  readonly rows: RuleRows;
  readonly limits: ScopeIndex<SpendingLimit>;
  /** The uids of all limits. */
  readonly limitUids: ReadonlySet<Uid>;
  readonly monitors: ScopeIndex<CompiledMonitor>;
  readonly alerts: AlertIndex;
  readonly levels: LevelIndex;
  readonly schedules: ScheduleBook;
  readonly channels: ChannelBook;
  readonly compile: CompileExpression;
}

/** Rules of one kind there may be. */
export const RULES_MAX = 10_000;

/** Indexes rules. Monitors that `earlier` rules have with the same source are not compiled again. */
export function makeRules(rows: RuleRows, compile: CompileExpression, earlier?: Rules): Rules {
  const same = rows.monitors === earlier?.rows.monitors;
  const sameLimits = rows.limits === earlier?.rows.limits;
  return {
    rows,
    compile,
    limits: sameLimits ? earlier.limits : scopeIndex(rows.limits.values()),
    limitUids: sameLimits
      ? earlier.limitUids
      : new Set(Array.from(rows.limits.values(), ({ uid }) => uid)),
    schedules:
      rows.schedules === earlier?.rows.schedules ? earlier.schedules : scheduleBook(rows.schedules),
    channels:
      rows.channels === earlier?.rows.channels ? earlier.channels : channelBook(rows.channels),
    levels:
      rows.service_levels === earlier?.rows.service_levels
        ? earlier.levels
        : levelIndex(rows.service_levels),
    alerts: rows.alerts === earlier?.rows.alerts ? earlier.alerts : alertIndex(rows.alerts),
    monitors: same ? earlier.monitors : scopeIndex(compileAll(rows.monitors, compile, earlier)),
  };
}

/** Rules with changes on top; the same ones when none of them changed. */
export function rulesWith(rules: Rules, changes: RowChanges): Rules {
  if (!RULE_COLLECTIONS.some((collection) => changes[collection] !== undefined)) return rules;
  const rows = rowsFrom((collection) => changed(rules, changes, collection));
  return makeRules(rows, rules.compile, rules);
}

/** The rules of a store. */
export function loadRules(
  read: <C extends RuleCollection>(
    collection: C,
  ) => Iterable<readonly [key: string, row: Collections[C]]>,
  compile: CompileExpression,
): Rules {
  return makeRules(
    rowsFrom((collection) => new Map(read(collection))),
    compile,
  );
}

/** Rules without any. */
export function noRules(compile: CompileExpression): Rules {
  return loadRules(() => [], compile);
}

function rowsFrom(
  rowsOf: <C extends RuleCollection>(collection: C) => ReadonlyMap<string, Collections[C]>,
): RuleRows {
  // Each collection's rows under its own name: the compiler does not follow a mapped type that far.
  return Object.fromEntries(
    RULE_COLLECTIONS.map((collection) => [collection, rowsOf(collection)]),
  ) as unknown as RuleRows;
}

function* compileAll(
  monitors: ReadonlyMap<string, BudgetMonitor>,
  compile: CompileExpression,
  earlier: Rules | undefined,
): Generator<CompiledMonitor> {
  const known = new Map<string, Expression>();
  for (const { monitor, expression } of earlier?.monitors.all ?? []) {
    known.set(monitor.expression, expression);
  }
  for (const monitor of monitors.values()) {
    const { id, scope, expression: source } = monitor;
    const expression = known.get(source) ?? compiledOrFailing(compile, source);
    known.set(source, expression);
    yield { id, scope, monitor, expression };
  }
}

/** A stored source was compiled once. Should it not compile any more, it fails, and so denies. */
function compiledOrFailing(compile: CompileExpression, source: string): Expression {
  const compiled = compile(source);
  if (compiled.kind === 'COMPILED') return compiled.expression;
  const message = 'the expression cannot be compiled any more';
  return { evaluate: () => ({ kind: 'FAILED', message }) };
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
