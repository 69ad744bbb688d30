import { cutViolations } from '../domain/cut-violations.js';
import { decideExpire } from '../domain/decide/expire.js';
import type { Decided } from '../domain/decided.js';
import { beginDraft } from '../domain/draft.js';
import type { Instant } from '../domain/model.js';
import { raise } from '../domain/raise.js';
import type { Context, Policy } from '../domain/state.js';
import { makeAlertRound } from './alert-round.js';
import type { StoreClock } from './clock.js';
import { flush, nextExpiryOf, remember, type FlushContext, type Flushed } from './flush.js';
import type { Judging } from './judge.js';
import { notifyOf } from './notify-group.js';
import type { Purged } from './purge.js';
import { stateOf, type Rows } from './rows.js';
import { dueAlone, runPrompt } from './scheduled-runs.js';
import { CorruptRecord, type Header, type Store } from './store.js';
import type { StoreReader, StoreWriter } from './store.js';
import { dueAfter } from './timetable.js';
import { makeUpkeep, type UpkeepPolicy } from './upkeep.js';
import { SIDECAR_STAMP, Workspace } from './workspace.js';

/** What groups are decided with. */
export interface DecisionOptions {
  readonly store: Store;
  readonly rows: Rows;
  readonly clock: StoreClock;
  readonly policy: Policy;
  readonly purge: UpkeepPolicy;
  /** Called with a damage, and what is left undone for it. */
  readonly onDamage: (message: string) => void;
  readonly newId: () => string;
}

/** What a group does beside its tasks. */
export interface Chores {
  /** Purges what has served. */
  readonly maintenance: boolean;
  /** Writes counted denials, and ends episodes that are over. */
  readonly denials: boolean;
  /** Judges the alerts that time alone may set off: one step of a round. */
  readonly alerts: boolean;
  /** Runs the schedules that are due. */
  readonly schedules: boolean;
}

/** Something to decide on top of what was decided before it. A throw undoes the whole group. */
export type Decide = (judging: Judging) => void;

/** A group as it was decided: its rows are the newest ones already, and the store is to write them. */
export interface GroupDecision {
  readonly workspace: Workspace;
  readonly flushed: Flushed;
  /** Whether there is anything to write. */
  readonly writes: boolean;
  /** Reservations whose rows are taken away. */
  readonly ended: readonly string[];
  /** Whether holds or rows that are due were left for the next group. */
  readonly more: boolean;
  /** Whether a round of alerts has another step. */
  readonly moreAlerts: boolean;
  /** Whether a schedule is due that wants a transaction of its own. */
  readonly alone: boolean;
  /** Whether runs in progress go on with the next group. */
  readonly running: boolean;
}

/** Decides groups one after the other, each on the newest rows. */
export interface GroupDecider {
  /**
   * Decides a group and puts its rows into the writer. A throw leaves everything as it was: the
   * caches follow only at its end.
   */
  decide(writer: StoreWriter, tasks: readonly Decide[], chores: Chores): GroupDecision;
  /** Begins a round of alerts, unless there is nothing to judge. */
  beginAlerts(): boolean;
  /** The newest header, durable or not. */
  header(): Header;
}

/** Holds that one group expires at most: ledger.md, "Reservations". */
const EXPIRIES_MAX = 1_000;

/** A moment after every expiry: the largest that a key holds. */
const NEVER: Instant = 2 ** 48 - 1;

/** Makes a decider on an open store. `settled` reads what no cache knows: see settledReader. */
export function makeGroupDecider(options: DecisionOptions, settled: StoreReader): GroupDecider {
  const { store, rows, clock } = options;
  const round = makeAlertRound();
  const upkeep = makeUpkeep(options.purge, options.onDamage);
  let header = store.header();
  let nextExpiry: Instant = 0;
  /** Whether no SET_BUDGET or FUND_POOL is run any more, since a record that one needs is damaged. */
  let promptStopped = false;
  /** Holds that stay since a record they need is damaged. */
  const stuck = new Set<string>();

  function decide(writer: StoreWriter, tasks: readonly Decide[], chores: Chores): GroupDecision {
    const now = clock.now();
    const context: Context = {
      now,
      policy: options.policy,
      newId: options.newId,
      clockJumped: clock.jumped(),
      dueAfter,
    };
    const workspace = new Workspace(stateOf(rows, store, settled, header), now);
    // A group that only writes counted denials, such as the last one, decides nothing.
    const decides = tasks.length > 0 || chores.maintenance || chores.schedules || chores.alerts;
    const expiry = decides ? expireDue(workspace, context) : nextExpiry;
    const backlog = expiry <= now;
    const judging: Judging = { workspace, reader: settled, context, backlog };
    if (decides && rows.rules.schedules.nextDue <= now) runSchedules(judging);
    for (const task of tasks) task(judging);
    const judged = chores.alerts ? round.step(workspace, settled, now) : undefined;
    raiseDenied(workspace, now);
    if (chores.denials) rows.episodes.write(workspace, now);
    notifyOf(workspace, context);
    const cutMore = chores.maintenance && cutDue(workspace, now);
    const flushing: FlushContext = {
      rows,
      settled,
      now,
      lateWindowMs: options.policy.lateWindowMs,
    };
    const flushed = flush(writer, workspace, header, flushing);
    const ended: string[] = [];
    const purged = chores.maintenance
      ? purgeDue(writer, flushed.header, now, tasks.length > 0, ended)
      : { header: flushed.header, more: false };
    const writes = purged.header !== header;
    if (writes) writer.putHeader(purged.header);

    // Nothing below may throw: the caches follow what is written, then what is taken away.
    remember(workspace, rows);
    rows.episodes.remember(workspace, now, chores.denials);
    for (const id of ended) rows.reservations.write(id, undefined);
    header = purged.header;
    nextExpiry = Math.min(expiry, nextExpiryOf(workspace.reservations.values()) ?? NEVER);
    const alone = dueAlone(rows.rules.schedules, now) !== undefined;
    const more =
      purged.more ||
      cutMore ||
      backlog ||
      (chores.maintenance && servedAlready(workspace, flushing));
    const moreAlerts = judged !== undefined && round.remember(judged);
    const running = !promptStopped && rows.rules.schedules.running.length > 0;
    return { workspace, flushed, writes, ended, more, moreAlerts, alone, running };
  }

  /** Every group runs what is due: as with holds, a damaged record must not make all of them fail. */
  function runSchedules({ workspace, ...running }: Judging): void {
    if (promptStopped) return;
    const inner = new Workspace(workspace, running.context.now);
    try {
      runPrompt({ ...running, workspace: inner });
    } catch (error) {
      if (!(error instanceof CorruptRecord)) throw error;
      promptStopped = true;
      options.onDamage(`${error.message}; schedules of SET_BUDGET and FUND_POOL stop`);
      return;
    }
    workspace.absorb(inner);
  }

  /** Returns when the next hold expires that was not expired here. */
  function expireDue(workspace: Workspace, context: Context): Instant {
    if (nextExpiry > context.now) return nextExpiry;
    const due = settled.due('EXPIRE', context.now + 1, EXPIRIES_MAX + stuck.size);
    for (const { id } of due) {
      const decided = stuck.has(id) ? undefined : expiryOf(id, workspace, context);
      if (decided?.verdict === 'JUDGED' && decided.effects !== undefined) {
        workspace.install(decided.effects, SIDECAR_STAMP);
      }
    }
    // The queue still has what was just expired: it is written with the group.
    return settled.due('EXPIRE', NEVER, due.length + 1)[due.length]?.time ?? NEVER;
  }

  /** Every group expires what is due: a damaged record must not make all of them fail. */
  function expiryOf(id: string, workspace: Workspace, context: Context): Decided | undefined {
    try {
      const reservation = workspace.reservation(id);
      return reservation && decideExpire(workspace, reservation, context);
    } catch (error) {
      if (!(error instanceof CorruptRecord)) throw error;
      stuck.add(id);
      options.onDamage(`${error.message}; hold ${id} does not expire`);
      return undefined;
    }
  }

  function cutDue(workspace: Workspace, now: Instant): boolean {
    const draft = beginDraft(workspace, now);
    const more = cutViolations(draft, options.purge);
    workspace.install(draft, SIDECAR_STAMP);
    return more;
  }

  function purgeDue(
    writer: StoreWriter,
    before: Header,
    now: Instant,
    busy: boolean,
    ended: string[],
  ): Purged {
    const walk = { ...writer, ...settled };
    return upkeep.step(walk, before, now, busy, (id) => ended.push(id));
  }

  return {
    decide,
    beginAlerts: () => round.begin(rows.rules.alerts.timed(), store),
    header: () => header,
  };
}

/** Whether holds that the group ended are to be purged at once: the queue did not have them yet. */
function servedAlready(workspace: Workspace, { now, lateWindowMs }: FlushContext): boolean {
  for (const { state, endTime } of workspace.reservations.values()) {
    if (state !== 'OPEN' && endTime + lateWindowMs <= now) return true;
  }
  return false;
}

/** Raises what the group's denials were: after its decisions, so that an undone batch tells them too. */
function raiseDenied(workspace: Workspace, now: Instant): void {
  for (const { alarm } of workspace.denied) {
    if (alarm === undefined) continue;
    const draft = beginDraft(workspace, now);
    raise(draft, alarm);
    workspace.install(draft, SIDECAR_STAMP);
  }
}
