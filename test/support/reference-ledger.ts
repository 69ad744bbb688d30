import type { Decimal } from 'decimal.js';
import type * as C from '../../src/domain/command.js';
import { DAY } from '../fakes/manual-time.js';
import { POLICY } from '../fakes/world.js';
import { administer, type AdminCommand } from './reference-admin.js';
import {
  Books,
  exact,
  fits,
  least,
  most,
  print,
  printRequest,
  type RefAgent,
  type RefAnswer,
  type RefHold,
} from './reference.js';

/** What an operation says beside its verdict. */
export interface Facts {
  readonly amount?: Decimal;
  readonly second?: Decimal;
  readonly warnings?: readonly string[];
  readonly late?: boolean;
  readonly agent?: RefAgent | undefined;
  readonly hold?: RefHold | undefined;
  readonly sequence?: number;
}

export type Command = Exclude<C.AgentCommand, C.ReportViolationCommand> | AdminCommand;

/** The reference ledger: what a command should be answered, and what it should leave behind. */
export class ReferenceLedger extends Books {
  /** One group: what is due expires, then the commands are judged in order. */
  group(commands: readonly Command[]): readonly (RefAnswer & { readonly replayed: boolean })[] {
    this.expireDue();
    return commands.map((command) => this.judge(command));
  }

  judge(command: Command): RefAnswer & { readonly replayed: boolean } {
    const scope = this.#scope(command);
    const earlier = scope === undefined ? undefined : this.answers.get(scope);
    if (earlier !== undefined) {
      if (earlier.print === printRequest(command)) return { ...earlier.answer, replayed: true };
      return { ...this.answer('REQUEST_ID_REUSED'), replayed: false };
    }
    const answer = this.#decide(command);
    if (scope !== undefined && answer.sequence > 0) {
      const { hold } = answer;
      this.answers.set(scope, { print: printRequest(command), answer, time: this.now, hold });
    }
    return { ...answer, replayed: false };
  }

  #scope(command: Command): string | undefined {
    const { method, requestId } = command;
    if (requestId === '' || ('dryRun' in command && command.dryRun)) return undefined;
    if (method === 'SPEND' || method === 'RESERVE') {
      const agent = this.agent(command.agentId);
      return agent && `${this.agents.indexOf(agent)} ${method} ${requestId}`;
    }
    if (method === 'COMMIT' || method === 'RELEASE' || method === 'EXTEND') {
      const agent = this.hold(command.reservationId)?.agent;
      return agent && `${this.agents.indexOf(agent)} ${method} ${requestId}`;
    }
    return `server ${method} ${requestId}`;
  }

  answer(verdict: string, facts: Facts = {}): RefAnswer {
    return {
      verdict,
      sequence: facts.sequence ?? 0,
      amount: facts.amount === undefined ? '0' : print(facts.amount),
      second: facts.second === undefined ? '0' : print(facts.second),
      warnings: (facts.warnings ?? []).join(' '),
      late: facts.late ?? false,
      budget: this.budget(facts.agent),
      hold: facts.hold,
      holdSaid: this.said(facts.hold),
    };
  }

  #decide(command: Command): RefAnswer {
    if (command.method === 'SPEND') return this.#spend(command);
    if (command.method === 'RESERVE') return this.#reserve(command);
    if (command.method === 'COMMIT') return this.#commit(command);
    if (command.method === 'RELEASE') return this.#release(command);
    if (command.method === 'EXTEND') return this.#extend(command);
    return administer(this, command);
  }

  #frozen(agent: RefAgent): string | undefined {
    if (agent.state === 'FROZEN') return 'AGENT_FROZEN';
    return agent.pool.state === 'FROZEN' ? 'POOL_FROZEN' : undefined;
  }

  #grant(agent: RefAgent, amount: Decimal, mode: C.SpendMode): Decimal | undefined {
    const available = this.available(agent);
    if (mode === 'FORCE' || amount.lessThanOrEqualTo(available)) return amount;
    return mode === 'UP_TO' && available.greaterThan(0) ? least(amount, available) : undefined;
  }

  /** Money leaves; a closed agent's is its pool's, and a deleted pool has none of its own. */
  #pay(agent: RefAgent, amount: Decimal): void {
    agent.spent = agent.spent.plus(amount);
    agent.pool.spent = agent.pool.spent.plus(amount);
    if (agent.state !== 'CLOSED') return;
    agent.allocated = agent.allocated.plus(amount);
    if (agent.pool.state === 'DELETED') agent.pool.funded = agent.pool.funded.plus(amount);
  }

  #spend(command: C.SpendCommand): RefAnswer {
    const agent = this.agent(command.agentId);
    if (agent === undefined) return this.answer('AGENT_NOT_FOUND');
    const amount = exact(command.amount);
    if (!fits(agent.pool, amount)) return this.answer('INVALID_REQUEST');
    const forced = command.mode === 'FORCE';
    if (forced && !agent.allowForce) return this.answer('NOT_PERMITTED');
    if (!forced) {
      if (agent.state === 'CLOSED') return this.answer('AGENT_CLOSED');
      const frozen = this.#frozen(agent);
      if (frozen !== undefined) return this.answer(frozen, { agent });
    }
    const granted = this.#grant(agent, amount, command.mode);
    if (granted === undefined) return this.answer('INSUFFICIENT_BUDGET', { agent });
    const before = { ...agent, pool: { ...agent.pool } };
    const sequence = this.entry(agent, () => {
      this.#pay(agent, granted);
    });
    const cost = { agent, pool: agent.pool, time: this.now, refunded: exact(0n) };
    this.costs.set(sequence, { ...cost, amount: granted });
    const closed = agent.state === 'CLOSED';
    const below = forced && !closed && this.available(agent).lessThan(0);
    const warnings = [...(below ? ['OVERSPENT'] : []), ...(closed ? ['PAID_BY_POOL'] : [])];
    const answer = this.answer('OK', { amount: granted, agent, warnings, sequence });
    if (!command.dryRun) return answer;
    // It was only asked what would happen.
    agent.pool.spent = before.pool.spent;
    const { allocated, spent, budgetRevision } = before;
    Object.assign(agent, { allocated, spent, budgetRevision });
    this.costs.delete(sequence);
    this.entries -= 1;
    return { ...answer, sequence: 0 };
  }

  #reserve(command: C.ReserveCommand): RefAnswer {
    const agent = this.agent(command.agentId);
    if (agent === undefined) return this.answer('AGENT_NOT_FOUND');
    const amount = exact(command.amount);
    if (!fits(agent.pool, amount)) return this.answer('INVALID_REQUEST');
    if (agent.state === 'CLOSED') return this.answer('AGENT_CLOSED');
    const frozen = this.#frozen(agent);
    if (frozen !== undefined) return this.answer(frozen, { agent });
    const granted = this.#grant(agent, amount, command.mode);
    if (granted === undefined) return this.answer('INSUFFICIENT_BUDGET', { agent });
    const hold: RefHold = {
      id: '',
      agent,
      state: 'OPEN',
      amount: granted,
      held: granted,
      committed: exact(0n),
      expireTime: this.now + command.ttlMs,
      endTime: 0,
      settledLate: false,
      extensions: 0,
    };
    const sequence = this.entry(agent, () => {
      this.holds.push(hold);
    });
    return this.answer('OK', { amount: granted, agent, hold, sequence });
  }

  #commit(command: C.CommitCommand): RefAnswer {
    const hold = this.hold(command.reservationId);
    if (hold === undefined) return this.answer('RESERVATION_NOT_FOUND');
    const { agent } = hold;
    const late = hold.state === 'EXPIRED';
    if (hold.state === 'COMMITTED' || hold.settledLate) {
      return this.answer('RESERVATION_ALREADY_COMMITTED');
    }
    if (hold.state === 'RELEASED') return this.answer('RESERVATION_ALREADY_RELEASED');
    if (late && this.now >= hold.endTime + POLICY.lateWindowMs) {
      return this.answer('RESERVATION_EXPIRED');
    }
    const covered = late ? most(exact(0n), hold.amount.minus(hold.committed)) : hold.held;
    const amount = command.amount === undefined ? covered : exact(command.amount);
    if (!fits(agent.pool, amount)) return this.answer('INVALID_REQUEST');
    const overage = most(exact(0n), amount.minus(covered));
    if (overage.greaterThan(0)) {
      const needed = late ? amount : overage;
      const covers = needed.lessThanOrEqualTo(this.available(agent));
      const refused =
        command.overage === 'REJECT' || (command.overage === 'WITHIN_AVAILABLE' && !covers);
      if (refused) return this.answer('ACTUAL_EXCEEDS_RESERVATION');
    }
    const sequence = this.entry(agent, () => {
      this.#pay(agent, amount);
      hold.committed = hold.committed.plus(amount);
      if (late) hold.settledLate = command.final;
      else if (command.final) {
        Object.assign(hold, { state: 'COMMITTED', held: exact(0n), endTime: this.now });
      } else hold.held = most(exact(0n), hold.held.minus(amount));
    });
    const cost = { agent, pool: agent.pool, time: this.now, refunded: exact(0n) };
    this.costs.set(sequence, { ...cost, amount });
    const closed = agent.state === 'CLOSED';
    const unheld = late || overage.greaterThan(0);
    const below = !closed && unheld && this.available(agent).lessThan(0);
    const warnings = [
      ...(below ? ['OVERSPENT'] : []),
      ...(late ? ['LATE_COMMIT'] : []),
      ...(closed ? ['PAID_BY_POOL'] : []),
    ];
    return this.answer('OK', { amount, second: overage, warnings, late, agent, hold, sequence });
  }

  #release(command: C.ReleaseCommand): RefAnswer {
    const hold = this.hold(command.reservationId);
    if (hold === undefined) return this.answer('RESERVATION_NOT_FOUND');
    const { agent } = hold;
    if (hold.state === 'COMMITTED') return this.answer('RESERVATION_ALREADY_COMMITTED');
    if (hold.state !== 'OPEN') return this.answer('OK', { agent, hold });
    const amount = hold.held;
    const sequence = this.entry(agent, () => {
      Object.assign(hold, { state: 'RELEASED', held: exact(0n), endTime: this.now });
    });
    return this.answer('OK', { amount, agent, hold, sequence });
  }

  #extend(command: C.ExtendCommand): RefAnswer {
    const hold = this.hold(command.reservationId);
    if (hold === undefined) return this.answer('RESERVATION_NOT_FOUND');
    const { agent } = hold;
    if (hold.state !== 'OPEN') return this.answer('RESERVATION_EXPIRED');
    const frozen = this.#frozen(agent);
    if (frozen !== undefined) return this.answer(frozen, { agent, hold });
    if (hold.extensions === 10) return this.answer('EXTENSIONS_EXHAUSTED');
    const sequence = this.entry(agent, () => {
      hold.extensions += 1;
      hold.expireTime = Math.max(hold.expireTime, this.now + command.ttlMs);
    });
    return this.answer('OK', { agent, hold, sequence });
  }

  /** Expires what is due, then takes away what has served. */
  sweep(): void {
    this.expireDue();
    const ended = (hold: RefHold): boolean =>
      hold.state !== 'OPEN' && hold.endTime + POLICY.lateWindowMs < this.now;
    for (const [scope, { time, hold }] of this.answers) {
      if (hold === undefined ? time < this.now - DAY : ended(hold)) this.answers.delete(scope);
    }
    this.holds = this.holds.filter((hold) => !ended(hold));
  }

  /** A batch in one group: all of it, or when atomic nothing after the first that fails. */
  batch(items: readonly C.SpendCommand[], atomic: boolean): readonly string[] {
    this.expireDue();
    if (!atomic) return items.map((item) => this.judge(item).verdict);
    const trial = this.snapshot();
    const verdicts: string[] = [];
    for (const item of items) {
      const { verdict } = this.judge(item);
      verdicts.push(verdict);
      if (verdict !== 'OK') {
        this.restore(trial);
        return items.map((_item, at) => (at === verdicts.length - 1 ? verdict : 'NOT_APPLIED'));
      }
    }
    return verdicts;
  }

  /** Spends change agents, pools, costs and answers only. */
  snapshot(): () => void {
    const agents = this.agents.map((agent) => ({ agent, was: { ...agent } }));
    const pools = this.pools.map((pool) => ({ pool, was: { ...pool } }));
    const costs = new Map(this.costs);
    const answers = new Map(this.answers);
    const { entries } = this;
    return () => {
      for (const { agent, was } of agents) Object.assign(agent, was);
      for (const { pool, was } of pools) Object.assign(pool, was);
      this.costs.clear();
      for (const [key, cost] of costs) this.costs.set(key, cost);
      this.answers.clear();
      for (const [key, recorded] of answers) this.answers.set(key, recorded);
      this.entries = entries;
    };
  }

  restore(undo: () => void): void {
    undo();
  }
}
