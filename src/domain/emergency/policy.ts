import { formatAmount, type Amount } from '../amount.js';
import type { FieldChange } from '../entry.js';
import type { Instant, Uid } from '../model.js';
import type { Rules } from '../rules.js';
import type { Scope } from '../scope.js';

/** What an operator decides about emergencies. Amounts are in the unit of the pool that pays. */
export interface EmergencyTerms {
  /** False: every request is denied, in a pool also where the server's policy would allow it. */
  readonly enabled: boolean;
  /** Agents of this priority or a higher one get what they ask for. 11: none does. Guide: 7. */
  readonly priorityThreshold: number;
  /** What others get of it when their reason says that it is critical, 0 to 1. Guide: 0.5. */
  readonly criticalShare: Amount;
  /** An agent's most in 24 hours; undefined: its initial budget. */
  readonly perDayMax: Amount | undefined;
  /** One request's most; undefined: no such bound. */
  readonly perRequestMax: Amount | undefined;
  /** Time between an agent's approved requests, 0: none. */
  readonly cooldownMs: number;
  /** What exceeds it waits for an operator; undefined: nothing waits. */
  readonly approvalAbove: Amount | undefined;
  /** How long a request waits before it expires. */
  readonly approvalTtlMs: number;
  /** Whether an ON_DEMAND pool makes the money that it lacks. Others never do. */
  readonly mint: boolean;
}

/** The policy of one scope: POOL, or EVERY_AGENT for the server. Rows are never mutated. */
export interface EmergencyPolicy extends EmergencyTerms {
  readonly scope: Scope;
  /** Counts changes, from 1. */
  readonly revision: number;
  readonly createTime: Instant;
  readonly updateTime: Instant;
}

/** 1, in steps of an Amount: the largest share. */
export const WHOLE_SHARE: Amount = 10n ** 12n;

/** What a policy says where an operator says nothing. Guide: handle_emergency_allocation. */
export const DEFAULT_TERMS: EmergencyTerms = {
  enabled: true,
  priorityThreshold: 7,
  criticalShare: WHOLE_SHARE / 2n,
  perDayMax: undefined,
  perRequestMax: undefined,
  cooldownMs: 0,
  approvalAbove: undefined,
  approvalTtlMs: 24 * 3_600_000,
  mint: false,
};

/** The scope of a pool's policy, or of the server's when no pool is given. */
export function policyScope(poolUid: Uid | undefined): Scope {
  return poolUid === undefined ? { kind: 'EVERY_AGENT', uid: 0 } : { kind: 'POOL', uid: poolUid };
}

/** The key of a scope's policy. */
export function policyKey(scope: Scope): string {
  return `${scope.kind}/${scope.uid}`;
}

/** The policy in force in a pool: its own, or else the server's. Undefined: emergencies are off. */
export function policyFor(rules: Rules, poolUid: Uid): EmergencyPolicy | undefined {
  const policies = rules.rows.emergency_policies;
  return (
    policies.get(policyKey(policyScope(poolUid))) ?? policies.get(policyKey(policyScope(undefined)))
  );
}

/** The fields of a policy as the ledger shows them; empty is none. */
const FIELDS: readonly (readonly [name: string, show: (terms: EmergencyTerms) => string])[] = [
  ['enabled', (terms) => String(terms.enabled)],
  ['priority_threshold', (terms) => String(terms.priorityThreshold)],
  ['critical_share', (terms) => formatAmount(terms.criticalShare)],
  ['per_day_max', (terms) => shown(terms.perDayMax)],
  ['per_request_max', (terms) => shown(terms.perRequestMax)],
  ['cooldown_ms', (terms) => String(terms.cooldownMs)],
  ['approval_above', (terms) => shown(terms.approvalAbove)],
  ['approval_ttl_ms', (terms) => String(terms.approvalTtlMs)],
  ['mint', (terms) => String(terms.mint)],
];

/**
 * What differs between two policies of one scope, named `emergency_policy/POOL.field`; the server's
 * policy is `emergency_policy/*.field`. Undefined is no policy.
 */
export function termsChanges(
  poolId: string,
  before: EmergencyTerms | undefined,
  after: EmergencyTerms | undefined,
): readonly FieldChange[] {
  const subject = poolId === '' ? '*' : poolId;
  return FIELDS.map(([name, show]) => ({
    field: `emergency_policy/${subject}.${name}`,
    before: before === undefined ? '' : show(before),
    after: after === undefined ? '' : show(after),
  })).filter((change) => change.before !== change.after);
}

function shown(amount: Amount | undefined): string {
  return amount === undefined ? '' : formatAmount(amount);
}
