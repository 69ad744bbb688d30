import { isLevel, isTimed, type BudgetAlert } from './alert.js';
import { clearLevel, markedAlert, type MarkedAlert } from './alert-marks.js';
import type { Amount } from './amount.js';
import type { Agent, Pool, Uid } from './model.js';
import { scopeIndex, type ScopeIndex, type ScopeKind } from './scope.js';

/** The alerts on one agent or pool, by id. */
export interface AlertGuard {
  /** On money. */
  readonly alerts: readonly MarkedAlert[];
  /** EXHAUSTION_WITHIN. */
  readonly timed: readonly MarkedAlert[];
  /** SERVICE_LEVEL_AT_OR_BELOW: their marks are for whoever's levels count. */
  readonly levelled: readonly BudgetAlert[];
  /** With more than this left, none of `alerts` has anything to say. */
  readonly level: Amount;
}

/** Finds the alerts on an agent, a pool or a limit. */
export interface AlertIndex {
  /** Those on an agent: its own, each agent's of its pool, every agent's; undefined for none. */
  ofAgent(agent: Agent): AlertGuard | undefined;
  /** Those on a pool as a whole; undefined for none. */
  ofPool(pool: Pool): AlertGuard | undefined;
  /** Those on a limit. */
  ofLimit(uid: Uid): readonly MarkedAlert[];
  /** Those of exactly one scope, by id. */
  of(kind: ScopeKind, uid: Uid): readonly BudgetAlert[];
  /** EXHAUSTION_WITHIN, of every scope. */
  timed(): readonly BudgetAlert[];
  readonly size: number;
}

/** Agents and pools whose guards are remembered. */
const REMEMBERED_MAX = 10_000;

interface Remembered {
  readonly poolUid: Uid;
  readonly baseline: Amount;
  readonly guard: AlertGuard | undefined;
}

const NO_ALERTS: readonly MarkedAlert[] = [];

/** What an index is made of when it is first asked. */
interface Marked {
  readonly scopes: ScopeIndex<BudgetAlert>;
  readonly byUid: ReadonlyMap<Uid, MarkedAlert>;
  /** Whether there is any on a limit. */
  readonly onLimits: boolean;
  readonly timed: readonly BudgetAlert[];
}

/**
 * Makes an index of alerts by id. The first question makes it, so that ten thousand alerts that are made
 * one after the other are not indexed ten thousand times.
 */
export function alertIndex(alerts: ReadonlyMap<string, BudgetAlert>): AlertIndex {
  const remembered = new Map<Uid, Remembered>();
  let made: Marked | undefined;

  function marked(): Marked {
    if (made !== undefined) return made;
    const all = [...alerts.values()];
    made = {
      scopes: scopeIndex(all),
      byUid: new Map(all.map((alert) => [alert.uid, markedAlert(alert)])),
      onLimits: all.some(({ scope }) => scope.kind === 'LIMIT'),
      timed: all.filter(({ condition }) => isTimed(condition)),
    };
    return made;
  }

  function markedOf(kind: ScopeKind, uid: Uid): readonly MarkedAlert[] {
    const { scopes, byUid } = marked();
    return scopes.of(kind, uid).flatMap((alert) => byUid.get(alert.uid) ?? []);
  }

  function remember(
    uid: Uid,
    poolUid: Uid,
    baseline: Amount,
    found: readonly MarkedAlert[],
  ): AlertGuard | undefined {
    const guard = guardOf(found, baseline);
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    remembered.set(uid, { poolUid, baseline, guard });
    return guard;
  }

  return {
    ofAgent: ({ uid, poolUid, baseline }) => {
      const known = remembered.get(uid);
      if (known?.poolUid === poolUid && known.baseline === baseline) return known.guard;
      return remember(uid, poolUid, baseline, [
        ...markedOf('AGENT', uid),
        ...markedOf('EACH_AGENT_OF_POOL', poolUid),
        ...markedOf('EVERY_AGENT', 0),
      ]);
    },
    ofPool: ({ uid, baseline }) => {
      const known = remembered.get(uid);
      if (known?.baseline === baseline) return known.guard;
      return remember(uid, uid, baseline, markedOf('POOL', uid));
    },
    ofLimit: (uid) => (marked().onLimits ? markedOf('LIMIT', uid) : NO_ALERTS),
    of: (kind, uid) => marked().scopes.of(kind, uid),
    timed: () => marked().timed,
    size: alerts.size,
  };
}

function guardOf(found: readonly MarkedAlert[], baseline: Amount): AlertGuard | undefined {
  if (found.length === 0) return undefined;
  const sorted = found.toSorted((a, b) => (a.alert.id < b.alert.id ? -1 : 1));
  const alerts = sorted.filter(
    ({ alert: { condition } }) => !isTimed(condition) && !isLevel(condition),
  );
  const timed = sorted.filter(({ alert }) => isTimed(alert.condition));
  const levelled = sorted.flatMap(({ alert }) => (isLevel(alert.condition) ? [alert] : []));
  const levels = alerts.map((alert) => clearLevel(alert, baseline));
  const level = levels.reduce(
    (highest, each) => (each > highest ? each : highest),
    levels[0] ?? 0n,
  );
  return { alerts, timed, levelled, level };
}
