/** The tables of a store. The name is the database's name on disk: never reuse one. */
export const TABLES = [
  'meta',
  'pools',
  'pool_ids',
  'agents',
  'agent_ids',
  'agents_by_pool',
  'reservations',
  'reservations_by_agent',
  'open_by_agent',
  'due',
  'entries',
  'idempotency',
  'refunds',
  'usage',
  'violations',
  'violations_by_agent',
  'violation_events',
  'episodes',
  'denials',
  'service_levels',
  'limits',
  'limit_counters',
  'monitors',
  'emergency_policies',
  'emergency_requests',
  'emergency_request_ids',
  'emergency_pending',
  'emergency_grants',
  'budget_reviews',
  'budget_review_findings',
  'violation_stats',
  'request_times',
  'alerts',
  'alert_states',
  'ended_alerts',
  'schedules',
  'schedule_runs',
  'schedule_marks',
] as const;

/** The name of a table. */
export type Table = (typeof TABLES)[number];

/** Which rows, in key order. */
export interface KeyRange {
  /** First key included; undefined: from the first. */
  readonly start?: Buffer;
  /** First key excluded; undefined: to the last. */
  readonly end?: Buffer;
  /** From the end to the start. */
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** One row as stored. */
export interface Row {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** An ordered, transactional key-value store: what the record store asks of LMDB or of a fake. */
export interface KeyValueStore {
  /** Inside `transact` sees its own writes, outside durable rows only. */
  get(table: Table, key: Buffer): Buffer | undefined;
  /** As get. Rows are read as they are asked for: do not await in between. */
  range(table: Table, range: KeyRange): Iterable<Row>;
  /** How many rows a table has, as `get` sees them; takes no time by their number. */
  count(table: Table): number;
  /** Only inside `transact`. */
  put(table: Table, key: Buffer, value: Buffer): void;
  /** Only inside `transact`. */
  remove(table: Table, key: Buffer): void;
  /**
   * Runs work in one transaction. Resolves when it is durable. A throw of `work` undoes it and rejects
   * with what was thrown; any other rejection is a failure of the storage, after which nothing may be
   * written any more.
   */
  transact(work: () => void): Promise<void>;
  /** Lets the next read see the newest durable rows. */
  refreshReads(): void;
  /** Bytes that the storage must have for every row to be readable. */
  extent(): number;
  /** Copies the store into an empty folder. */
  backup(folder: string): Promise<void>;
  close(): Promise<void>;
}
