import type { Amount } from '../domain/amount.js';
import type { Answer, Rejection } from '../domain/answer.js';
import type { Command, SpendCommand } from '../domain/command.js';
import type { Entry, EntryKind } from '../domain/entry.js';
import type {
  Agent,
  Instant,
  Pool,
  Quantities,
  Reservation,
  ReservationState,
} from '../domain/model.js';
import type { Schedule, ScheduleRun } from '../domain/schedule.js';

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

/** One entry as exported: the record and what its hash is made of. */
export interface ExportedEntry {
  readonly view: EntryView;
  /** The exact stored bytes. hash = SHA-256(previousHash, record). */
  readonly record: Uint8Array;
  readonly hash: Uint8Array;
}

/** An entry with the ids behind its uids. */
export interface EntryView {
  readonly entry: Entry;
  /** Ids by `AGENT 7` or `POOL 1`. */
  readonly ids: ReadonlyMap<string, string>;
}

/** Sums of one minute, hour or day. */
export interface UsageBucketView {
  readonly start: Instant;
  readonly amount: Amount;
  readonly entries: number;
  readonly requests: number;
  readonly refunded: Amount;
  readonly quantities: Quantities;
}

/** One change of an agent's remaining money. */
export interface BudgetChangeView {
  readonly entry: Entry;
  readonly agentId: string;
  readonly before: Amount;
  readonly after: Amount;
}

/** Which agents' metrics are listed. */
export interface AgentMetricsFilter {
  /** Empty: of all pools. */
  readonly poolId: string;
  readonly onlyHighUsage: boolean;
}

/** How an agent uses its budget, read at one moment. Burn rates are per hour, at the pool's scale. */
export interface AgentMetricsView extends AgentWithPool {
  readonly available: Amount;
  readonly burnLastHour: Amount;
  readonly burnLastDay: Amount;
  readonly exhaustionTime: Instant | undefined;
}

/** How a pool's money is used, read at one moment. */
export interface PoolMetricsView {
  readonly pool: Pool;
  readonly burnLastHour: Amount;
  readonly burnLastDay: Amount;
}

/** How everything in the store is used, read at one moment. */
export interface SystemMetricsView {
  readonly pools: number;
  readonly activeAgents: number;
  readonly frozenAgents: number;
  readonly closedAgents: number;
  readonly openReservations: number;
  /** By unit. */
  readonly units: readonly UnitMetricsView[];
  readonly spendsLastHour: number;
  readonly spendsLastDay: number;
  readonly headSequence: number;
  readonly entries: number;
  readonly time: Instant;
  readonly sizeBytes: number;
}

/** Sums over the living pools of one unit. */
export interface UnitMetricsView {
  readonly unit: string;
  readonly pools: number;
  readonly funded: Amount;
  readonly spent: Amount;
  readonly reserved: Amount;
  readonly assigned: Amount;
  readonly unallocated: Amount;
  readonly debt: Amount;
}

/** What WatchBudgets sends. */
export type BudgetEvent =
  | { readonly kind: 'BUDGET'; readonly agent: Agent; readonly pool: Pool }
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
  readonly headSequence: number;
  readonly headHash: Uint8Array;
  readonly time: Instant;
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
    },
    page: PageRequest,
  ): Page<ReservationView> | Rejection;

  /** Spends and commits, newest first. Rejects with AGENT_NOT_FOUND. */
  usageEntries(agentId: string, range: TimeRange, page: PageRequest): Page<Entry> | Rejection;
  /** Sums, oldest first. Rejects with AGENT_NOT_FOUND. */
  usageBuckets(
    agentId: string,
    granularity: 'MINUTE' | 'HOUR' | 'DAY',
    range: TimeRange,
    page: PageRequest,
  ): Page<UsageBucketView> | Rejection;
  /** Newest first. Rejects with AGENT_NOT_FOUND. */
  budgetChanges(
    agentId: string,
    kinds: readonly EntryKind[],
    range: TimeRange,
    page: PageRequest,
  ): Page<BudgetChangeView> | Rejection;
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

  schedule(id: string): Schedule | undefined;
  /** By id. */
  listSchedules(page: PageRequest): Page<Schedule>;
  /** A run by its key, as an outcome names it. */
  scheduleRun(key: string): ScheduleRun | undefined;
  /** Newest first. Rejects with SCHEDULE_NOT_FOUND. */
  scheduleRuns(id: string, page: PageRequest): Page<ScheduleRun> | Rejection;

  /** Oldest first, from the entry after `after` to `through` (0: the head now). */
  exportEntries(after: number, through: number, signal: AbortSignal): AsyncIterable<ExportedEntry>;

  /**
   * Snapshot, then changes. Throws nothing: a rejection comes at once. Ends when the signal aborts;
   * the iterator holds at most one pending event per watched agent, however slow its reader.
   */
  watchBudgets(
    selection: WatchSelection,
    minIntervalMs: number,
    signal: AbortSignal,
  ): AsyncIterable<BudgetEvent> | Rejection;

  /** The store's time now. */
  now(): Instant;
  info(): StoreInfo;
  /** Rejects with SERVER_BUSY while another verification runs. */
  verify(): Promise<VerificationReport | Rejection>;
  /** Rejects with INVALID_REQUEST without a backup_dir, SERVER_BUSY while another backup runs. */
  backup(name: string): Promise<BackupReport | Rejection>;
}

/** Half-open: start <= time < end. */
export interface TimeRange {
  readonly start: Instant;
  readonly end: Instant;
}
