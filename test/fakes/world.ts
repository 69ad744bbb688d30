import { formatAmount, type Amount } from '../../src/domain/amount.js';
import type { Denial, Outcome, RejectionReason } from '../../src/domain/answer.js';
import { asOf } from '../../src/domain/decide/checks.js';
import { decide, type SingleCommand } from '../../src/domain/decide/decide.js';
import { decideExpire } from '../../src/domain/decide/expire.js';
import type { Decided } from '../../src/domain/decided.js';
import type { Entry } from '../../src/domain/entry.js';
import type { Agent, Instant, Pool, Reservation, Uid } from '../../src/domain/model.js';
import type { Context, Policy, State } from '../../src/domain/state.js';
import { addCells, cellOf, minuteStart, sumRow, type UsageTotals } from '../../src/domain/usage.js';
import { availableOf, remainingOf } from '../../src/domain/budget.js';
import { money } from '../support/seed.js';
import {
  changesIn,
  mergeChanges,
  weave,
  type CollectionName,
  type Collections,
  type RowChanges,
  type RowRange,
} from '../../src/domain/collection.js';
import { beginDraft, type Draft, type Effects, type EntryDraft } from '../../src/domain/draft.js';
import { raise } from '../../src/domain/raise.js';
import { noRules, rulesWith, type Rules } from '../../src/domain/rules.js';
import type { ViolationEvent } from '../../src/domain/violation.js';
import { compileExpression } from '../../src/ledger/expression.js';
import { dueAfter } from '../../src/ledger/timetable.js';
import { createPool } from './commands.js';
import { DAY, T0 } from './manual-time.js';

/** The bounds of a sidecar that nobody configured. */
export const POLICY: Policy = {
  openReservationsMax: 1_000,
  reservationCommitsMax: 1_000,
  channelsMax: 10,
  lateWindowMs: 7 * DAY,
};

/** A state in maps, on which decisions are made and carried out, without ledger or store. */
export class World implements State {
  now = T0;
  policy: Policy = POLICY;
  clockJumped = false;
  readonly entries: EntryDraft[] = [];
  /** When each entry was written. */
  readonly times: Instant[] = [];
  readonly agents = new Map<Uid, Agent>();
  readonly pools = new Map<Uid, Pool>();
  readonly reservations = new Map<string, Reservation>();
  readonly refunds = new Map<number, Amount>();
  readonly rowChanges: RowChanges = {};
  /** Keys of episodes that went on. */
  readonly repeats: string[] = [];
  rules: Rules = noRules(compileExpression);
  violationSequence = 0;
  nextUid: Uid = 1;
  #ids = 0;

  get headSequence(): number {
    return this.entries.length;
  }

  /** Judges a command and carries it out. */
  do(command: SingleCommand): Decided {
    const decided = decide(this, command, this.#context());
    if (decided.verdict === 'JUDGED' && decided.effects !== undefined) {
      this.#install(decided.effects);
    }
    if (decided.alarm !== undefined) {
      const draft = beginDraft(this, this.now);
      raise(draft, decided.alarm);
      this.#install(draft);
    }
    return decided;
  }

  /** As do, and fails unless it was carried out. */
  must(command: SingleCommand): Outcome {
    const decided = this.do(command);
    if (decided.verdict === 'REJECTED') throw new Error(`${command.method}: ${decided.reason}`);
    if (decided.outcome.verdict === 'DENIED') throw new Error(`${command.method} was denied`);
    return decided.outcome;
  }

  /** The reason of a rejection or denial, or OK. */
  verdict(command: SingleCommand): RejectionReason | Denial['reason'] | 'OK' {
    return verdictOf(this.do(command));
  }

  /** Expires what is due, as every transaction does first. */
  sweep(): void {
    for (const reservation of [...this.reservations.values()]) {
      const decided = decideExpire(this, reservation, this.#context());
      if (decided.verdict === 'JUDGED' && decided.effects !== undefined) {
        this.#install(decided.effects);
      }
    }
  }

  /** What the sidecar does by itself, such as every minute. */
  byItself(work: (draft: Draft) => void): void {
    const draft = beginDraft(this, this.now);
    work(draft);
    this.#install(draft);
  }

  #context(): Context {
    const { now, policy, clockJumped } = this;
    const newId = () => {
      this.#ids += 1;
      return `id-${String(this.#ids).padStart(6, '0')}`;
    };
    return { now, policy, clockJumped, newId, dueAfter };
  }

  #install(effects: Effects): void {
    for (const agent of effects.agents.values()) this.agents.set(agent.uid, agent);
    for (const pool of effects.pools.values()) this.pools.set(pool.uid, pool);
    for (const row of effects.reservations) this.reservations.set(row.id, row);
    for (const [sequence, amount] of effects.refunds) this.refunds.set(sequence, amount);
    this.entries.push(...effects.entries);
    this.times.push(...effects.entries.map(() => this.now));
    this.nextUid = effects.nextUid;
    mergeChanges(this.rowChanges, effects.rows);
    this.rules = rulesWith(this.rules, effects.rows);
    this.repeats.push(...effects.repeats);
    this.violationSequence = effects.violationSequence;
  }

  row<C extends CollectionName>(collection: C, key: string): Collections[C] | undefined {
    return changesIn(this.rowChanges, collection).get(key);
  }

  rows<C extends CollectionName>(
    collection: C,
    range: RowRange,
  ): Iterable<readonly [key: string, row: Collections[C]]> {
    return weave([], changesIn(this.rowChanges, collection), range);
  }

  /** The stream of violations so far. */
  events(): readonly ViolationEvent[] {
    return [...this.rows('violation_events', {})].map(([, event]) => event);
  }

  agent(uid: Uid): Agent | undefined {
    return this.agents.get(uid);
  }

  agentById(id: string): Agent | undefined {
    return [...this.agents.values()].findLast((agent) => agent.id === id);
  }

  pool(uid: Uid): Pool | undefined {
    return this.pools.get(uid);
  }

  poolById(id: string): Pool | undefined {
    return [...this.pools.values()].find((pool) => pool.id === id && pool.state !== 'DELETED');
  }

  reservation(id: string): Reservation | undefined {
    return this.reservations.get(id);
  }

  openReservations(uid: Uid): readonly Reservation[] {
    const all = [...this.reservations.values()];
    return all.filter((row) => row.agentUid === uid && row.state === 'OPEN');
  }

  entry(sequence: number): Entry | undefined {
    const draft = this.entries[sequence - 1];
    if (draft === undefined) return undefined;
    return {
      ...draft,
      time: this.now,
      previousHash: new Uint8Array(32),
      requestId: '',
      method: undefined,
      principal: '',
      reason: '',
      traceId: '',
    };
  }

  oldestSequence(): number {
    return 1;
  }

  refunded(sequence: number): Amount {
    return this.refunds.get(sequence) ?? 0n;
  }

  livingAgents(): Iterable<Agent> {
    return byId([...this.agents.values()].filter((agent) => agent.state !== 'CLOSED'));
  }

  agentsOfPool(uid: Uid): Iterable<Agent> {
    const agents = [...this.agents.values()];
    return agents.filter((agent) => agent.poolUid === uid && agent.state !== 'CLOSED');
  }

  usage(uid: Uid, start: Instant, end: Instant): UsageTotals {
    const [first, last] = [minuteStart(start), minuteStart(end - 1)];
    return this.entries
      .filter(({ usage, accounts }, at) => {
        const minute = minuteStart(this.times[at]!);
        const payer = accounts.find(({ kind }) => kind === 'POOL')?.uid;
        const ofUid = usage !== undefined && (usage.agentUid === uid || payer === uid);
        return ofUid && minute >= first && minute <= last;
      })
      .map(({ usage }) => cellOf(0, usage!))
      .reduce(addCells, sumRow([], 0));
  }

  livingPools(): Iterable<Pool> {
    return byId([...this.pools.values()].filter((pool) => pool.state !== 'DELETED'));
  }

  /** An agent's numbers, as people would say them. */
  budget(
    id: string,
  ): Record<'allocated' | 'spent' | 'reserved' | 'remaining' | 'available', string> {
    const agent = this.agentById(id);
    if (agent === undefined) throw new Error(`no agent ${id}`);
    return {
      allocated: formatAmount(agent.allocated),
      spent: formatAmount(agent.spent),
      reserved: formatAmount(agent.reserved),
      remaining: formatAmount(remainingOf(agent)),
      available: formatAmount(availableOf(agent)),
    };
  }

  /** A pool's numbers. */
  money(id: string): Record<'funded' | 'spent' | 'reserved' | 'unallocated' | 'debt', string> {
    const pool = this.poolById(id);
    if (pool === undefined) throw new Error(`no pool ${id}`);
    return {
      funded: formatAmount(pool.funded),
      spent: formatAmount(pool.spent),
      reserved: formatAmount(pool.reserved),
      unallocated: formatAmount(pool.unallocated),
      debt: formatAmount(pool.debt),
    };
  }

  /** A reservation as everybody sees it now. */
  hold(id: string): Reservation {
    const reservation = this.reservations.get(id);
    if (reservation === undefined) throw new Error(`no reservation ${id}`);
    return asOf(reservation, this.now);
  }
}

/** The reason of a rejection or denial, or OK. */
export function verdictOf(decided: Decided): RejectionReason | Denial['reason'] | 'OK' {
  if (decided.verdict === 'REJECTED') return decided.reason;
  return decided.outcome.denial?.reason ?? 'OK';
}

/** A world with one pool `p` of scale 6. */
export function worldWithPool(funded = '1000'): World {
  const world = new World();
  world.must(createPool('p', funded));
  return world;
}

/** Every way in which a world's balances may disagree with each other (I1, I2, I3). */
export function disagreements(world: World): readonly string[] {
  const found: string[] = [];
  const is = (what: string, actual: Amount, expected: Amount): void => {
    if (actual !== expected) found.push(`${what}: ${actual} is not ${expected}`);
  };
  for (const agent of world.agents.values()) {
    const open = world.openReservations(agent.uid);
    is(`reserved of ${agent.id}`, agent.reserved, sum(open.map((row) => row.held)));
    is(`holds of ${agent.id}`, BigInt(agent.openReservations), BigInt(open.length));
    if (agent.state === 'CLOSED') is(`closed ${agent.id}`, agent.allocated, agent.spent);
  }
  for (const pool of world.pools.values()) {
    const agents = [...world.agents.values()].filter((agent) => agent.poolUid === pool.uid);
    const assigned = sum(agents.map((agent) => agent.allocated - agent.spent));
    is(`funded of ${pool.id}`, pool.funded, pool.spent + assigned + pool.unallocated);
    is(`reserved of ${pool.id}`, pool.reserved, sum(agents.map((agent) => agent.reserved)));
    const debts = agents.map((agent) => agent.spent - agent.allocated).filter((debt) => debt > 0n);
    is(`debt of ${pool.id}`, pool.debt, sum(debts));
    const living = agents.filter((agent) => agent.state !== 'CLOSED');
    is(`agents of ${pool.id}`, BigInt(pool.agentCount), BigInt(living.length));
  }
  return found;
}

function sum(amounts: readonly Amount[]): Amount {
  return amounts.reduce((total, amount) => total + amount, money('0'));
}

function byId<Row extends { readonly id: string }>(rows: readonly Row[]): readonly Row[] {
  return rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
