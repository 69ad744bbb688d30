import { reject, type Rejection } from '../domain/answer.js';
import type { Instant } from '../domain/model.js';
import { decideExpire } from '../domain/decide/expire.js';
import type { Context, Policy } from '../domain/state.js';
import type { StoreClock } from './clock.js';
import { flush, nextExpiryOf, remember, settle, type FlushContext, type Flushed } from './flush.js';
import type { Judging } from './judge.js';
import { purge, type PurgePolicy } from './purge.js';
import { stateOf, type Rows } from './rows.js';
import { WorkFailed, type Header, type Store, type StoreWriter } from './store.js';
import type { UsageBook } from './usage-book.js';
import { Workspace } from './workspace.js';

/** What takes part in a group: decided inside its transaction, answered once that is durable. */
export interface GroupTask {
  /** Not run when true: the caller is gone. */
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
  /** Tasks that may wait. */
  readonly queueMax: number;
  /** Tasks of one group. */
  readonly groupMax: number;
  /** Called with every durable group's workspace, before its rows are settled and its tasks answered. */
  readonly onDurable: (workspace: Workspace) => void;
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
  /** Takes no more tasks, and resolves when those taken are answered. */
  drain(): Promise<void>;
}

/** Holds that one group expires at most: ledger.md, "Reservations". */
const EXPIRIES_MAX = 1_000;

/** A moment after every expiry: the largest that a key holds. */
const NEVER: Instant = 2 ** 48 - 1;

/** Whose entries no request asked for. */
const SIDECAR_STAMP = {
  requestId: '',
  method: undefined,
  principal: 'sidecar',
  reason: '',
  traceId: '',
} as const;

/** How long a caller should wait when too many are waiting. */
const BUSY_RETRY_MS = 100;

interface GroupResult {
  readonly workspace: Workspace;
  readonly flushed: Flushed;
  readonly flushing: FlushContext;
  readonly purged: boolean;
}

/** Starts a group writer on an open store. */
export function startGroupWriter(options: GroupWriterOptions): GroupWriter {
  const { store, rows, clock } = options;
  let header = store.header();
  const waiting: GroupTask[] = [];
  let inFlight = 0;
  let scheduled = false;
  let storageFailed = false;
  let closing = false;
  let maintenanceDue = false;
  let nextExpiry: Instant = 0;
  const idle: (() => void)[] = [];

  function submit(task: GroupTask): void {
    if (storageFailed) task.refused(storeUnavailable());
    else if (closing) task.refused(shuttingDown());
    else if (waiting.length >= options.queueMax) task.refused(serverBusy());
    else {
      waiting.push(task);
      schedule();
    }
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
        group = waiting.splice(0, options.groupMax);
        if (waiting.length > 0) schedule();
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
    if (!(error instanceof WorkFailed)) {
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
      if (error instanceof WorkFailed) task.failed(error.cause);
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
    };
    const workspace = new Workspace(stateOf(rows, writer, header));
    expireDue(writer, workspace, context);
    for (const task of group) {
      if (!task.abandoned()) task.run({ workspace, reader: writer, context });
    }
    const flushing: FlushContext = {
      rows,
      usage: options.usage,
      now,
      lateWindowMs: options.policy.lateWindowMs,
    };
    const flushed = flush(writer, workspace, header, flushing);
    const cleaned = purgeDue(writer, flushed.header, now);
    if (cleaned !== header) writer.putHeader(cleaned);

    // Nothing below may throw: the caches follow what was written.
    remember(workspace, flushed, flushing);
    header = cleaned;
    const opened = nextExpiryOf(workspace.reservations.values());
    if (opened !== undefined && opened < nextExpiry) nextExpiry = opened;
    return { workspace, flushed, flushing, purged: cleaned !== flushed.header };
  }

  function checkOwner(writer: StoreWriter): void {
    if (writer.header().owner !== options.owner) {
      throw new Error('another process took over the store');
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
    const [next] = writer.due('EXPIRE', NEVER, 1);
    nextExpiry = due.length === EXPIRIES_MAX ? 0 : (next?.time ?? NEVER);
  }

  function purgeDue(writer: StoreWriter, before: Header, now: Instant): Header {
    if (!maintenanceDue) return before;
    maintenanceDue = false;
    return purge(writer, before, now, options.purge, (id) => {
      rows.reservations.forget(id);
    });
  }

  function finish(group: readonly GroupTask[], result: GroupResult | undefined): void {
    if (result !== undefined) {
      store.refreshReads();
      if (result.workspace.entries.length > 0) options.onDurable(result.workspace);
      settle(result.workspace, result.flushed, result.flushing);
      // A full step of purging has more to do.
      if (result.purged) maintain();
    }
    for (const task of group) task.done();
  }

  function failStorage(error: unknown, group: readonly GroupTask[]): void {
    for (const task of [...group, ...waiting.splice(0)]) task.refused(storeUnavailable());
    if (storageFailed) return;
    storageFailed = true;
    options.onStorageFailed(error);
  }

  function maintain(): void {
    if (storageFailed || closing) return;
    maintenanceDue = true;
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
    drain: () =>
      new Promise((resolve) => {
        closing = true;
        idle.push(resolve);
        wakeIdle();
      }),
  };
}

function serverBusy(): Rejection {
  return {
    ...reject('SERVER_BUSY', 'Too many requests are waiting. Try again a little later'),
    retryAfterMs: BUSY_RETRY_MS,
  };
}

function shuttingDown(): Rejection {
  return reject('SHUTTING_DOWN', 'The sidecar is stopping. Try again with the same request_id');
}

function storeUnavailable(): Rejection {
  return reject(
    'STORE_UNAVAILABLE',
    'The store failed and the sidecar is leaving. Try again with the same request_id',
  );
}
