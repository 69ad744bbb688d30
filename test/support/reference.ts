import { Decimal } from 'decimal.js';
import type * as C from '../../src/domain/command.js';
import { formatAmount, type Amount } from '../../src/domain/amount.js';

/**
 * The ledger once more, as simple as it can be written: rows in arrays, decimal.js for money, what
 * follows from other numbers summed up anew each time. It shares no code with the real one but the
 * types of commands and the printing of their amounts.
 */

const Exact = Decimal.clone({ precision: 100, toExpNeg: -100, toExpPos: 100 });
const ZERO = new Exact(0);

export interface RefPool {
  readonly id: string;
  readonly unit: string;
  readonly scale: number;
  funding: string;
  state: 'ACTIVE' | 'FROZEN' | 'DELETED';
  min: Decimal;
  funded: Decimal;
  spent: Decimal;
  base: Decimal;
  baseline: Decimal;
  revision: number;
}

export interface RefAgent {
  readonly id: string;
  readonly priority: number;
  pool: RefPool;
  state: 'ACTIVE' | 'FROZEN' | 'CLOSED';
  overdraft: Decimal;
  allowForce: boolean;
  allocated: Decimal;
  spent: Decimal;
  base: Decimal;
  baseline: Decimal;
  revision: number;
  budgetRevision: number;
}

export interface RefHold {
  id: string;
  readonly agent: RefAgent;
  state: 'OPEN' | 'COMMITTED' | 'RELEASED' | 'EXPIRED';
  readonly amount: Decimal;
  held: Decimal;
  committed: Decimal;
  expireTime: number;
  endTime: number;
  settledLate: boolean;
  extensions: number;
}

/** What an answer says, in words that both ledgers can be asked for. */
export interface RefAnswer {
  /** OK, or the reason of a rejection or denial. */
  readonly verdict: string;
  readonly sequence: number;
  readonly amount: string;
  readonly second: string;
  readonly warnings: string;
  readonly late: boolean;
  /** The agent's numbers after it, where the answer shows an agent. */
  readonly budget: string;
  readonly hold: RefHold | undefined;
  /** The hold as it was when answered. */
  readonly holdSaid: string;
}

interface Cost {
  readonly agent: RefAgent;
  readonly pool: RefPool;
  readonly amount: Decimal;
  readonly time: number;
  refunded: Decimal;
}

export interface Recorded {
  readonly print: string;
  readonly answer: RefAnswer;
  readonly time: number;
  /** The hold whose verb it was: the answer lives as long as that is kept. */
  readonly hold: RefHold | undefined;
}

/** The rows of the reference, and sums over them. */
export class Books {
  now: number;
  entries = 0;
  /** The oldest entry that retention has left. */
  oldest = 1;
  pools: RefPool[] = [];
  agents: RefAgent[] = [];
  holds: RefHold[] = [];
  readonly costs = new Map<number, Cost>();
  readonly answers = new Map<string, Recorded>();

  constructor(now: number) {
    this.now = now;
  }

  agent(id: string): RefAgent | undefined {
    return this.agents.findLast((agent) => agent.id === id);
  }

  pool(id: string): RefPool | undefined {
    return this.pools.find((pool) => pool.id === id && pool.state !== 'DELETED');
  }

  hold(id: string): RefHold | undefined {
    return this.holds.find((hold) => hold.id === id);
  }

  open(agent: RefAgent): readonly RefHold[] {
    return this.holds.filter((hold) => hold.agent === agent && hold.state === 'OPEN');
  }

  reserved(agent: RefAgent): Decimal {
    return total(this.open(agent).map((hold) => hold.held));
  }

  remaining(agent: RefAgent): Decimal {
    return agent.allocated.minus(agent.spent).minus(this.reserved(agent));
  }

  available(agent: RefAgent): Decimal {
    return this.remaining(agent).plus(agent.overdraft);
  }

  in(pool: RefPool): readonly RefAgent[] {
    return this.agents.filter((agent) => agent.pool === pool);
  }

  unallocated(pool: RefPool): Decimal {
    const assigned = total(this.in(pool).map((agent) => agent.allocated.minus(agent.spent)));
    return pool.funded.minus(pool.spent).minus(assigned);
  }

  debt(pool: RefPool): Decimal {
    return total(this.in(pool).map(debtOf));
  }

  free(pool: RefPool): Decimal {
    return this.unallocated(pool).minus(this.debt(pool)).minus(pool.min);
  }

  /** The numbers of an agent in one line. */
  budget(agent: RefAgent | undefined): string {
    if (agent === undefined) return '';
    const { allocated, spent, baseline, state, budgetRevision } = agent;
    const numbers = [allocated, spent, this.reserved(agent), baseline].map(print).join(' ');
    return `${agent.id} ${state} ${numbers} r${budgetRevision}`;
  }

  /** The numbers of a pool in one line. */
  money(pool: RefPool): string {
    const numbers = [
      pool.funded,
      pool.spent,
      total(this.in(pool).map((agent) => this.reserved(agent))),
      this.unallocated(pool),
      this.debt(pool),
      pool.baseline,
    ];
    const living = this.in(pool).filter((agent) => agent.state !== 'CLOSED').length;
    const { id, state, revision } = pool;
    return `${id} ${state} ${numbers.map(print).join(' ')} ${living} r${revision}`;
  }

  /** A hold in one line, without its id, which only the real ledger knows. */
  said(hold: RefHold | undefined): string {
    if (hold === undefined) return '';
    const { state, amount, held, committed, expireTime, extensions } = hold;
    const numbers = [amount, held, committed].map(print).join(' ');
    return `${state} ${numbers} ${expireTime} ${extensions}`;
  }

  /** Writes one entry; the agent's budget revision goes up when `change` changes its money. */
  entry(agent: RefAgent | undefined, change: () => void): number {
    const before = agent === undefined ? '' : this.#numbers(agent);
    change();
    this.entries += 1;
    if (agent !== undefined && this.#numbers(agent) !== before) agent.budgetRevision += 1;
    return this.entries;
  }

  /** As entry, about many agents: nothing is written when nobody's numbers change. Returns 0 then. */
  commonEntry(agents: readonly RefAgent[], change: () => void): number {
    const before = agents.map((agent) => this.#numbers(agent));
    change();
    const changed = agents.filter((agent, at) => this.#numbers(agent) !== before[at]);
    if (changed.length === 0) return 0;
    this.entries += 1;
    for (const agent of changed) agent.budgetRevision += 1;
    return this.entries;
  }

  #numbers(agent: RefAgent): string {
    const { allocated, spent, base, baseline } = agent;
    return [allocated, spent, this.reserved(agent), base, baseline].map(print).join(' ');
  }

  /** Expires what is due, oldest first. */
  expireDue(): void {
    const due = this.holds.filter((hold) => hold.state === 'OPEN' && hold.expireTime <= this.now);
    for (const hold of due.sort((a, b) => a.expireTime - b.expireTime)) this.expire(hold);
  }

  expire(hold: RefHold): void {
    this.entry(hold.agent, () => {
      hold.state = 'EXPIRED';
      hold.held = ZERO;
      hold.endTime = hold.expireTime;
    });
  }
}

/** Why a pool does not give something, or undefined; an ON_DEMAND pool mints what it lacks. */
export function give(books: Books, pool: RefPool, needed: Decimal): string | undefined {
  const free = books.free(pool);
  if (needed.lessThanOrEqualTo(0) || needed.lessThanOrEqualTo(free)) return undefined;
  if (pool.funding !== 'ON_DEMAND') return 'INSUFFICIENT_POOL_BUDGET';
  pool.funded = pool.funded.plus(needed.minus(Exact.max(0, free)));
  return undefined;
}

export function raise(agent: RefAgent): void {
  agent.baseline = Exact.max(agent.baseline, agent.allocated.minus(agent.spent));
}

export function raisePool(pool: RefPool): void {
  pool.baseline = Exact.max(pool.baseline, pool.funded.minus(pool.spent));
}

export function debtOf(agent: RefAgent): Decimal {
  return Exact.max(0, agent.spent.minus(agent.allocated));
}

export function exact(amount: Amount): Decimal {
  return new Exact(formatAmount(amount));
}

export function least(a: Decimal, b: Decimal): Decimal {
  return Exact.min(a, b);
}

export function most(a: Decimal, b: Decimal): Decimal {
  return Exact.max(a, b);
}

export function total(amounts: readonly Decimal[]): Decimal {
  return amounts.reduce((sum, amount) => sum.plus(amount), ZERO);
}

export function print(amount: Decimal): string {
  return amount.isZero() ? '0' : amount.toFixed();
}

export function fits(pool: RefPool, amount: Decimal): boolean {
  return amount.decimalPlaces() <= pool.scale;
}

/** What must be equal for two requests of one id to be the same. */
export function printRequest(command: C.Command): string {
  return JSON.stringify({ ...command, requestId: '' }, (_key, value: unknown) =>
    typeof value === 'bigint' ? formatAmount(value) : value,
  );
}
