import type { Amount } from '../domain/amount.js';
import {
  changesIn,
  mergeChanges,
  weave,
  type CollectionName,
  type Collections,
  type RowChanges,
  type RowRange,
} from '../domain/collection.js';
import type { Effects, EntryDraft } from '../domain/draft.js';
import type { EntryBody } from '../domain/entry.js';
import type { Agent, Instant, Method, Pool, Reservation, Uid } from '../domain/model.js';
import { rulesWith, type Rules } from '../domain/rules.js';
import type { State } from '../domain/state.js';
import { addCells, cellOf, minuteStart, type UsageTotals } from '../domain/usage.js';
import type { ReviewOrder } from '../domain/review.js';
import type { Alarm } from '../domain/violation.js';
import { AnswerBook } from './answer-book.js';
import type { IdempotencyRecord, IdempotencyScope } from './store.js';

/** Whose request an entry belongs to. */
export interface RequestStamp {
  readonly requestId: string;
  /** Undefined for what the sidecar does by itself. */
  readonly method: Method | undefined;
  readonly principal: string;
  readonly reason: string;
  readonly traceId: string;
}

/** The stamp of entries that no request asked for. */
export const SIDECAR_STAMP: RequestStamp = {
  requestId: '',
  method: undefined,
  principal: 'sidecar',
  reason: '',
  traceId: '',
};

/** An entry with its request. */
export interface StampedEntry {
  readonly draft: EntryDraft;
  readonly stamp: RequestStamp;
}

/** A request that was denied, and the violation that it was, where it was one. */
export interface Denied {
  /** 0 where no agent was denied. */
  readonly agentUid: Uid;
  readonly alarm: Alarm | undefined;
}

/**
 * A state with effects put on top: each decision of a group sees the ones before it, and the group's
 * rows are written once. A workspace on a workspace is an atomic batch: absorbed whole or dropped.
 */
export class Workspace implements State {
  readonly agents = new Map<Uid, Agent>();
  readonly pools = new Map<Uid, Pool>();
  readonly reservations = new Map<string, Reservation>();
  readonly refunds = new Map<number, Amount>();
  readonly entries: StampedEntry[] = [];
  readonly rowChanges: RowChanges = {};
  /** Keys of episodes that went on. */
  repeats: string[] = [];
  /** Reviews to make when the group is durable; `review_orders` has them too. */
  readonly reviews: ReviewOrder[] = [];
  /** What was denied: raised when the group is decided, so that no undone batch takes it along. */
  readonly denied: Denied[] = [];
  /** New answers of this group. */
  readonly answers = new AnswerBook();
  readonly #agentUids = new Map<string, Uid>();
  readonly #poolUids = new Map<string, Uid>();
  readonly #parent: State;
  readonly #now: Instant;
  #nextUid: Uid;
  #violationSequence: number;
  #rules: Rules;

  /** `now` is the one moment of everything that is put on top. */
  constructor(parent: State, now: Instant) {
    this.#parent = parent;
    this.#now = now;
    this.#nextUid = parent.nextUid;
    this.#violationSequence = parent.violationSequence;
    this.#rules = parent.rules;
  }

  get rules(): Rules {
    return this.#rules;
  }

  get violationSequence(): number {
    return this.#violationSequence;
  }

  /** Whether there is anything to write. */
  get changed(): boolean {
    return this.entries.length > 0 || Object.keys(this.rowChanges).length > 0;
  }

  get headSequence(): number {
    return this.#parent.headSequence + this.entries.length;
  }

  get nextUid(): Uid {
    return this.#nextUid;
  }

  agent(uid: Uid): Agent | undefined {
    return this.agents.get(uid) ?? this.#parent.agent(uid);
  }

  agentById(id: string): Agent | undefined {
    const uid = this.#agentUids.get(id);
    if (uid !== undefined) return this.agents.get(uid);
    const agent = this.#parent.agentById(id);
    return agent && (this.agents.get(agent.uid) ?? agent);
  }

  pool(uid: Uid): Pool | undefined {
    return this.pools.get(uid) ?? this.#parent.pool(uid);
  }

  poolById(id: string): Pool | undefined {
    const uid = this.#poolUids.get(id) ?? this.#parent.poolById(id)?.uid;
    const pool = uid === undefined ? undefined : this.pool(uid);
    return pool?.state === 'DELETED' ? undefined : pool;
  }

  reservation(id: string): Reservation | undefined {
    return this.reservations.get(id) ?? this.#parent.reservation(id);
  }

  openReservations(uid: Uid): readonly Reservation[] {
    const open = new Map(this.#parent.openReservations(uid).map((row) => [row.id, row]));
    for (const row of this.reservations.values()) if (row.agentUid === uid) open.set(row.id, row);
    return [...open.values()]
      .filter((row) => row.state === 'OPEN')
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  entry(sequence: number): EntryBody | undefined {
    const own = this.entries[sequence - this.#parent.headSequence - 1];
    return own?.draft ?? this.#parent.entry(sequence);
  }

  oldestSequence(): number {
    return this.#parent.oldestSequence();
  }

  refunded(sequence: number): Amount {
    return this.refunds.get(sequence) ?? this.#parent.refunded(sequence);
  }

  row<C extends CollectionName>(collection: C, key: string): Collections[C] | undefined {
    const changed = this.rowChanges[collection];
    return changed?.has(key) ? changed.get(key) : this.#parent.row(collection, key);
  }

  rows<C extends CollectionName>(
    collection: C,
    range: RowRange,
  ): Iterable<readonly [key: string, row: Collections[C]]> {
    const rows = this.#parent.rows(collection, range);
    const changes = changesIn(this.rowChanges, collection);
    return changes.size === 0 ? rows : weave(rows, changes, range);
  }

  *livingAgents(): Generator<Agent> {
    const seen = new Set<Uid>();
    for (const agent of this.#parent.livingAgents()) {
      seen.add(agent.uid);
      const newest = this.agents.get(agent.uid) ?? agent;
      if (newest.state !== 'CLOSED') yield newest;
    }
    for (const agent of this.agents.values()) {
      if (!seen.has(agent.uid) && agent.state !== 'CLOSED') yield agent;
    }
  }

  *agentsOfPool(uid: Uid): Generator<Agent> {
    const here = (agent: Agent): boolean => agent.poolUid === uid && agent.state !== 'CLOSED';
    for (const agent of this.#parent.agentsOfPool(uid)) {
      if (!this.agents.has(agent.uid)) yield agent;
    }
    for (const agent of this.agents.values()) if (here(agent)) yield agent;
  }

  usage(uid: Uid, start: Instant, end: Instant): UsageTotals {
    const before = this.#parent.usage(uid, start, end);
    const minute = minuteStart(this.#now);
    if (minute < minuteStart(start) || minute > minuteStart(end - 1)) return before;
    // Whoever used something has a new row.
    const ofPool = this.pools.has(uid);
    if (!ofPool && !this.agents.has(uid)) return before;
    let sum = { index: 0, ...before };
    for (const { draft } of this.entries) {
      if (draft.usage === undefined) continue;
      const payer = ofPool ? payerOf(draft) : draft.usage.agentUid;
      if (payer === uid) sum = addCells(sum, cellOf(0, draft.usage));
    }
    return sum;
  }

  *livingPools(): Generator<Pool> {
    const seen = new Set<Uid>();
    for (const pool of this.#parent.livingPools()) {
      seen.add(pool.uid);
      const newest = this.pools.get(pool.uid) ?? pool;
      if (newest.state !== 'DELETED') yield newest;
    }
    for (const pool of this.pools.values()) {
      if (!seen.has(pool.uid) && pool.state !== 'DELETED') yield pool;
    }
  }

  /** Puts a decision's effects on top. */
  install(effects: Effects, stamp: RequestStamp): void {
    for (const agent of effects.agents.values()) {
      if (agent.uid >= this.#nextUid) this.#agentUids.set(agent.id, agent.uid);
      this.agents.set(agent.uid, agent);
    }
    for (const pool of effects.pools.values()) {
      if (pool.uid >= this.#nextUid) this.#poolUids.set(pool.id, pool.uid);
      this.pools.set(pool.uid, pool);
    }
    for (const reservation of effects.reservations) {
      this.reservations.set(reservation.id, reservation);
    }
    for (const [sequence, refunded] of effects.refunds) this.refunds.set(sequence, refunded);
    for (const draft of effects.entries) this.entries.push({ draft, stamp });
    this.#putRows(effects.rows, effects);
    this.#nextUid = effects.nextUid;
  }

  #putRows(
    changes: RowChanges,
    { repeats, violationSequence }: Pick<Effects, 'repeats' | 'violationSequence'>,
  ): void {
    this.#violationSequence = violationSequence;
    for (const key of repeats) this.repeats.push(key);
    if (Object.keys(changes).length === 0) return;
    mergeChanges(this.rowChanges, changes);
    this.#endRepeats(changes);
    this.#rules = rulesWith(this.#rules, changes);
  }

  /** An episode that ends takes along what went on of it: the next of its key begins anew. */
  #endRepeats(changes: RowChanges): void {
    if (changes.episodes === undefined || this.repeats.length === 0) return;
    const episodes = changesIn(changes, 'episodes');
    const ended = (key: string): boolean => episodes.has(key) && episodes.get(key) === undefined;
    this.repeats = this.repeats.filter((key) => !ended(key));
  }

  /** Puts everything of a workspace that was made on this one on top. */
  absorb(inner: Workspace): void {
    for (const [id, uid] of inner.#agentUids) this.#agentUids.set(id, uid);
    for (const [id, uid] of inner.#poolUids) this.#poolUids.set(id, uid);
    for (const [uid, agent] of inner.agents) this.agents.set(uid, agent);
    for (const [uid, pool] of inner.pools) this.pools.set(uid, pool);
    for (const [id, reservation] of inner.reservations) this.reservations.set(id, reservation);
    for (const [sequence, refunded] of inner.refunds) this.refunds.set(sequence, refunded);
    for (const answered of inner.answers.all()) this.answers.add(answered);
    // Not by spreading: a pruning may have more entries than a call takes arguments.
    for (const entry of inner.entries) this.entries.push(entry);
    this.#putRows(inner.rowChanges, inner);
    this.denied.push(...inner.denied);
    this.reviews.push(...inner.reviews);
    this.#nextUid = inner.#nextUid;
  }

  /** The answer of an earlier request of this group. */
  answer(scope: IdempotencyScope): IdempotencyRecord | undefined {
    const own = this.answers.get(scope);
    if (own !== undefined) return own;
    return this.#parent instanceof Workspace ? this.#parent.answer(scope) : undefined;
  }

  /** The ids that new accounts of this workspace got. */
  newAgentUids(): ReadonlyMap<string, Uid> {
    return this.#agentUids;
  }

  /** The ids that new pools of this workspace got. */
  newPoolUids(): ReadonlyMap<string, Uid> {
    return this.#poolUids;
  }
}

/** The pool that an entry's cost was charged to: the first that it names. */
export function payerOf(entry: EntryDraft): Uid | undefined {
  return entry.accounts.find(({ kind }) => kind === 'POOL')?.uid;
}
