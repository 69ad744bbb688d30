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
  'limit_counts',
  'monitors',
  'emergency_policies',
  'emergency_requests',
  'emergency_request_ids',
  'emergency_pending',
  'emergency_grants',
  'budget_reviews',
  'budget_review_findings',
  'review_orders',
  'violation_stats',
  'request_times',
  'alerts',
  'alert_states',
  'ended_alerts',
  'schedules',
  'schedule_runs',
  'schedule_marks',
  'channels',
  'channel_cooldowns',
  'cooldown_looks',
  'deliveries',
  'dead_letters',
  'ended_channels',
  'openings',
  'retention',
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

/** A row to write. */
export interface Write {
  readonly table: Table;
  readonly key: Buffer;
  /** Undefined takes the row away. The bytes must not change until the write is durable. */
  readonly value: Buffer | undefined;
}

/**
 * What must be true for a transaction to be written: the row of the table `meta` begins with this number
 * as a little-endian double, or, where the number is undefined, is not there.
 */
export interface Guard {
  readonly key: Buffer;
  readonly number: number | undefined;
}

/** An ordered, transactional key-value store: what the record store asks of LMDB or of a fake. */
export interface KeyValueStore {
  /** Durable rows only. */
  get(table: Table, key: Buffer): Buffer | undefined;
  /** As get. Rows are read as they are asked for: do not await in between. */
  range(table: Table, range: KeyRange): Iterable<Row>;
  /** How many rows a table has, as `get` sees them; takes no time by their number. */
  count(table: Table): number;
  /** Bytes that the rows of a table take, keys and pages included; takes no time by their number. */
  bytes(table: Table): number;
  /**
   * Writes rows in their order, as one transaction, after every one that was written before. Resolves
   * in that order: to true when it is durable, to false when the guard was not met and nothing was
   * written. Rejects when the storage failed, after which nothing may be written any more.
   */
  transact(writes: readonly Write[], guard?: Guard): Promise<boolean>;
  /** Lets the next read see the newest durable rows. */
  refreshReads(): void;
  /** Bytes that the storage must have for every row to be readable. */
  extent(): number;
  /** Copies the store into an empty folder. */
  backup(folder: string): Promise<void>;
  close(): Promise<void>;
}
