import type { AllocationRow } from './allocation/row.js';
import type { Amount } from './amount.js';
import type {
  ConfigurationChange,
  Denial,
  ObjectName,
  Outcome,
  Rejection,
  WarningCode,
} from './answer.js';
import type { EmergencyPolicy } from './emergency/policy.js';
import type { EmergencyAnswer } from './emergency/request.js';
import { type Draft, type Effects, overflowOf } from './draft.js';
import { consequences } from './consequences.js';
import { type NamedLevels, levelNamed } from './effective-levels.js';
import type { Agent, Pool, Reservation, Uid } from './model.js';
import type { Alarm, Violation } from './violation.js';

/** A request that was judged, and what it changes: nothing when effects are undefined. */
export interface Judged {
  readonly verdict: 'JUDGED';
  readonly outcome: Outcome;
  readonly effects: Effects | undefined;
  /** The violation that a denial is, where it is one. */
  readonly alarm?: Alarm;
}

/** The result of every decide function. */
export type Decided = Judged | Rejection;

/** What an outcome says beside its rows; what is left out is 0, empty or false. */
export interface OutcomeFacts {
  readonly amount?: Amount;
  readonly secondAmount?: Amount;
  readonly warnings?: readonly WarningCode[];
  readonly late?: boolean;
  readonly agent?: Agent | undefined;
  readonly pool?: Pool | undefined;
  readonly reservation?: Reservation | undefined;
  readonly otherAgent?: Agent | undefined;
  readonly otherPool?: Pool | undefined;
  readonly changes?: readonly ConfigurationChange[];
  readonly object?: ObjectName;
  readonly allocations?: readonly AllocationRow[];
  readonly emergency?: EmergencyAnswer;
  readonly emergencyPolicy?: EmergencyPolicy | undefined;
  readonly violation?: Violation | undefined;
  readonly effectiveLevels?: NamedLevels;
}

/** Carried out: the rows named in the facts are shown as the draft leaves them. */
export function carryOut(draft: Draft, facts: OutcomeFacts): Decided {
  const overflow = overflowOf(draft);
  if (overflow !== undefined) return overflow;
  const last = draft.entries.at(-1);
  if (last === undefined) return unchanged(facts);
  consequences(draft);
  return {
    verdict: 'JUDGED',
    outcome: outcomeOf('APPROVED', last.sequence, undefined, facts, draft),
    effects: draft,
  };
}

/** Carried out without any effect: things were like that already. */
export function unchanged(facts: OutcomeFacts): Decided {
  return {
    verdict: 'JUDGED',
    outcome: outcomeOf('APPROVED', 0, undefined, facts),
    effects: undefined,
  };
}

/** Carried out without a ledger entry: what changed holds no money and configures nothing. */
export function tell(draft: Draft, facts: OutcomeFacts): Decided {
  const outcome = outcomeOf('APPROVED', 0, undefined, facts, draft);
  return { verdict: 'JUDGED', outcome, effects: draft };
}

/** Denied: no balance changes (invariant I7), and the violation that the denial is may be opened. */
export function deny(denial: Denial, facts: OutcomeFacts, alarm?: Alarm): Decided {
  return {
    verdict: 'JUDGED',
    outcome: outcomeOf('DENIED', 0, denial, facts),
    effects: undefined,
    ...(alarm !== undefined && { alarm }),
  };
}

/**
 * Denied by a rule that the facts tell of. A draft keeps what is remembered of it in rows: no balance
 * changes and no entry is written (invariant I7).
 */
export function denyWith(facts: OutcomeFacts, draft?: Draft): Decided {
  const outcome = outcomeOf('DENIED', 0, undefined, facts);
  return { verdict: 'JUDGED', outcome, effects: draft };
}

function outcomeOf(
  verdict: Outcome['verdict'],
  sequence: number,
  denial: Denial | undefined,
  facts: OutcomeFacts,
  draft?: Draft,
): Outcome {
  const newest = <Row extends { readonly uid: Uid }>(
    row: Row | undefined,
    rows: ReadonlyMap<Uid, Row> | undefined,
  ) => row && (rows?.get(row.uid) ?? row);
  const agent = newest(facts.agent, draft?.agents);
  return {
    verdict,
    denial,
    sequence,
    replayed: false,
    amount: facts.amount ?? 0n,
    secondAmount: facts.secondAmount ?? 0n,
    warnings: facts.warnings ?? [],
    late: facts.late ?? false,
    agent,
    pool: newest(facts.pool, draft?.pools),
    reservation: facts.reservation,
    otherAgent: newest(facts.otherAgent, draft?.agents),
    otherPool: newest(facts.otherPool, draft?.pools),
    changes: facts.changes ?? [],
    object: facts.object,
    allocations: facts.allocations ?? [],
    emergency: facts.emergency,
    emergencyPolicy: facts.emergencyPolicy,
    violation: facts.violation,
    // What follows from the draft has just named it. Without one nobody has: the ledger does.
    serviceLevel: draft && agent && levelNamed(draft.state.rules.levels, agent),
    effectiveLevels: facts.effectiveLevels,
  };
}
