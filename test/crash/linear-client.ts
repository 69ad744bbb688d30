import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import type { Budget } from '../../src/gen/safeguards/v1/budget_pb.js';
import { Decision, SpendMode } from '../../src/gen/safeguards/v1/decision_pb.js';
import type { Balance, Input, Output } from '../linear/budget-machine.js';
import type { Operation } from '../linear/checker.js';
import { money, randomFrom } from '../support/seed.js';
import { formatAmount } from '../../src/domain/amount.js';
import { CallFailed, type Connection } from './client.js';

const api = BudgetService.method;

/** Reasons that are answers of the machine too. */
const REASONS = [
  'REQUEST_ID_REUSED',
  'RESERVATION_ALREADY_COMMITTED',
  'RESERVATION_ALREADY_RELEASED',
];

const NOT_OVER = Infinity;

/** What the clients of one agent know together: they settle one another's holds. */
export class AgentHistory {
  readonly agentId: string;
  readonly operations: Operation<Input, Output>[] = [];
  /** The reservation of each request_id that made one. */
  readonly holds = new Map<string, string>();
  /** Sent, not answered, and not sent again yet. */
  readonly unknown: Input[] = [];

  constructor(agentId: string) {
    this.agentId = agentId;
  }

  /** Whatever was not answered can be carried out no more. */
  settle(now: number): void {
    for (const [at, operation] of this.operations.entries()) {
      if (operation.over === NOT_OVER) this.operations[at] = { ...operation, over: now };
    }
  }
}

/** A client that sends one request after the other, some of them again, and notes what it saw. */
export class LinearClient {
  readonly #name: string;
  readonly #histories: readonly AgentHistory[];
  readonly #random: () => number;
  #requests = 0;

  constructor(name: string, seed: number, histories: readonly AgentHistory[]) {
    this.#name = name;
    this.#random = randomFrom(seed);
    this.#histories = histories;
  }

  /** Sends until a call is not answered. */
  async run(connection: Connection, answered: () => void): Promise<void> {
    for (;;) {
      const history = this.#pick(this.#histories);
      const input = history.unknown.shift() ?? this.#next(history);
      if (!(await send(connection, history, input))) return;
      answered();
    }
  }

  #next(history: AgentHistory): Input {
    const dice = this.#random();
    if (dice < 0.15) return { kind: 'get' };
    const requestId = this.#requestId();
    if (dice < 0.25 && history.operations.length > 0) return this.#again(history);
    const holds = [...history.holds.keys()].slice(-6);
    if (dice < 0.55 || holds.length === 0) {
      const kind = dice < 0.4 ? 'spend' : 'reserve';
      return { kind, requestId, amount: this.#amount(), upTo: this.#random() < 0.3 };
    }
    const hold = this.#pick(holds);
    if (dice < 0.7) return { kind: 'release', requestId, hold };
    const final = this.#random() < 0.7;
    const amount = this.#random() < 0.5 ? undefined : this.#amount();
    return { kind: 'commit', requestId, hold, amount, final };
  }

  /** An earlier request, or another one under its request_id. */
  #again({ operations }: AgentHistory): Input {
    const { input } = this.#pick(operations.slice(-40));
    const isSpend = input.kind === 'spend' || input.kind === 'reserve';
    return isSpend && this.#random() < 0.5
      ? { ...input, amount: input.amount + money('1') }
      : input;
  }

  #amount(): bigint {
    return money(String(1 + Math.floor(this.#random() * 40)));
  }

  #requestId(): string {
    this.#requests += 1;
    return `${this.#name}-${this.#requests}`;
  }

  /** Undefined only of no choices. */
  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)]!;
  }
}

/** Sends a request and notes what became of it. False when it was not answered. */
export async function send(
  connection: Connection,
  history: AgentHistory,
  input: Input,
): Promise<boolean> {
  const invoked = performance.now();
  // Noted before it is answered: others may send it again meanwhile.
  const at = history.operations.push({ input, invoked, over: NOT_OVER, output: undefined }) - 1;
  try {
    const output = await call(connection, history, input);
    history.operations[at] = { input, invoked, over: performance.now(), output };
    return true;
  } catch (error) {
    if (!(error instanceof CallFailed) || error.code !== 'UNAVAILABLE') throw error;
    if (input.kind !== 'get') history.unknown.push(input);
    return false;
  }
}

async function call(connection: Connection, history: AgentHistory, input: Input): Promise<Output> {
  const { agentId } = history;
  try {
    switch (input.kind) {
      case 'get': {
        const { budget } = await connection.call(api.getBudget, { agentId });
        return output('APPROVED', '0', false, budget);
      }
      case 'spend':
      case 'reserve': {
        const mode = input.upTo ? SpendMode.UP_TO : SpendMode.STRICT;
        const { requestId } = input;
        const request = { requestId, agentId, amount: formatAmount(input.amount), mode };
        const answer =
          input.kind === 'spend'
            ? await connection.call(api.spend, request)
            : await connection.call(api.reserve, { ...request, ttl: { seconds: 3_600n } });
        if ('reservation' in answer && answer.reservation !== undefined) {
          history.holds.set(requestId, answer.reservation.id);
        }
        const verdict = answer.decision === Decision.APPROVED ? 'APPROVED' : 'DENIED';
        return output(verdict, answer.grantedAmount, answer.replayed, answer.budget);
      }
      case 'commit': {
        const { requestId, hold, final } = input;
        const amount = input.amount === undefined ? {} : { amount: formatAmount(input.amount) };
        const of = { requestId, reservationId: reservationOf(history, hold), final, ...amount };
        const answer = await connection.call(api.commit, of);
        return output('APPROVED', answer.committedAmount, answer.replayed, answer.budget);
      }
      case 'release': {
        const { requestId, hold } = input;
        const of = { requestId, reservationId: reservationOf(history, hold) };
        const answer = await connection.call(api.release, of);
        return output('APPROVED', answer.releasedAmount, answer.replayed, answer.budget);
      }
    }
  } catch (error) {
    const reason = error instanceof CallFailed ? error.reason : undefined;
    if (reason === undefined || !REASONS.includes(reason)) throw error;
    return output(reason, '0', false, undefined);
  }
}

function reservationOf(history: AgentHistory, hold: string): string {
  const id = history.holds.get(hold);
  if (id === undefined) throw new Error(`nobody knows the reservation of ${hold}`);
  return id;
}

function output(
  verdict: string,
  amount: string,
  replayed: boolean,
  budget: Budget | undefined,
): Output {
  const balance: Balance | undefined = budget && {
    spent: money(budget.spent),
    reserved: money(budget.reserved),
  };
  const isDenied = verdict === 'DENIED';
  return {
    verdict,
    amount: isDenied || amount === '' ? 0n : money(amount),
    replayed,
    balance: replayed ? undefined : balance,
  };
}
