import { type Rejection } from '../domain/answer.js';
import type { Instant } from '../domain/model.js';
import { cutViolations } from '../domain/cut-violations.js';
import { decideExpire } from '../domain/decide/expire.js';
import type { Context, Policy } from '../domain/state.js';
import { makeAlertRound } from './alert-round.js';
import type { StoreClock } from './clock.js';
import { flush, nextExpiryOf, remember, settle, type FlushContext, type Flushed } from './flush.js';
import type { Judging } from './judge.js';
import { serverBusy, shuttingDown, storeUnavailable } from './group-refusals.js';
import { purge, type Purged, type PurgePolicy } from './purge.js';
import { stateOf, type Rows } from './rows.js';
import { dueAlone, runAlone as runScheduleAlone, runPrompt } from './scheduled-runs.js';
import { WorkFailed, type Header, type Store, type StoreWriter } from './store.js';
import { dueAfter } from './timetable.js';
import type { UsageBook } from './usage-book.js';
import { beginDraft } from '../domain/draft.js';
import { raise } from '../domain/raise.js';
import { SIDECAR_STAMP, Workspace, type ReviewOrder } from './workspace.js';

/** What takes part in a group: decided inside its transaction, answered once that is durable. */
export interface GroupTask {
  /** Commands in it, at least 1. */
  readonly weight: number;
  /** Not run when true: the caller is gone. Asked at the beginning of every attempt. */
  abandoned(): boolean;
  /** Decides. Pure but for the workspace. A throw is a fault of this task alone. */
  run(judging: Judging): void;
  /** The group is durable. */
  done(): void;
  /** The task was not carried out. */
  failed(error: unknown): void;
  /** Not decided, with a reason. */
  refused(rejection: Rejection): void;
}

/** What the writer works with. */
export interface GroupWriterOptions {
  readonly store: Store;
  readonly rows: Rows;
  readonly usage: UsageBook;
  readonly clock: StoreClock;
  readonly policy: Policy;
  readonly purge: PurgePolicy;
  readonly newId: () => string;
  /** Names this process in the header: another name there means another writer. */
  readonly owner: string;
  /** Commands that may wait. */
  readonly queueMax: number;
  /** Commands of one group; a batch of more is a group by itself. */
  readonly groupMax: number;
  /** Called with every durable group's workspace, before its rows are settled and its tasks answered. */
  readonly onDurable: (workspace: Workspace, flushed: Flushed) => void;
  /** Called with every review that a durable group ordered. */
  readonly onReview: (order: ReviewOrder) => void;
  /** Called once when the storage failed: nothing can be written any more. */
  readonly onStorageFailed: (error: unknown) => void;
}

/** Decides and writes tasks in groups: one durable transaction for all that wait. */
export interface GroupWriter {
  submit(task: GroupTask): void;
  /** The newest header, durable or not. */
  header(): Header;
  /** Expires and purges what is due. */
  maintain(): void;
  /** Runs the schedules that are due, if nothing else makes a group. */
  runSchedules(): void;
  /** Writes the denials that were counted since the last time, and ends episodes that are over. */
  writeDenials(): void;
  /** Judges the alerts that time alone may set off, in steps: once a minute. */
  judgeAlerts(): void;
  /** Takes no more tasks, and resolves when those taken are answered. */
  drain(): Promise<void>;
}

/** Holds that one group expires at most: ledger.md, "Reservations". */
const EXPIRIES_MAX = 1_000;

/** A moment after every expiry: the largest that a key holds. */
const NEVER: Instant = 2 ** 48 - 1;

/** Another process owns the store: this one must leave, whatever it was about to write. */
class StoreTaken extends Error {
  override readonly name = 'StoreTaken';
}

interface GroupResult {
  readonly workspace: Workspace;
  readonly flushed: Flushed;
  readonly flushing: FlushContext;
  /** Whether holds or rows that are due were left for the next group. */
  readonly more: boolean;
  /** Whether a schedule is due that wants a transaction of its own. */
  readonly alone: boolean;
}

/** Starts a group writer on an open store. */
export function startGroupWriter(options: GroupWriterOptions): GroupWriter {
  const { store, rows, clock } = options;
  let header = store.header();
  const waiting: GroupTask[] = [];
  let weightWaiting = 0;
  let inFlight = 0;
  let scheduled = false;
  let storageFailed = false;
  let closing = false;
  let maintenanceDue = false;
  let denialsDue = false;
  let alertsDue = false;
  const round = makeAlertRound();
  let schedulesDue = false;
  let aloneWaiting = false;
  let faulted: string | undefined;
  let nextExpiry: Instant = 0;
  const idle: (() => void)[] = [];

  function submit(task: GroupTask): void {
    if (storageFailed) task.refused(storeUnavailable());
    else if (closing) task.refused(shuttingDown());
    else if (weightWaiting + task.weight > options.queueMax && weightWaiting > 0) {
      task.refused(serverBusy());
    } else {
      waiting.push(task);
      weightWaiting += task.weight;
      schedule();
    }
  }

  /** The tasks that wait, as many as one transaction may decide, and at least one. */
  function nextGroup(): readonly GroupTask[] {
    let weight = 0;
    let count = 0;
    for (const task of waiting) {
      if (count > 0 && weight + task.weight > options.groupMax) break;
      weight += task.weight;
      count += 1;
    }
    weightWaiting -= weight;
    return waiting.splice(0, count);
  }

  /** One transaction waits for the writer at a time; tasks gather until it begins. */
  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    void runGroup();
  }

  async function runGroup(): Promise<void> {
    let group: readonly GroupTask[] = [];
    let result: GroupResult | undefined;
    inFlight += 1;
    try {
      await store.transact((writer) => {
        scheduled = false;
        group = nextGroup();
        // Not here: a transaction begun inside another's work would be nested in it, and run first.
        if (waiting.length > 0) queueMicrotask(schedule);
        result = runTasks(writer, group);
      });
      finish(group, result);
    } catch (error) {
      scheduled = false;
      await afterFailure(error, group);
    } finally {
      inFlight -= 1;
      wakeIdle();
    }
  }

  /** A throw of one task undid its group: each runs again by itself, and only the culprit fails. */
  async function afterFailure(error: unknown, group: readonly GroupTask[]): Promise<void> {
    if (!isTasksFault(error)) {
      failStorage(error, group);
      return;
    }
    const [only] = group;
    if (group.length === 1 && only !== undefined) {
      only.failed(error.cause);
      return;
    }
    if (group.length === 0) {
      failStorage(error.cause, group);
      return;
    }
    for (const task of group) await runAlone(task);
  }

  async function runAlone(task: GroupTask): Promise<void> {
    let result: GroupResult | undefined;
    try {
      await store.transact((writer) => {
        result = runTasks(writer, [task]);
      });
      finish([task], result);
    } catch (error) {
      if (isTasksFault(error)) task.failed(error.cause);
      else failStorage(error, [task]);
    }
  }

  function runTasks(writer: StoreWriter, group: readonly GroupTask[]): GroupResult {
    checkOwner(writer);
    const now = clock.now();
    const context: Context = {
      now,
      policy: options.policy,
      newId: options.newId,
      clockJumped: clock.jumped(),
      dueAfter,
    };
    const workspace = new Workspace(stateOf(rows, writer, header), now);
    // A group that only writes counted denials, such as the last one, decides nothing.
    const decides = group.length > 0 || maintenanceDue || schedulesDue || alertsDue;
    if (decides) expireDue(writer, workspace, context);
    const running = { workspace, reader: writer, context };
    if (decides && rows.rules.schedules.nextDue <= now) runPrompt(running);
    const backlog = nextExpiry <= now;
    for (const task of group) {
      if (!task.abandoned()) task.run({ ...running, backlog });
    }
    const judged = alertsDue ? round.step(workspace, writer, now) : undefined;
    raiseDenied(workspace, now);
    const wroteDenials = denialsDue;
    if (denialsDue) rows.episodes.write(workspace, now);
    const cutMore = maintenanceDue && cutDue(workspace, now);
    const flushing: FlushContext = {
      rows,
      usage: options.usage,
      now,
      lateWindowMs: options.policy.lateWindowMs,
    };
    const flushed = flush(writer, workspace, header, flushing);
    const ended: string[] = [];
    const purged = purgeDue(writer, flushed.header, now, ended);
    if (purged.header !== header) writer.putHeader(purged.header);

    // Nothing below may throw: the caches follow what was written, then what was taken away.
    remember(workspace, flushed, flushing);
    rows.episodes.remember(workspace, now, wroteDenials);
    if (wroteDenials) denialsDue = false;
    if (judged !== undefined) alertsDue = round.remember(judged);
    if (decides) schedulesDue = false;
    for (const id of ended) rows.reservations.forget(id);
    header = purged.header;
    const opened = nextExpiryOf(workspace.reservations.values());
    if (opened !== undefined && opened < nextExpiry) nextExpiry = opened;
    const alone = dueAlone(rows.rules.schedules, now) !== undefined;
    return { workspace, flushed, flushing, more: purged.more || cutMore || backlog, alone };
  }

  function checkOwner(writer: StoreWriter): void {
    if (writer.header().owner !== options.owner) {
      throw new StoreTaken('another process took over the store');
    }
  }

  function expireDue(writer: StoreWriter, workspace: Workspace, context: Context): void {
    if (nextExpiry > context.now) return;
    const due = writer.due('EXPIRE', context.now + 1, EXPIRIES_MAX);
    for (const { id } of due) {
      const reservation = workspace.reservation(id);
      if (reservation === undefined) continue;
      const decided = decideExpire(workspace, reservation, context);
      if (decided.verdict === 'JUDGED' && decided.effects !== undefined) {
        workspace.install(decided.effects, SIDECAR_STAMP);
      }
    }
    // The queue still has what was just expired: it is written with the group.
    nextExpiry = writer.due('EXPIRE', NEVER, due.length + 1)[due.length]?.time ?? NEVER;
  }

  function cutDue(workspace: Workspace, now: Instant): boolean {
    const draft = beginDraft(workspace, now);
    const more = cutViolations(draft, options.purge);
    workspace.install(draft, SIDECAR_STAMP);
    return more;
  }

  function purgeDue(writer: StoreWriter, before: Header, now: Instant, ended: string[]): Purged {
    if (!maintenanceDue) return { header: before, more: false };
    maintenanceDue = false;
    return purge(writer, before, now, options.purge, (id) => ended.push(id));
  }

  function finish(group: readonly GroupTask[], result: GroupResult | undefined): void {
    if (result !== undefined) {
      store.refreshReads();
      if (result.workspace.changed) options.onDurable(result.workspace, result.flushed);
      settle(result.workspace, result.flushed, result.flushing);
      for (const order of result.workspace.reviews) options.onReview(order);
      if (result.more) maintain();
      if (alertsDue && !closing) schedule();
      if (result.alone) submitAlone();
      if (rows.rules.schedules.running.length > 0) runSchedules();
    }
    for (const task of group) task.done();
  }

  function failStorage(error: unknown, group: readonly GroupTask[]): void {
    weightWaiting = 0;
    for (const task of [...group, ...waiting.splice(0)]) task.refused(storeUnavailable());
    if (storageFailed) return;
    storageFailed = true;
    options.onStorageFailed(error instanceof WorkFailed ? error.cause : error);
  }

  function maintain(): void {
    if (storageFailed || closing) return;
    maintenanceDue = true;
    schedule();
  }

  function runSchedules(): void {
    if (storageFailed || closing || rows.rules.schedules.nextDue > clock.now()) return;
    schedulesDue = true;
    schedule();
  }

  /** A task of its own for one schedule: where it throws, nobody else's decisions go with it. */
  function submitAlone(): void {
    if (aloneWaiting) return;
    aloneWaiting = true;
    let current: string | undefined;
    submit({
      weight: 1,
      abandoned: () => false,
      run: ({ workspace, reader, context }) => {
        current = dueAlone(workspace.rules.schedules, context.now)?.id;
        runScheduleAlone({ workspace, reader, context }, faulted);
      },
      done: () => {
        aloneWaiting = false;
        faulted = undefined;
      },
      failed: () => {
        aloneWaiting = false;
        faulted = current;
      },
      refused: () => {
        aloneWaiting = false;
      },
    });
  }

  function writeDenials(): void {
    if (storageFailed || closing || !rows.episodes.due(clock.now())) return;
    denialsDue = true;
    schedule();
  }

  function judgeAlerts(): void {
    if (storageFailed || closing || !round.begin(rows.rules.alerts.timed(), store)) return;
    alertsDue = true;
    schedule();
  }

  function wakeIdle(): void {
    if (inFlight > 0 || waiting.length > 0) return;
    for (const wake of idle.splice(0)) wake();
  }

  return {
    submit,
    header: () => header,
    maintain,
    runSchedules,
    writeDenials,
    judgeAlerts,
    drain: () =>
      new Promise((resolve) => {
        closing = true;
        idle.push(resolve);
        wakeIdle();
      }),
  };
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

/** Whether a task threw, and not the storage or the fence around it. */
function isTasksFault(error: unknown): error is WorkFailed {
  return error instanceof WorkFailed && !(error.cause instanceof StoreTaken);
}
