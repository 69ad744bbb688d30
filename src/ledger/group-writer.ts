import type { Rejection } from '../domain/answer.js';
import type { ReviewOrder } from '../domain/review.js';
import type { AnswerBook } from './answer-book.js';
import type { Flushed } from './flush.js';
import { settle } from './flush.js';
import {
  makeGroupDecider,
  type Chores,
  type DecisionOptions,
  type GroupDecision,
} from './group-decision.js';
import { serverBusy, shuttingDown, storeUnavailable } from './group-refusals.js';
import type { Judging } from './judge.js';
import { dueAlone, runAlone as runScheduleAlone } from './scheduled-runs.js';
import { settledReader, Unsettled } from './settled-reader.js';
import { CorruptRecord, type Header } from './store.js';
import { UpkeepStopped } from './upkeep.js';
import type { Workspace } from './workspace.js';

/** What takes part in a group: decided with it, answered once that is durable. */
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
export interface GroupWriterOptions extends DecisionOptions {
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

/**
 * Groups under way at a time: one is written while the next is decided. More would only make smaller
 * groups.
 */
const UNDER_WAY_MAX = 2;

/** Starts a group writer on an open store. */
export function startGroupWriter(options: GroupWriterOptions): GroupWriter {
  const { store, rows, clock } = options;
  const waiting: GroupTask[] = [];
  let weightWaiting = 0;
  /** Groups to decide before any other: those of an attempt that was undone. */
  const again: (readonly GroupTask[])[] = [];
  let underWay = 0;
  /** When every group that was written is durable. */
  let written = Promise.resolve();
  /** Answers of groups under way, by group. */
  const answers: AnswerBook[] = [];
  /** Whether the next group can be decided only when none is under way. */
  let mustSettle = false;
  let scheduled = false;
  let storageFailed = false;
  let closing = false;
  let due: Chores = NO_CHORES;
  let aloneWaiting = false;
  let faulted: string | undefined;
  /** Damaged records that chores met, as they were told of. */
  const damages = new Set<string>();
  let denialsLeft = false;
  const idle: (() => void)[] = [];
  const decider = makeGroupDecider(
    options,
    settledReader(store, {
      settled: () => underWay === 0,
      answer: (scope) => {
        for (const book of answers) {
          const found = book.get(scope);
          if (found !== undefined) return found;
        }
        return undefined;
      },
    }),
  );

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
    const first = again.shift();
    if (first !== undefined) return first;
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

  /** A group is decided at the end of the turn, with everything that the turn brought. */
  function schedule(): void {
    if (scheduled || storageFailed || underWay >= (mustSettle ? 1 : UNDER_WAY_MAX)) return;
    scheduled = true;
    setImmediate(turn);
  }

  function turn(): void {
    scheduled = false;
    if (storageFailed) return;
    const group = nextGroup();
    if (group.length > 0 || hasChores(due)) decideGroup(group);
    if (hasWork()) schedule();
    wakeIdle();
  }

  function hasWork(): boolean {
    return waiting.length > 0 || again.length > 0 || hasChores(due);
  }

  function decideGroup(group: readonly GroupTask[]): void {
    const chores = due;
    let decision: GroupDecision | undefined;
    try {
      const durable = store.transact((writer) => {
        decision = decider.decide(writer, group.map(decideTask), chores);
      });
      if (decision !== undefined) begin(group, chores, decision, durable);
    } catch (error) {
      undo(group, chores, error);
    }
  }

  function begin(
    group: readonly GroupTask[],
    chores: Chores,
    decision: GroupDecision,
    durable: Promise<void>,
  ): void {
    mustSettle = false;
    due = {
      maintenance: false,
      denials: false,
      alerts: decision.moreAlerts && !closing,
      schedules: due.schedules && !decides(group, chores),
    };
    answers.push(decision.workspace.answers);
    underWay += 1;
    // What writes nothing may rest on groups that are not durable yet: it is answered after them.
    if (decision.writes) written = durable;
    written.then(
      () => {
        finish(group, decision);
      },
      (error: unknown) => {
        underWay -= 1;
        failStorage(group, error);
      },
    );
  }

  /** Nothing of the group was put anywhere: it is decided again, or each task of it by itself. */
  function undo(group: readonly GroupTask[], chores: Chores, error: unknown): void {
    if (error instanceof Unsettled) {
      mustSettle = true;
      again.unshift(group);
      return;
    }
    if (error instanceof UpkeepStopped) {
      again.unshift(group);
      return;
    }
    const [only] = group;
    if (only === undefined) failChores(error);
    else if (hasChores(chores)) again.unshift([], ...group.map((task) => [task]));
    else if (group.length === 1) only.failed(error);
    else again.unshift(...group.map((task) => [task]));
  }

  /** A damaged record ends the chore that meets it, and not what everybody else is served with. */
  function failChores(error: unknown): void {
    if (!(error instanceof CorruptRecord)) {
      failStorage([], error);
      return;
    }
    due = NO_CHORES;
    denialsLeft = closing;
    if (damages.has(error.message)) return;
    damages.add(error.message);
    options.onDamage(`${error.message}; a chore of the sidecar stops there`);
  }

  function finish(group: readonly GroupTask[], decision: GroupDecision): void {
    const { workspace, flushed, ended } = decision;
    underWay -= 1;
    if (storageFailed) {
      refuse(group);
      return;
    }
    if (decision.writes) store.refreshReads();
    if (workspace.changed) options.onDurable(workspace, flushed);
    settle(workspace, rows);
    for (const id of ended) rows.reservations.settle(id, undefined);
    answers.splice(answers.indexOf(workspace.answers), 1);
    for (const order of workspace.reviews) options.onReview(order);
    if (decision.more) maintain();
    if (decision.alone) submitAlone();
    if (decision.running) runSchedules();
    for (const task of group) task.done();
    if (hasWork()) schedule();
    wakeIdle();
  }

  function failStorage(group: readonly GroupTask[], error: unknown): void {
    weightWaiting = 0;
    due = NO_CHORES;
    refuse([...group, ...again.splice(0).flat(), ...waiting.splice(0)]);
    if (!storageFailed) {
      storageFailed = true;
      options.onStorageFailed(error);
    }
    wakeIdle();
  }

  function refuse(tasks: readonly GroupTask[]): void {
    for (const task of tasks) task.refused(storeUnavailable());
  }

  function add(chores: Partial<Chores>): void {
    if (storageFailed || closing) return;
    due = { ...due, ...chores };
    schedule();
  }

  function maintain(): void {
    add({ maintenance: true });
  }

  function runSchedules(): void {
    if (rows.rules.schedules.nextDue <= clock.now()) add({ schedules: true });
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

  function wakeIdle(): void {
    if (underWay > 0 || hasWork()) return;
    // What the last groups counted goes with the stop.
    if (closing && !storageFailed && !denialsLeft && rows.episodes.due(clock.now())) {
      due = { ...due, denials: true };
      schedule();
      return;
    }
    for (const wake of idle.splice(0)) wake();
  }

  return {
    submit,
    header: () => decider.header(),
    maintain,
    runSchedules,
    writeDenials: () => {
      if (rows.episodes.due(clock.now())) add({ denials: true });
    },
    judgeAlerts: () => {
      if (decider.beginAlerts()) add({ alerts: true });
    },
    drain: () =>
      new Promise((resolve) => {
        closing = true;
        idle.push(resolve);
        wakeIdle();
      }),
  };
}

const NO_CHORES: Chores = { maintenance: false, denials: false, alerts: false, schedules: false };

function hasChores(chores: Chores): boolean {
  return chores.maintenance || chores.denials || chores.alerts || chores.schedules;
}

/** Whether a group looks after the schedules that are due: any but one that only writes denials. */
function decides(group: readonly GroupTask[], chores: Chores): boolean {
  return group.length > 0 || chores.maintenance || chores.alerts || chores.schedules;
}

function decideTask(task: GroupTask): (judging: Judging) => void {
  return (judging) => {
    if (!task.abandoned()) task.run(judging);
  };
}
