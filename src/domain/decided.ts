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
import { overflowOf, type Draft, type Effects } from './draft.js';
import type { Agent, Pool, Reservation, Uid } from './model.js';
import type { Alarm } from './violation.js';

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
}

/** Carried out: the rows named in the facts are shown as the draft leaves them. */
export function carryOut(draft: Draft, facts: OutcomeFacts): Decided {
  const overflow = overflowOf(draft);
  if (overflow !== undefined) return overflow;
  const last = draft.entries.at(-1);
  if (last === undefined) return unchanged(facts);
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

/** Denied: no balance changes (invariant I7), and the violation that the denial is may be opened. */
export function deny(denial: Denial, facts: OutcomeFacts, alarm?: Alarm): Decided {
  return {
    verdict: 'JUDGED',
    outcome: outcomeOf('DENIED', 0, denial, facts),
    effects: undefined,
    ...(alarm !== undefined && { alarm }),
  };
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
  return {
    verdict,
    denial,
    sequence,
    replayed: false,
    amount: facts.amount ?? 0n,
    secondAmount: facts.secondAmount ?? 0n,
    warnings: facts.warnings ?? [],
    late: facts.late ?? false,
    agent: newest(facts.agent, draft?.agents),
    pool: newest(facts.pool, draft?.pools),
    reservation: facts.reservation,
    otherAgent: newest(facts.otherAgent, draft?.agents),
    otherPool: newest(facts.otherPool, draft?.pools),
    changes: facts.changes ?? [],
    object: facts.object,
    allocations: facts.allocations ?? [],
  };
}
