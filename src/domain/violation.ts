import type { Instant, Metadata, Uid } from './model.js';

/** What kind of violation it is. The number is on disk: never reuse one. */
export const VIOLATION_TYPES = {
  BUDGET_LIMIT_EXCEEDED: 1,
  LOW_BUDGET: 2,
  OVERSPEND: 3,
  RATE_LIMIT: 4,
  UNAUTHORIZED: 5,
  POOL_BREACH: 6,
  POLICY_BREACH: 7,
  CUSTOM: 8,
} as const;

/** The name of a type of violation. */
export type ViolationType = keyof typeof VIOLATION_TYPES;

/** How bad it is, in ascending order. Guide: AlertSeverity. The number is on disk. */
export const SEVERITIES = { INFO: 1, LOW: 2, MEDIUM: 3, HIGH: 4, CRITICAL: 5 } as const;

/** The name of a severity. */
export type Severity = keyof typeof SEVERITIES;

/**
 * OPEN until an operator resolves it (RESOLVED), an alert's value has come back (RECOVERED), or its
 * episode is over (ENDED). The number is on disk.
 */
export const VIOLATION_STATES = { OPEN: 1, RESOLVED: 2, RECOVERED: 3, ENDED: 4 } as const;

/** The name of a violation's state. */
export type ViolationState = keyof typeof VIOLATION_STATES;

/** Found by the sidecar itself, or reported by a client. The number is on disk. */
export const VIOLATION_SOURCES = { DETECTED: 1, REPORTED: 2 } as const;

/** The name of a violation's source. */
export type ViolationSource = keyof typeof VIOLATION_SOURCES;

/**
 * What a violation is of. BUDGET is the agent's own money that was asked for, OVERSPEND the same that
 * was spent although it was not there, POOL a pool's money, ACCESS the credentials,
 * CLIENT whatever a client reported of the agent. The number is on disk.
 */
export const RULE_KINDS = {
  BUDGET: 1,
  LIMIT: 2,
  MONITOR: 3,
  ALERT: 4,
  POOL: 5,
  ACCESS: 6,
  CLIENT: 7,
  OVERSPEND: 8,
} as const;

/** The name of a kind of rule. */
export type RuleKind = keyof typeof RULE_KINDS;

/** The rule that a violation is of. */
export interface RuleName {
  readonly kind: RuleKind;
  /** The rule's id; for BUDGET, OVERSPEND and CLIENT the agent's, for POOL the pool's. */
  readonly id: string;
}

/** One violation. Rows are never mutated. */
export interface Violation {
  /** Its number: the sequence of the event that opened it. */
  readonly sequence: number;
  readonly type: ViolationType;
  readonly severity: Severity;
  readonly state: ViolationState;
  readonly source: ViolationSource;
  readonly rule: RuleName;
  /** 0 and empty where no agent is concerned. */
  readonly agentUid: Uid;
  readonly agentId: string;
  /** 0 and empty where no pool is concerned. */
  readonly poolUid: Uid;
  readonly poolId: string;
  readonly message: string;
  readonly details: Metadata;
  /** How often it happened, as far as written: the first time included. */
  readonly count: number;
  /** The ledger entry that made it, 0 where none was written. */
  readonly entrySequence: number;
  readonly createTime: Instant;
  readonly updateTime: Instant;
  /** 0 while OPEN. */
  readonly endTime: Instant;
  /** Who reported it; empty for DETECTED. */
  readonly reporter: string;
  /** Who escalated or resolved it last, and why. */
  readonly actor: string;
  readonly note: string;
}

/** A violation as its cause describes it. */
export interface Alarm {
  readonly rule: RuleName;
  readonly type: ViolationType;
  readonly severity: Severity;
  readonly message: string;
  /** Sorted by key. */
  readonly details: Metadata;
  /** 0 and empty where no agent is concerned. */
  readonly agentUid: Uid;
  readonly agentId: string;
  /** 0 and empty where no pool is concerned. */
  readonly poolUid: Uid;
  readonly poolId: string;
}

/** What happened to a violation. The number is on disk. */
export const VIOLATION_EVENT_KINDS = {
  OPENED: 1,
  ESCALATED: 2,
  RESOLVED: 3,
  RECOVERED: 4,
  EPISODE_ENDED: 5,
} as const;

/** The name of an event's kind. */
export type ViolationEventKind = keyof typeof VIOLATION_EVENT_KINDS;

/** One event of the stream of violations: dense, from 1, never changed. */
export interface ViolationEvent {
  readonly sequence: number;
  readonly time: Instant;
  readonly kind: ViolationEventKind;
  /** The violation as the event left it. */
  readonly violation: Violation;
}

/**
 * Denials of one agent by one rule in a row: they are one violation, opened by the first. Repeats are
 * counted in memory and written at most once a second.
 */
export interface Episode {
  /** The violation. */
  readonly violation: number;
  readonly count: number;
  readonly lastTime: Instant;
}

/** An episode ends this long after its last denial. */
export const EPISODE_MS = 5 * 60_000;

/** The key of a violation or event by its number: numbers sort as their keys do. */
export function sequenceKey(sequence: number): string {
  return String(sequence).padStart(16, '0');
}

/** The key of an agent's violation among its own. */
export function agentViolationKey(uid: Uid, sequence: number): string {
  return `${sequenceKey(uid)}/${sequenceKey(sequence)}`;
}

/** The key of an agent's episode: the rule first, so that a rule's episodes lie together. */
export function episodeKey(rule: RuleName, agentUid: Uid): string {
  return `${rule.kind}/${rule.id}/${agentUid}`;
}

/** The number behind an id: a violation's id is its number in decimal. Undefined when it is none. */
export function violationNumber(id: string): number | undefined {
  return /^[1-9][0-9]{0,14}$/.test(id) ? Number(id) : undefined;
}
