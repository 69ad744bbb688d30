import type { BudgetAlert } from '../domain/alert.js';
import type { Amount } from '../domain/amount.js';
import type { Answer, Rejection } from '../domain/answer.js';
import type { CollectionName, Collections } from '../domain/collection.js';
import type { RecordBudgetChangeCommand } from '../domain/budget-change.js';
import type { Command, LevelScopeName, SpendCommand } from '../domain/command.js';
import type { DiskLevel } from '../domain/disk-level.js';
import type { SpendingLimit } from '../domain/limit.js';
import type { Scope } from '../domain/scope.js';
import type { EmergencyPolicy } from '../domain/emergency/policy.js';
import type { EmergencyRequest, EmergencyState } from '../domain/emergency/request.js';
import type { NamedLevels, PlacedLevel } from '../domain/effective-levels.js';
import type { Entry, EntryKind } from '../domain/entry.js';
import type { Agent, Instant, Pool, Reservation, ReservationState, Uid } from '../domain/model.js';
import type { Review, ReviewRequest, ReviewTrigger } from '../domain/review.js';
import type { ViolationCount } from '../domain/violation-counts.js';
import type { Violation } from '../domain/violation.js';
import type { ExportMessage } from './export.js';
import type { HistoryPage } from './kept.js';
import type { ViolationMessage, ViolationWatch } from './violation-watch.js';
import type { ViolationFilter } from './violations.js';
import type {
  AgentMetricsFilter,
  AgentMetricsView,
  BudgetChangeView,
  MadeReview,
  PoolMetricsView,
  RecordedChange,
  ReviewView,
  SystemMetricsView,
  UsageBucketView,
} from './metrics-views.js';
import type { Schedule, ScheduleRun } from '../domain/schedule.js';
import type { ChannelView, DeliveryFilter, DeliveryView } from './channel-views.js';

/** Judges by its id whether an agent is one that may be seen. */
export type AgentScope = (agentId: string) => boolean;

/** Access that was denied to a principal that is known. */
export interface DeniedAccess {
  readonly principal: string;
  /** Such as `/safeguards.v1.BudgetService/Spend`. */
  readonly method: string;
  /** The agent that was asked for; empty where the call names none. */
  readonly agentId: string;
}

/** Who asks, and whether the answer is still wanted. */
export interface Caller {
  /** The authenticated principal: `agent` or `admin` where none are configured. */
  readonly principal: string;
  /** 32 hex digits of the caller's traceparent, or empty. */
  readonly traceId: string;
  /** True once the call is cancelled or past its deadline: it is not decided any more. */
  readonly abandoned?: () => boolean;
}

/** An item of a batch: a well-formed spend, or what was wrong with it. */
export type BatchItem = SpendCommand | (Rejection & { readonly requestId: string });

/** An item of an atomic batch that another item's denial or error undid. */
export interface NotApplied {
  readonly verdict: 'NOT_APPLIED';
  /** The item's agent as it is, with its pool; undefined when unknown. */
  readonly agent: Agent | undefined;
  readonly pool: Pool | undefined;
  readonly serviceLevel: PlacedLevel | undefined;
}

/** The answers to a batch, one per item, in order. */
export interface BatchAnswer {
  readonly results: readonly (Answer | NotApplied)[];
  /** The distinct agents that exist, in order of first mention, after the last item. */
  readonly agents: readonly AgentWithPool[];
}

/** An agent and the pool it draws from, read at one moment. */
export interface AgentWithPool {
  readonly agent: Agent;
  readonly pool: Pool;
}

/** An agent and the level of service that it is at, read at one moment. */
export interface AgentLevel {
  readonly agent: Agent;
  readonly level: PlacedLevel;
}

/** A reservation, EXPIRED when its time has passed whether swept or not, and its agent's id. */
export interface ReservationView {
  readonly reservation: Reservation;
  readonly agentId: string;
}

/** A page of a list: `last` is the key to continue after, undefined on the last page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly last: string | undefined;
}

/** Where a page begins and how long it may be. */
export interface PageRequest {
  /** The key of the last item of the page before, or undefined. */
  readonly after: string | undefined;
  /** 1..1000. */
  readonly size: number;
}

/** An entry with the ids behind its uids. */
export interface EntryView {
  readonly entry: Entry;
  /** Ids by `AGENT 7` or `POOL 1`. */
  readonly ids: ReadonlyMap<string, string>;
}

/** Which alerts are listed: those on an agent, or those on a pool and each of its agents. */
export interface AlertFilter {
  /** Empty: of any agent. */
  readonly agentId: string;
  /** Empty: of any pool. Not together with an agent. */
  readonly poolId: string;
}

/** What WatchBudgets sends. */
export type BudgetEvent =
  | {
      readonly kind: 'BUDGET';
      readonly agent: Agent;
      readonly pool: Pool;
      readonly level: PlacedLevel;
    }
  | {
      readonly kind: 'SNAPSHOT_COMPLETE';
      readonly sequence: number;
      readonly agentCount: number;
      readonly time: Instant;
    }
  | { readonly kind: 'LEFT'; readonly agentId: string };

/** Whose budgets to watch: agents by id, or a pool's. */
export type WatchSelection =
  | { readonly kind: 'AGENTS'; readonly agentIds: readonly string[] }
  | { readonly kind: 'POOL'; readonly poolId: string };

/** One disagreement found by a verification. */
export interface Finding {
  /** 0 when it is about a balance. */
  readonly sequence: number;
  /** Such as `AGENT 7`, or empty. */
  readonly account: string;
  readonly message: string;
}

/** The result of a verification. */
export interface VerificationReport {
  readonly clean: boolean;
  readonly entries: number;
  readonly balances: number;
  readonly headSequence: number;
  /** 32 bytes. */
  readonly headHash: Uint8Array;
  /** The first 100. */
  readonly findings: readonly Finding[];
  readonly elapsedMs: number;
}

/** An emergency policy and its pool's id: empty for the server's. */
export interface EmergencyPolicyView {
  readonly policy: EmergencyPolicy;
  readonly poolId: string;
}

/** What a backup made. */
export interface BackupReport {
  readonly name: string;
  readonly sizeBytes: number;
  readonly headSequence: number;
  readonly headHash: Uint8Array;
}

/** The state of the store that GetServerInfo shows. */
export interface StoreInfo {
  readonly storeId: string;
  readonly format: number;
  /** The oldest entry that is kept, 0 when there is none. */
  readonly oldestSequence: number;
  readonly headSequence: number;
  readonly headHash: Uint8Array;
  readonly time: Instant;
  /** The disk of the store. */
  readonly disk: { readonly level: DiskLevel; readonly freeBytes: number };
}

/**
 * Everything the transports ask of the ledger. Reads see durable state only; the promise of a
 * mutation settles after its effect is durable. A rejected promise is a fault, not a Rejection.
 */
export interface LedgerApi {
  execute(command: Command, caller: Caller): Promise<Answer>;
  /** A rejection is of the batch as a whole: the sidecar is busy, stopping or failing. */
  executeBatch(
    items: readonly BatchItem[],
    atomic: boolean,
    caller: Caller,
  ): Promise<BatchAnswer | Rejection>;

  /** The living incarnation of an id, or else its newest closed one. */
  agent(id: string): AgentWithPool | undefined;
  pool(id: string): Pool | undefined;
  /** The living incarnation of an id, or else its newest closed one. */
  serviceLevel(agentId: string): AgentLevel | undefined;
  /** The levels that count for a scope. Rejects with AGENT_NOT_FOUND or POOL_NOT_FOUND. */
  serviceLevels(scope: LevelScopeName): NamedLevels | Rejection;
  reservation(id: string): ReservationView | undefined;
  /** By priority, highest first, then by id. `after` is `priority id`. */
  listPools(page: PageRequest): Page<Pool>;
  /** By id. Rejects with POOL_NOT_FOUND. */
  listAgents(
    filter: { readonly poolId: string; readonly showClosed: boolean },
    page: PageRequest,
  ): Page<AgentWithPool> | Rejection;
  /** By id. Rejects with AGENT_NOT_FOUND. */
  listReservations(
    filter: {
      readonly agentId: string;
      readonly state: ReservationState | undefined;
      readonly runId: string;
      /** Undefined: those of every agent. */
      readonly admits?: AgentScope | undefined;
    },
    page: PageRequest,
  ): Page<ReservationView> | Rejection;

  /**
   * The emergency policy in force in a pool, or the server's when the id is empty; undefined: none.
   * Rejects with POOL_NOT_FOUND.
   */
  emergencyPolicy(poolId: string): EmergencyPolicyView | undefined | Rejection;
  /** EXPIRED when its time has passed, whether that was written or not. */
  emergencyRequest(id: string): EmergencyRequest | undefined;
  /** Newest first. Rejects with AGENT_NOT_FOUND or POOL_NOT_FOUND. */
  listEmergencyRequests(
    filter: {
      readonly agentId: string;
      readonly poolId: string;
      readonly state: EmergencyState | undefined;
    },
    page: PageRequest,
  ): Page<EmergencyRequest> | Rejection;

  /** Spends and commits, newest first. Rejects with AGENT_NOT_FOUND. */
  usageEntries(
    agentId: string,
    range: TimeRange,
    page: PageRequest,
  ): HistoryPage<Entry> | Rejection;
  /** Sums, oldest first. Rejects with AGENT_NOT_FOUND. */
  usageBuckets(
    agentId: string,
    granularity: 'MINUTE' | 'HOUR' | 'DAY',
    range: TimeRange,
    page: PageRequest,
  ): HistoryPage<UsageBucketView> | Rejection;
  /**
   * Newest first; what clients noted only where the kind ANNOTATE is asked for. `after` is
   * `sequence priority`. Rejects with AGENT_NOT_FOUND.
   */
  budgetChanges(
    agentId: string,
    kinds: readonly EntryKind[],
    range: TimeRange,
    page: PageRequest,
  ): HistoryPage<BudgetChangeView> | Rejection;
  /** Notes a change that a client made elsewhere. Rejects with AGENT_NOT_FOUND, AGENT_CLOSED. */
  recordBudgetChange(
    command: RecordBudgetChangeCommand,
    caller: Caller,
  ): Promise<RecordedChange | Rejection>;
  /**
   * Looks at every agent and pool in slices, between which everything else goes on, and keeps what it
   * finds. One runs at a time, in the order asked for. Rejects with POOL_NOT_FOUND, SERVER_BUSY,
   * SHUTTING_DOWN.
   */
  runReview(
    request: ReviewRequest,
    trigger: ReviewTrigger,
    caller: Caller,
  ): Promise<MadeReview | Rejection>;
  /** Rejects with REVIEW_NOT_FOUND. */
  review(id: string): ReviewView | Rejection;
  /** Newest first. */
  listReviews(page: PageRequest): Page<Review>;
  /** Rejects with AGENT_NOT_FOUND. */
  agentMetrics(id: string): AgentMetricsView | Rejection;
  /** Living agents, by id, each read at one moment. Rejects with POOL_NOT_FOUND. */
  listAgentMetrics(
    filter: AgentMetricsFilter,
    page: PageRequest,
  ): Promise<Page<AgentMetricsView> | Rejection>;
  /** Rejects with POOL_NOT_FOUND. */
  poolMetrics(id: string): PoolMetricsView | Rejection;
  /** By id, each read at one moment. */
  listPoolMetrics(page: PageRequest): Promise<Page<PoolMetricsView>>;
  systemMetrics(): SystemMetricsView;

  alert(id: string): BudgetAlert | undefined;
  /** By id. Rejects with AGENT_NOT_FOUND or POOL_NOT_FOUND. */
  listAlerts(filter: AlertFilter, page: PageRequest): Page<BudgetAlert> | Rejection;
  channel(id: string): ChannelView | undefined;
  /** By id. */
  listChannels(page: PageRequest): Page<ChannelView>;
  /** By its key, as an outcome names it. */
  delivery(key: string): DeliveryView | undefined;
  /** Those that wait, then dead letters; each by channel, oldest first. Rejects with CHANNEL_NOT_FOUND. */
  listDeliveries(filter: DeliveryFilter, page: PageRequest): Page<DeliveryView> | Rejection;
  schedule(id: string): Schedule | undefined;
  /** By id. */
  listSchedules(page: PageRequest): Page<Schedule>;
  /** A run by its key, as an outcome names it. */
  scheduleRun(key: string): ScheduleRun | undefined;
  /** Newest first. Rejects with SCHEDULE_NOT_FOUND. */
  scheduleRuns(id: string, page: PageRequest): Page<ScheduleRun> | Rejection;

  /**
   * Oldest first, from the entry after `after` (0: from the oldest that is kept) to `through` (0: the
   * head now). Rejects with CURSOR_COMPACTED when entries after `after` were cut, and ends with it when
   * retention overtakes a slow reader.
   */
  exportEntries(
    after: number,
    through: number,
    signal: AbortSignal,
  ): AsyncIterable<ExportMessage> | Rejection;

  /**
   * Snapshot, then changes. Throws nothing: a rejection comes at once. Ends when the signal aborts;
   * the iterator holds at most one pending event per watched agent, however slow its reader.
   */
  watchBudgets(
    selection: WatchSelection,
    minIntervalMs: number,
    signal: AbortSignal,
  ): AsyncIterable<BudgetEvent> | Rejection;

  /** A row of a collection. */
  object<C extends CollectionName>(collection: C, key: string): Collections[C] | undefined;
  /** Rows of a collection by key, those that `keep` wants. */
  listObjects<C extends CollectionName>(
    collection: C,
    keep: (row: Collections[C]) => boolean,
    page: PageRequest,
  ): Page<Collections[C]>;
  /** The id of whom a rule is for; empty for every agent. */
  scopeId(scope: Scope): string;
  /** How a limit stands for an agent, or for the pool of its scope. */
  limitStatus(limit: SpendingLimit, agentUid: Uid): LimitStatusView;
  /** Raises UNAUTHORIZED; repeats by one principal for one agent count as one violation. */
  reportDenied(denied: DeniedAccess): Promise<void>;
  /** By its number. */
  violation(sequence: number): Violation | undefined;
  /** Newest first. Rejects with AGENT_NOT_FOUND. */
  listViolations(filter: ViolationFilter, page: PageRequest): Page<Violation> | Rejection;
  /** Of one agent, or of all for an empty id. Rejects with AGENT_NOT_FOUND. */
  violationCounts(agentId: string): readonly ViolationCount[] | Rejection;
  /**
   * Every event after the cursor, then every new one, without gap or duplicate. Ends with a message
   * that says why: when the signal aborts, or retention overtakes a slow reader. Rejects with
   * CURSOR_COMPACTED and CURSOR_UNKNOWN.
   */
  watchViolations(
    watch: ViolationWatch,
    signal: AbortSignal,
  ): AsyncIterable<ViolationMessage> | Rejection;

  /** The store's time now. */
  now(): Instant;
  info(): StoreInfo;
  /** Rejects with SERVER_BUSY while another verification runs. */
  verify(): Promise<VerificationReport | Rejection>;
  /** Rejects with INVALID_REQUEST without a backup_dir, SERVER_BUSY while another backup runs. */
  backup(name: string): Promise<BackupReport | Rejection>;
}

/** How a limit stands. */
export interface LimitStatusView {
  readonly counted: Amount;
  /** Undefined where the window has no beginning or end. */
  readonly windowStart: Instant | undefined;
  readonly windowEnd: Instant | undefined;
}

/** Half-open: start <= time < end. */
export interface TimeRange {
  readonly start: Instant;
  readonly end: Instant;
}
