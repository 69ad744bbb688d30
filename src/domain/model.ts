import type { Amount } from './amount.js';
import type { UsageCell } from './usage.js';

/** Milliseconds since 1970 UTC of the store's clock. It never goes back. */
export type Instant = number;

/** Number of an account, made by the store; one per incarnation of an id. From 1. */
export type Uid = number;

/** Named quantities of a request or hold, sorted by name, names unique. */
export type Quantities = readonly Quantity[];

/** One named quantity, such as tokens. */
export interface Quantity {
  readonly name: string;
  readonly amount: Amount;
}

/** Pairs sorted by key, keys unique. */
export type Metadata = readonly (readonly [key: string, value: string])[];

/** Whether an agent may spend. CLOSED is final for an incarnation. */
export type AgentState = 'ACTIVE' | 'FROZEN' | 'CLOSED';

/** Whether a pool's agents may spend. DELETED is final for an incarnation. */
export type PoolState = 'ACTIVE' | 'FROZEN' | 'DELETED';

/** What happens when an operator allocates more than a pool has free. */
export type PoolFunding = 'FIXED' | 'ON_DEMAND';

/** OPEN reaches exactly one of the others, once (invariant I5). */
export type ReservationState = 'OPEN' | 'COMMITTED' | 'RELEASED' | 'EXPIRED';

/** The balances of an agent. Each is a fold of the ledger's postings (invariant I4). */
export interface AgentBalances {
  /** Net money moved from the pool to the agent over its life. */
  readonly allocated: Amount;
  /** Money spent over its life, less refunds. */
  readonly spent: Amount;
  /** Sum of the open reservations. */
  readonly reserved: Amount;
  /** The baseline's floor: the initial budget, or what reset_baseline last set. */
  readonly base: Amount;
  /** What counts as 100 percent. */
  readonly baseline: Amount;
}

/** One incarnation of an agent: configuration and balances. Rows are never mutated. */
export interface Agent extends AgentBalances {
  readonly uid: Uid;
  readonly id: string;
  readonly poolUid: Uid;
  readonly name: string;
  /** 1..10, higher matters more. */
  readonly priority: number;
  readonly state: AgentState;
  readonly overdraftLimit: Amount;
  readonly allowForce: boolean;
  readonly parentId: string;
  readonly initialBudget: Amount;
  readonly metadata: Metadata;
  /** Counts configuration changes, from 1. */
  readonly revision: number;
  /** Counts money changes, from 1. */
  readonly budgetRevision: number;
  readonly createTime: Instant;
  readonly updateTime: Instant;
  readonly budgetTime: Instant;
  /** 0 while it lives. */
  readonly deleteTime: Instant;
  readonly openReservations: number;
  /** Every quantity ever named, in order of first mention. */
  readonly quantityNames: readonly string[];
  /** The newest entry that touched the account. */
  readonly lastSequence: number;
  /** The hour since 1970 in which it was last used, 0 before the first. */
  readonly usageHour: number;
  /** The minutes of that hour. */
  readonly usage: readonly UsageCell[];
  /** Spends and commits over its life. */
  readonly spendCount: number;
  /** When it last spent or committed, 0 before the first time. */
  readonly lastSpendTime: Instant;
  /** The level of service after its last change; empty in rows of before there were levels. */
  readonly serviceLevel: string;
}

/** The balances of a pool. Each is a fold of the ledger's postings (invariant I4). */
export interface PoolBalances {
  /** Net money put in. */
  readonly funded: Amount;
  /** Money spent by its agents while in it, less refunds. */
  readonly spent: Amount;
  /** Sum of its agents' open reservations. */
  readonly reserved: Amount;
  /** Money not assigned to any agent. Below zero only through debts of closed agents. */
  readonly unallocated: Amount;
  /** Sum of max(0, spent - allocated) over its agents. */
  readonly debt: Amount;
  /** The baseline's floor. */
  readonly base: Amount;
  /** What counts as 100 percent. */
  readonly baseline: Amount;
}

/** One incarnation of a pool: configuration and balances. Rows are never mutated. */
export interface Pool extends PoolBalances {
  readonly uid: Uid;
  readonly id: string;
  readonly name: string;
  /** 1..10, higher matters more. Orders ListPools. */
  readonly priority: number;
  readonly unit: string;
  /** Decimals of the smallest step, 0..12. */
  readonly scale: number;
  readonly funding: PoolFunding;
  readonly state: PoolState;
  readonly minBalance: Amount;
  readonly initialBudget: Amount;
  readonly metadata: Metadata;
  /** Counts configuration changes, from 1. */
  readonly revision: number;
  readonly createTime: Instant;
  readonly updateTime: Instant;
  /** Living agents. */
  readonly agentCount: number;
  /** The newest entry that touched the account. */
  readonly lastSequence: number;
  /** The hour since 1970 in which it was last used, 0 before the first. */
  readonly usageHour: number;
  /** The minutes of that hour, without quantities. */
  readonly usage: readonly UsageCell[];
}

/** One reservation. Rows are never mutated. */
export interface Reservation {
  readonly id: string;
  readonly agentUid: Uid;
  readonly state: ReservationState;
  /** As granted. */
  readonly amount: Amount;
  /** Still held; 0 unless OPEN. */
  readonly held: Amount;
  /** Posted so far, late commits and overage included. */
  readonly committed: Amount;
  readonly category: string;
  readonly quantities: Quantities;
  readonly runId: string;
  readonly metadata: Metadata;
  readonly extensions: number;
  readonly createTime: Instant;
  readonly expireTime: Instant;
  /** 0 while OPEN. */
  readonly endTime: Instant;
  /** Whether a late commit was final. */
  readonly settledLate: boolean;
  /** Commits so far. */
  readonly commits: number;
  /** The idempotency records that live as long as this row. */
  readonly verbs: readonly ReservationVerb[];
}

/** Names one idempotency record of a reservation. */
export interface ReservationVerb {
  readonly method: Method;
  readonly requestId: string;
}

/**
 * The methods that keep idempotency records; Spend, BatchSpend and SpendStream share one. The number
 * is part of the key on disk: never reuse one.
 */
export const METHODS = {
  SPEND: 1,
  RESERVE: 2,
  COMMIT: 3,
  RELEASE: 4,
  EXTEND: 5,
  CREATE_POOL: 20,
  UPDATE_POOL: 21,
  FUND_POOL: 22,
  DELETE_POOL: 23,
  FREEZE_POOL: 24,
  UNFREEZE_POOL: 25,
  CREATE_AGENT: 30,
  UPDATE_AGENT: 31,
  MOVE_AGENT: 32,
  DELETE_AGENT: 33,
  FREEZE_AGENT: 34,
  UNFREEZE_AGENT: 35,
  SET_BUDGET: 40,
  ADJUST_BUDGET: 41,
  TRANSFER: 42,
  REFUND: 43,
  APPLY_CONFIGURATION: 50,
  CREATE_LIMIT: 71,
  UPDATE_LIMIT: 72,
  DELETE_LIMIT: 73,
  CREATE_MONITOR: 74,
  UPDATE_MONITOR: 75,
  DELETE_MONITOR: 76,
  ALLOCATE_DYNAMIC: 60,
  ALLOCATE_BY_PRIORITY: 61,
  REBALANCE_POOL: 62,
  SET_EMERGENCY_POLICY: 80,
  REQUEST_EMERGENCY: 81,
  APPROVE_EMERGENCY: 82,
  REJECT_EMERGENCY: 83,
  RECORD_BUDGET_CHANGE: 98,
  RUN_REVIEW: 99,
  REPORT_VIOLATION: 95,
  RESOLVE_VIOLATION: 96,
  ESCALATE_VIOLATION: 97,
  CREATE_ALERT: 77,
  UPDATE_ALERT: 78,
  DELETE_ALERT: 79,
  SET_SERVICE_LEVELS: 70,
  CREATE_SCHEDULE: 85,
  UPDATE_SCHEDULE: 86,
  DELETE_SCHEDULE: 87,
  RUN_SCHEDULE: 88,
  CREATE_CHANNEL: 90,
  UPDATE_CHANNEL: 91,
  DELETE_CHANNEL: 92,
  RETRY_DELIVERY: 93,
} as const;

/** The name of a method that keeps idempotency records. */
export type Method = keyof typeof METHODS;
