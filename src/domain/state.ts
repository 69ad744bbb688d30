import type { Amount } from './amount.js';
import type { CollectionName, Collections, RowRange } from './collection.js';
import type { EntryBody } from './entry.js';
import type { Agent, Instant, Pool, Reservation, Uid } from './model.js';
import type { Rules } from './rules.js';
import type { DueAfter } from './schedule.js';
import type { UsageTotals } from './usage.js';

/** What `decide` reads. Implementations answer synchronously and never change while it runs. */
export interface State {
  /** The living incarnation of an id, or else its newest closed one. */
  agentById(id: string): Agent | undefined;
  agent(uid: Uid): Agent | undefined;
  /** The living incarnation of an id. */
  poolById(id: string): Pool | undefined;
  /** Any incarnation, deleted ones included. */
  pool(uid: Uid): Pool | undefined;
  reservation(id: string): Reservation | undefined;
  /** The open reservations of an agent, by id. */
  openReservations(uid: Uid): readonly Reservation[];
  entry(sequence: number): EntryBody | undefined;
  /** The oldest entry that is kept: those before it were cut. */
  oldestSequence(): number;
  /** What was refunded of an entry so far. */
  refunded(sequence: number): Amount;
  /** Living agents, by id: for ApplyConfiguration with prune. */
  livingAgents(): Iterable<Agent>;
  /** Living agents of one pool, frozen ones too, in no particular order. */
  agentsOfPool(uid: Uid): Iterable<Agent>;
  /**
   * What an agent or pool used from `start` up to `end`, summed over minutes: the minute that either end lies
   * in counts wholly. Earlier commands of the same group count.
   */
  usage(uid: Uid, start: Instant, end: Instant): UsageTotals;
  /** Living pools, by id. */
  livingPools(): Iterable<Pool>;
  /** A row of a collection. */
  row<C extends CollectionName>(collection: C, key: string): Collections[C] | undefined;
  /** The rows of a collection by key. */
  rows<C extends CollectionName>(
    collection: C,
    range: RowRange,
  ): Iterable<readonly [key: string, row: Collections[C]]>;
  /** Every rule there is. */
  readonly rules: Rules;
  /** The newest violation event's sequence. */
  readonly violationSequence: number;
  /** The newest entry's sequence. */
  readonly headSequence: number;
  /** The next uid to give. */
  readonly nextUid: Uid;
}

/** The bounds that `decide` enforces. Each is a setting of the same name in the configuration. */
export interface Policy {
  /** Open reservations per agent. */
  readonly openReservationsMax: number;
  /** Commits per reservation, the final one not counted. */
  readonly reservationCommitsMax: number;
  /** How long after its expiry a reservation takes late commits. */
  readonly lateWindowMs: number;
  /** Notification channels. */
  readonly channelsMax: number;
}

/** Extensions a reservation takes: api.md, ExtendReservation. */
export const EXTENSIONS_MAX = 10;

/** Distinct quantity names of one agent over its life: api.md, quantities. */
export const QUANTITY_NAMES_MAX = 64;

/** Agents that one allocation takes: a pool of more is allocated in parts, by naming agents. */
export const ALLOCATED_AGENTS_MAX = 10_000;

/** The id of the pool that agents without a pool join. It cannot be deleted. */
export const DEFAULT_POOL_ID = 'default';

/** What a decision is a function of, beside the state and the command. */
export interface Context {
  /** The one reading of the clock (invariant I10). */
  readonly now: Instant;
  readonly policy: Policy;
  /** Makes ids for what the client did not name. */
  readonly newId: () => string;
  /** When schedules are due. */
  readonly dueAfter: DueAfter;
  /** Whether the wall clock is ahead and not followed: a warning on what is carried out. */
  readonly clockJumped: boolean;
}
