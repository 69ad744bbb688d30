import type { Amount } from '../amount.js';
import type { LimitCounter } from '../counter.js';
import type { Instant, Uid } from '../model.js';

/**
 * What became of a request. PENDING_APPROVAL waits for an operator; APPROVED got all that was asked for,
 * PARTIALLY_APPROVED less; REJECTED was by an operator, EXPIRED waited too long. The number is on disk.
 */
export const EMERGENCY_STATES = {
  APPROVED: 1,
  PARTIALLY_APPROVED: 2,
  DENIED: 3,
  PENDING_APPROVAL: 4,
  REJECTED: 5,
  EXPIRED: 6,
} as const;

/** The name of a request's state. */
export type EmergencyState = keyof typeof EMERGENCY_STATES;

/** The rule that decided a request. The number is on disk: never reuse one. */
export const EMERGENCY_RULES = {
  /** No policy, or one that is not enabled. */
  OFF: 1,
  AGENT_FROZEN: 2,
  POOL_FROZEN: 3,
  /** High enough: all that was asked for. */
  PRIORITY: 4,
  /** The reason says that it is critical: a share. */
  CRITICAL_REASON: 5,
  /** Neither. */
  NOT_JUSTIFIED: 6,
  COOLDOWN: 7,
  PER_REQUEST_MAX: 8,
  PER_DAY_MAX: 9,
  /** It waits for an operator. */
  APPROVAL: 10,
  /** Too many of the agent wait already. */
  TOO_MANY_PENDING: 11,
  /** What the pool has. */
  POOL_MONEY: 12,
  /** An operator approved or rejected it. */
  OPERATOR: 13,
} as const;

/** The name of a rule. */
export type EmergencyRule = keyof typeof EMERGENCY_RULES;

/** One request for emergency money, as it was judged last. Rows are never mutated. */
export interface EmergencyRequest {
  /** Its number, from 1: later ones have higher numbers. */
  readonly number: number;
  readonly id: string;
  readonly agentUid: Uid;
  readonly agentId: string;
  /** The agent's pool when it was judged last. */
  readonly poolUid: Uid;
  readonly poolId: string;
  readonly unit: string;
  /** The agent's, when it asked. */
  readonly priority: number;
  /** As asked for. */
  readonly amount: Amount;
  readonly reason: string;
  readonly state: EmergencyState;
  readonly rule: EmergencyRule;
  /** What the agent got; 0 unless approved. */
  readonly approved: Amount;
  /** What an operator may approve at most; 0 unless it waited. */
  readonly approvable: Amount;
  /** One sentence: the rule and the numbers. */
  readonly explanation: string;
  /** When the same request may pass by itself; 0 where waiting does not help. */
  readonly retryTime: Instant;
  /** The ledger entry that paid it, 0 where none did. */
  readonly sequence: number;
  readonly createTime: Instant;
  /** When it stops waiting; 0 unless it waited. */
  readonly expireTime: Instant;
  /** When it was settled; 0 while it waits. */
  readonly endTime: Instant;
  /** The operator's reason, or empty. */
  readonly note: string;
}

/** What is remembered of an agent's requests, to cap, to space and to bound them. */
export interface EmergencyGrants {
  readonly agentUid: Uid;
  /** What it got in the last 24 hours. */
  readonly day: LimitCounter | undefined;
  /** When it last got something; 0 before the first time. */
  readonly lastTime: Instant;
  /** The numbers of those kept, ascending: those that wait or waited and expired unseen. */
  readonly pending: readonly number[];
  readonly denied: readonly number[];
  /** Approved, rejected and expired ones. */
  readonly settled: readonly number[];
}

/** Requests of one agent that may wait at a time. */
export const PENDING_MAX = 10;

/** Denied requests kept per agent: the oldest goes. */
export const DENIED_KEPT_MAX = 100;

/** Approved, rejected and expired requests kept per agent. The ledger has its entries for longer. */
export const SETTLED_KEPT_MAX = 1_000;

/** The window of `perDayMax`: what was granted leaves it up to 24 minutes late, never early. */
export const DAY_WINDOW = { kind: 'ROLLING', durationMs: 24 * 3_600_000 } as const;

/** The grants of an agent that never asked. */
export function noGrants(agentUid: Uid): EmergencyGrants {
  return { agentUid, day: undefined, lastTime: 0, pending: [], denied: [], settled: [] };
}

/** A request as it is for everybody at a moment: EXPIRED once its time has passed. */
export function requestAsOf(request: EmergencyRequest, now: Instant): EmergencyRequest {
  if (request.state !== 'PENDING_APPROVAL' || now < request.expireTime) return request;
  return {
    ...request,
    state: 'EXPIRED',
    explanation: 'No operator decided before the request expired',
    retryTime: 0,
    endTime: request.expireTime,
  };
}

/** The answer to a request or an approval. */
export interface EmergencyAnswer {
  readonly request: EmergencyRequest;
  readonly outcome: 'APPROVED' | 'PARTIALLY_APPROVED' | 'DENIED' | 'PENDING_APPROVAL';
  readonly rule: EmergencyRule;
  readonly approved: Amount;
  readonly explanation: string;
  readonly retryTime: Instant;
}

/** The answer that a request's row gives by itself. */
export function answerOf(request: EmergencyRequest): EmergencyAnswer {
  const { state, rule, approved, explanation, retryTime } = request;
  const outcome = state === 'REJECTED' || state === 'EXPIRED' ? 'DENIED' : state;
  return { request, outcome, rule, approved, explanation, retryTime };
}
