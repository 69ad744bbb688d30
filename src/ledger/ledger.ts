import { type Answer, type Rejection, reject } from '../domain/answer.js';
import type { Command } from '../domain/command.js';
import { asOf } from '../domain/decide/checks.js';
import { entryCompacted } from '../domain/decide/refund.js';
import { countingLevels, findLevelScope } from '../domain/decide/service-levels.js';
import { levelOf } from '../domain/effective-levels.js';
import type { Instant } from '../domain/model.js';
import { DEFAULT_POOL_ID, type Policy } from '../domain/state.js';
import type { BackupReport, BatchAnswer, Caller, LedgerApi, VerificationReport } from './api.js';
import { channelView, listChannels } from './channels.js';
import { makeBudgetFeed } from './budget-feed.js';
import { watchBudgets } from './budget-watch.js';
import { type ClockPolicy, type TimeSource, machineTime, startClock } from './clock.js';
import { DEFAULT_POOL } from './default-pool.js';
import { deliveryByKey, listDeliveries } from './deliveries.js';
import { type DurableOutbox, makeOutbox, type OutboxBounds } from './durable-outbox.js';
import { type DiskGuardOptions, makeDiskGuard } from './disk-guard.js';
import { emergencyPolicy, emergencyRequest, listEmergencyRequests } from './emergencies.js';
import { exportEntries } from './export.js';
import { type GroupWriter, startGroupWriter } from './group-writer.js';
import { budgetChanges, externalChange } from './budget-changes.js';
import { usageBuckets, usageEntries } from './history.js';
import { type Judging, judge, replayOf } from './judge.js';
import { listAlerts } from './alerts.js';
import { raiseDeniedAccess } from './denied-access.js';
import { judgeBatch } from './judge-batch.js';
import { type ListSources, listAgents, listPools, listReservations } from './lists.js';
import {
  agentMetrics,
  countFrozenAgents,
  listAgentMetrics,
  listPoolMetrics,
  poolMetrics,
  systemMetrics,
} from './metrics.js';
import { limitStatus, listObjects, scopeId } from './objects.js';
import type { Outbox } from './outbox.js';
import { findReview, listReviews, startReviews } from './reviews.js';
import { idMaker } from './new-id.js';
import { onceAtATime } from './once-at-a-time.js';
import { durableRows, makeRows } from './rows.js';
import { listSchedules, scheduleRuns } from './schedule-reads.js';
import { CorruptRecord, type Header, type Store, type StoreReader } from './store.js';
import type { UpkeepPolicy } from './upkeep.js';
import { makeViolationFeed } from './violation-feed.js';
import { type ViolationWatchSources, watchViolations } from './violation-watch.js';
import { listViolations, violationCounts, violationOf } from './violations.js';

/** Everything a ledger is opened with. Bounds are settings of the configuration. */
export interface LedgerOptions extends UpkeepPolicy, DiskGuardOptions {
  readonly store: Store;
  readonly time: TimeSource;
  readonly clock: ClockPolicy;
  readonly policy: Policy;
  readonly sweepIntervalMs: number;
  readonly queueCommandsMax: number;
  readonly groupCommandsMax: number;
  readonly agentCacheRows: number;
  readonly reservationCacheRows: number;
  readonly watchedAgentsMax: number;
  readonly outbox: OutboxBounds;
  /** Called with a damage, and what is left undone for it: for the log. */
  readonly onDamage: (message: string) => void;
  /** Called once when the storage failed: the process must leave. */
  readonly onStorageFailed: (error: unknown) => void;
  /** Called when notifications became dead letters since too many waited for a channel. */
  readonly onDeliveriesDropped: (channelId: string, count: number) => void;
}

/** A ledger that serves. */
export interface Ledger extends LedgerApi {
  /** Where notifications wait until they are sent. */
  readonly outbox: Pick<DurableOutbox, keyof Outbox | 'onWork'>;
  /** Takes no more mutations, answers those taken, marks a clean stop and closes the store. */
  close(): Promise<void>;
}

/** How often counted denials are written: what a crash may cost of their count. */
const DENIALS_INTERVAL_MS = 1_000;

/** How often schedules are looked after: how late one runs that nobody's request waits for. */
const SCHEDULES_INTERVAL_MS = 500;

/** How often the alerts are judged that time alone may set off: api.md, EXHAUSTION_WITHIN. */
const ALERTS_INTERVAL_MS = 60_000;

/** Who asks for what the sidecar does by itself. */
const SIDECAR: Caller = { principal: 'sidecar', traceId: '' };
/** How often the disk is looked at: what is written in between must fit below the hard mark. */
const DISK_INTERVAL_MS = 200;

/** How often watchers that have heard nothing are looked for. */
const TICK_MS = 250;

/** Opens a ledger on an open store; the first time it makes the pool `default`. */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const { store } = options;
  const clock = startClock(options.time, options.clock, store.header().time);
  await store.transact((writer) => {
    const header = writer.header();
    const frozenAgents = header.frozenAgents ?? countFrozenAgents(writer);
    writer.putHeader({ ...header, time: clock.now(), frozenAgents });
  });
  store.refreshReads();

  const feed = makeBudgetFeed();
  const violations = makeViolationFeed(store, () => options.time.monotonic());
  const bounds = {
    agentRows: options.agentCacheRows,
    reservationRows: options.reservationCacheRows,
  };
  const cached = makeRows(bounds, store);
  const rows = durableRows(cached, store);
  const writer = startGroupWriter({
    store,
    rows: cached,
    clock,
    policy: options.policy,
    purge: options,
    newId: idMaker(() => machineTime.wall()),
    queueMax: options.queueCommandsMax,
    groupMax: options.groupCommandsMax,
    onDurable: (workspace, { movedFrom }) => {
      feed.publish(workspace, movedFrom);
      violations.publish(workspace);
      outbox.publish(workspace);
    },
    onDamage: options.onDamage,
    onStorageFailed: options.onStorageFailed,
    onReview: () => {
      reviews.carryOutOrders();
    },
  });
  const guard = makeDiskGuard(options);
  const guarded = async (command: Command, caller: Caller): Promise<Answer> => {
    const refusal = guard.refusal(command);
    if (refusal === undefined) return execute(writer, command, caller);
    if (guard.level === 'FULL') return refusal;
    return (await replayed(writer, command, caller)) ?? refusal;
  };
  /** Runs work that no caller asked for in the next group, unless the disk is full. */
  const own = async <T>(work: (judging: Judging) => T): Promise<T | Rejection> =>
    guard.full() ?? run(writer, SIDECAR, 1, work);
  const sources: ListSources = { reader: store, rows, now: clock.now };
  const outbox = makeOutbox({
    reader: store,
    rules: () => rows.rules,
    now: clock.now,
    bounds: options.outbox,
    transact: own,
    paused: () => guard.full() !== undefined,
    onDropped: options.onDeliveriesDropped,
  });
  const watching: ViolationWatchSources = {
    feed: violations,
    storeId: store.header().storeId,
    monotonic: () => options.time.monotonic(),
  };
  const upkeep = onceAtATime();
  const reviews = startReviews({
    reader: store,
    now: clock.now,
    execute: guarded,
    replay: (command, caller) => replayed(writer, command, caller),
  });
  // What was ordered before the last end and not made since.
  reviews.carryOutOrders();

  const ledger: Ledger = {
    execute: guarded,
    executeBatch: async (items, atomic, caller) => {
      for (const item of items) {
        const refusal = 'verdict' in item ? undefined : guard.refusal(item);
        if (refusal !== undefined) return refusal;
      }
      return run<BatchAnswer | Rejection>(writer, caller, items.length, (judging) =>
        judgeBatch(judging, items, atomic, caller),
      );
    },
    agent: (id) => {
      const agent = rows.agentById(id);
      const pool = agent && rows.pool(agent.poolUid);
      return agent && pool && { agent, pool };
    },
    pool: (id) => rows.poolById(id),
    serviceLevel: (agentId) => {
      const agent = rows.agentById(agentId);
      return agent && { agent, level: levelOf(rows.rules.levels, agent) };
    },
    serviceLevels: (scope) => {
      const found = findLevelScope(rows, scope);
      return 'verdict' in found ? found : countingLevels(rows, rows.rules, found);
    },
    reservation: (id) => {
      const stored = rows.reservation(id);
      const agentId = stored && rows.agent(stored.agentUid)?.id;
      if (stored === undefined || agentId === undefined) return undefined;
      return { reservation: asOf(stored, clock.now()), agentId };
    },
    listPools: (page) => listPools(sources, page),
    listAgents: (filter, page) => listAgents(sources, filter, page),
    listReservations: (filter, page) => listReservations(sources, filter, page),
    emergencyPolicy: (poolId) => emergencyPolicy(sources, poolId),
    emergencyRequest: (id) => emergencyRequest(sources, id),
    listEmergencyRequests: (filter, page) => listEmergencyRequests(sources, filter, page),
    usageEntries: (agentId, range, page) => usageEntries(sources, agentId, range, page),
    usageBuckets: (agentId, granularity, range, page) =>
      usageBuckets(sources, agentId, granularity, range, page),
    budgetChanges: (agentId, kinds, range, page) =>
      budgetChanges(sources, agentId, kinds, range, page),
    recordBudgetChange: async (command, caller) => {
      const outcome = await guarded(command, caller);
      if (outcome.verdict === 'REJECTED') return outcome;
      const { sequence, agent } = outcome;
      const entry = store.entry(sequence)?.entry;
      const change = entry && agent && externalChange(entry, agent, agent.priority);
      if (entry === undefined && outcome.replayed) return entryCompacted(sequence);
      if (change === undefined) throw new Error(`entry ${sequence} notes no change`);
      return { outcome, change };
    },
    runReview: (request, trigger, caller) => reviews.run(request, trigger, caller),
    review: (id) => findReview(store, id),
    listReviews: (page) => listReviews(store, page),
    agentMetrics: (id) => agentMetrics(sources, id),
    listAgentMetrics: (filter, page) => listAgentMetrics(sources, filter, page),
    poolMetrics: (id) => poolMetrics(sources, id),
    listPoolMetrics: (page) => listPoolMetrics(sources, page),
    systemMetrics: () => systemMetrics(sources),
    alert: (id) => store.row('alerts', id),
    listAlerts: (filter, page) => listAlerts(sources, filter, page),
    outbox,
    channel: (id) => channelView(rows, outbox, id),
    listChannels: (page) => listChannels(rows, outbox, page),
    delivery: (key) => deliveryByKey(sources, key),
    listDeliveries: (filter, page) => listDeliveries(sources, filter, page),
    schedule: (id) => store.row('schedules', id),
    listSchedules: (page) => listSchedules(store, page),
    scheduleRun: (key) => store.row('schedule_runs', key),
    scheduleRuns: (id, page) => scheduleRuns(store, id, page),
    exportEntries: (after, through, signal) => exportEntries(store, rows, after, through, signal),
    watchBudgets: (selection, minIntervalMs, signal) =>
      watchBudgets(
        {
          feed,
          rows,
          reader: store,
          headSequence: () => store.header().headSequence,
          now: clock.now,
          agentsMax: options.watchedAgentsMax,
        },
        selection,
        minIntervalMs,
        signal,
      ),
    object: (collection, key) => store.row(collection, key),
    listObjects: (collection, keep, page) => listObjects(sources, collection, keep, page),
    scopeId: (scope) => scopeId(sources, scope),
    limitStatus: (limit, agentUid) => limitStatus(sources, limit, agentUid),
    reportDenied: async (denied) => {
      // On a full disk the log has it alone.
      await own((judging) => {
        raiseDeniedAccess(judging, denied);
        return true;
      });
    },
    violation: (sequence) => violationOf(store, sequence),
    listViolations: (filter, page) => listViolations(sources, filter, page),
    violationCounts: (agentId) => violationCounts(sources, agentId),
    watchViolations: (watch, signal) => watchViolations(watching, watch, signal),
    now: clock.now,
    info: () => {
      const { storeId, headSequence, headHash } = store.header();
      const oldestSequence = store.oldestSequence();
      const time = clock.now();
      const disk = { level: guard.level, freeBytes: guard.freeBytes };
      return { storeId, format: store.format, oldestSequence, headSequence, headHash, time, disk };
    },
    verify: () => upkeep<VerificationReport>('verification', () => store.verify()),
    backup: (name) =>
      upkeep<BackupReport | Rejection>('backup', () =>
        store.backup(name === '' ? backupName(clock.now()) : name),
      ),
    close: async () => {
      clearInterval(sweeper);
      clearInterval(diskWatcher);
      clearInterval(counter);
      await reviews.close();
      clearInterval(ticker);
      clearInterval(watcher);
      clearInterval(scheduler);
      writer.writeDenials();
      await writer.drain();
      await store.transact((tx) => {
        const header = tx.header();
        // Reads have shown this time: the next start must not begin before it.
        const time = Math.max(header.time, clock.now());
        const verified = isHeadSound(tx, header)
          ? { verifiedSequence: header.headSequence, verifiedHash: header.headHash }
          : {};
        tx.putHeader({ ...header, time, ...verified });
      });
      await store.close();
    },
  };
  const counter = setInterval(() => {
    if (guard.level !== 'FULL') writer.writeDenials();
  }, DENIALS_INTERVAL_MS);
  counter.unref();
  const ticker = setInterval(() => {
    violations.tick();
  }, TICK_MS);
  ticker.unref();
  const watcher = setInterval(() => {
    if (guard.level !== 'FULL') writer.judgeAlerts();
  }, ALERTS_INTERVAL_MS);
  watcher.unref();
  const scheduler = setInterval(() => {
    if (guard.level === 'FULL') return;
    writer.runSchedules();
    reviews.retryOrders();
  }, SCHEDULES_INTERVAL_MS);
  scheduler.unref();
  const diskWatcher = setInterval(() => {
    guard.check();
  }, DISK_INTERVAL_MS);
  diskWatcher.unref();
  const sweeper = setInterval(() => {
    if (guard.level !== 'FULL') writer.maintain();
  }, options.sweepIntervalMs);
  sweeper.unref();
  if (ledger.pool(DEFAULT_POOL_ID) === undefined) await execute(writer, DEFAULT_POOL, SIDECAR);
  return ledger;
}

/** A head that is not there, or cannot be read, is for a verification to find. */
function isHeadSound(reader: Pick<StoreReader, 'entry'>, { headSequence, headHash }: Header) {
  try {
    const head = headSequence === 0 ? undefined : reader.entry(headSequence);
    return head !== undefined && Buffer.compare(head.hash, headHash) === 0;
  } catch (error) {
    if (error instanceof CorruptRecord) return false;
    throw error;
  }
}

function execute(writer: GroupWriter, command: Command, caller: Caller): Promise<Answer> {
  return run<Answer>(writer, caller, 1, (judging) => judge(judging, command, caller));
}

/** The stored answer of a command that was carried out before, or why that cannot be told. */
async function replayed(
  writer: GroupWriter,
  command: Command,
  caller: Caller,
): Promise<Answer | undefined> {
  const found = await run(writer, caller, 1, (judging) => [replayOf(judging, command)]);
  return 'verdict' in found ? found : found[0];
}

/** Decides in the next group, and resolves when that is durable. */
function run<T>(
  writer: GroupWriter,
  caller: Caller,
  weight: number,
  work: (judging: Judging) => T,
): Promise<T | Rejection> {
  return new Promise((resolve, fail) => {
    let answer: T | undefined;
    writer.submit({
      weight: Math.max(1, weight),
      abandoned: () => {
        // What an earlier attempt answered was undone with it.
        answer = undefined;
        return caller.abandoned?.() ?? false;
      },
      run: (judging) => {
        answer = work(judging);
      },
      done: () => {
        resolve(answer ?? givenUp());
      },
      failed: fail,
      refused: (rejection) => {
        resolve(rejection);
      },
    });
  });
}

/** For a caller that is gone: nobody reads it. */
function givenUp(): Rejection {
  return reject('SERVER_BUSY', 'The call was given up before it was decided');
}

/** A name made of the time, such as `20261123T184500123Z`. */
function backupName(now: Instant): string {
  return new Date(now).toISOString().replaceAll(/[-:.]/g, '');
}
