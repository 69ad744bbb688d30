import { expect } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { MetricsService } from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import { ReservationState } from '../../src/gen/safeguards/v1/reservation_pb.js';
import { money } from '../support/seed.js';
import { Book, Chain } from './book.js';
import { Connection } from './client.js';
import type { Judged, Operation } from './operations.js';
import { serveOn, type Ended, type Serving } from './process.js';
import { BRIEF, POOR, RICH, Writer, type Acknowledged, type Journal } from './writer.js';

const admin = BudgetAdminService.method;
const agents = BudgetService.method;

const WRITERS = 32;
/** Operations that are sent again at a time. */
const REPLAYS = 64;
/** How long a round may take; the whole ledger is verified in each. */
export const ROUND_MS_MAX = 30_000;

/** When a round ends. */
export interface Kill {
  /** Answers before it. */
  readonly answers: number;
  /** Turns of the event loop after those: 0 falls right behind an answer, others anywhere. */
  readonly turns: number;
  /** Whether the process that comes back is killed as well, at its first sign of life. */
  readonly again: boolean;
}

/** What a round found. */
export interface Tally {
  readonly acknowledged: number;
  readonly unknown: number;
  readonly there: number;
  readonly absent: number;
  readonly ms: number;
}

/** Writers, the sidecar that is killed under them, and everything they know about it. */
export class KillLoop {
  readonly #dataDir: string;
  readonly #writers: readonly Writer[];
  readonly #book = new Book();
  readonly #chain = new Chain();
  readonly #answered: Acknowledged[] = [];
  #sidecar: Serving;
  #operator: Connection;

  private constructor(dataDir: string, seed: number, sidecar: Serving) {
    this.#dataDir = dataDir;
    this.#sidecar = sidecar;
    this.#operator = new Connection(sidecar.admin, sidecar.token);
    this.#writers = Array.from({ length: WRITERS }, (_, at) => new Writer(`w${at}`, seed + at));
  }

  static async begin(dataDir: string, seed: number): Promise<KillLoop> {
    const loop = new KillLoop(dataDir, seed, await serveOn(dataDir));
    const pools = ['north', 'south'];
    for (const poolId of pools) {
      const initialBudget = '100000000';
      await loop.#operator.call(admin.createPool, { poolId, name: poolId, initialBudget });
    }
    const given = [...RICH, BRIEF].map((id) => [id, '10000000'] as const);
    for (const [at, [agentId, initialBudget]] of [...given, [POOR, '100'] as const].entries()) {
      const poolId = pools[at % pools.length]!;
      const request = { agentId, name: agentId, poolId, initialBudget };
      await loop.#operator.call(admin.createAgent, request);
    }
    return loop;
  }

  /** Entries of the ledger that were followed so far. */
  get entries(): number {
    return Number(this.#chain.sequence);
  }

  /** Operations that were acknowledged, or found out later. */
  get acknowledged(): number {
    return this.#answered.length;
  }

  /** Requests that an agent's money was spent by. */
  spends(agentId: string): number {
    return [...this.#book.effects.values()].filter((effect) => effect.agentId === agentId).length;
  }

  /** Writes, kills, starts again, and checks everything. */
  async round(kill: Kill): Promise<Tally> {
    const began = performance.now();
    const journal = await this.#writeUntil(kill);
    await this.#restart(kill.again);
    const { headSequence } = await this.#operator.call(admin.getServerInfo, {});
    const callers = this.#connections(REPLAYS);

    for (const { answer } of journal.acknowledged) this.#note(answer);
    await inParallel(callers, journal.acknowledged, replays);
    let there = 0;
    for (const { writer, operation } of journal.unknown) {
      const answer = await this.#settle(callers[0]!, operation, headSequence);
      writer.learn(answer);
      this.#note(answer);
      journal.acknowledged.push({ operation, answer });
      if (answer.some(({ replayed }) => replayed)) there += 1;
    }
    for (const caller of callers) caller.close();

    this.#answered.push(...journal.acknowledged);
    await this.#checkBalances();
    await this.#checkLedger();
    const unknown = journal.unknown.length;
    return {
      acknowledged: journal.acknowledged.length - unknown,
      unknown,
      there,
      absent: unknown - there,
      ms: Math.round(performance.now() - began),
    };
  }

  /** Sends everything of all rounds again. Resolves with how many were answered as before. */
  async replayEverything(): Promise<number> {
    const callers = this.#connections(REPLAYS);
    const count = await inParallel(callers, this.#answered, replays);
    for (const caller of callers) caller.close();
    await this.#checkBalances();
    return count;
  }

  /** The holds that nobody settles come back by themselves. */
  async briefHoldsExpire(): Promise<void> {
    const reserved = async () =>
      (await this.#operator.call(agents.getBudget, { agentId: BRIEF })).budget?.reserved;
    await expect.poll(reserved, { timeout: 20_000 }).toBe('0');
    await this.#checkLedger();
  }

  end(signal: NodeJS.Signals): Promise<Ended> {
    this.#operator.close();
    return this.#sidecar.end(signal);
  }

  async #writeUntil({ answers, turns }: Kill): Promise<Journal> {
    const journal: Journal = { acknowledged: [], unknown: [] };
    const connections = this.#connections(WRITERS);
    let killed: Promise<Ended> | undefined;
    const killSoon = async (): Promise<Ended> => {
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      process.kill(this.#sidecar.pid, 'SIGKILL');
      return this.#sidecar.ended;
    };
    const acknowledged = (): void => {
      if (journal.acknowledged.length >= answers) killed ??= killSoon();
    };
    await Promise.all(
      this.#writers.map((writer, at) => writer.run(connections[at]!, journal, acknowledged)),
    );
    for (const connection of connections) connection.close();
    // Calls fail only because of the kill: a sidecar that dies by itself fails this.
    expect(killed).toBeDefined();
    expect((await killed)?.signal).toBe('SIGKILL');
    return journal;
  }

  async #restart(again: boolean): Promise<void> {
    this.#operator.close();
    this.#sidecar = await serveOn(this.#dataDir);
    if (again) {
      await this.#sidecar.end('SIGKILL');
      this.#sidecar = await serveOn(this.#dataDir);
    }
    this.#operator = new Connection(this.#sidecar.admin, this.#sidecar.token);
  }

  #connections(count: number): readonly Connection[] {
    return Array.from({ length: count }, () => new Connection(this.#sidecar.agent));
  }

  #note(answer: readonly Judged[]): void {
    for (const { effect } of answer) if (effect !== undefined) this.#book.add(effect);
  }

  /**
   * Sends an operation whose fate is unknown again: it was there as a whole or not at all, and from
   * then on it is there once.
   */
  async #settle(
    connection: Connection,
    operation: Operation,
    head: bigint,
  ): Promise<readonly Judged[]> {
    const answer = await operation.send(connection);
    const done = answer.filter(({ effect }) => effect !== undefined);
    const there = done.filter(({ replayed }) => replayed).length;
    if (operation.isWhole !== false && there !== 0 && there !== done.length) {
      throw new Error(`${there} of ${done.length} items of one ${operation.kind} were there`);
    }
    for (const { effect, replayed } of done) {
      expect(effect!.sequence <= head, `${effect!.requestId} was there`).toBe(replayed);
    }
    await replays(connection, { operation, answer });
    return answer;
  }

  /** The sum of what was granted is what was spent, and the sum of the holds what is reserved. */
  async #checkBalances(): Promise<void> {
    const agentIds = [...RICH, POOR];
    const { budgets } = await this.#operator.call(agents.batchGetBudgets, { agentIds });
    for (const { agentId, spent, reserved } of budgets) {
      expect(money(spent), `spent by ${agentId}`).toBe(this.#book.spent(agentId));
      const known = this.#book.holds(agentId);
      expect(await this.#openHolds(agentId), `holds of ${agentId}`).toEqual(known);
      const sum = [...known.values()].reduce((total, held) => total + held, 0n);
      expect(money(reserved), `reserved by ${agentId}`).toBe(sum);
    }
    expect(budgets).toHaveLength(agentIds.length);
  }

  async #openHolds(agentId: string): Promise<ReadonlyMap<string, bigint>> {
    const found = new Map<string, bigint>();
    let pageToken = '';
    do {
      const filter = { agentId, state: ReservationState.OPEN, pageSize: 1_000, pageToken };
      const page = await this.#operator.call(agents.listReservations, filter);
      for (const { id, heldAmount } of page.reservations) {
        // A partial commit may leave nothing held.
        if (heldAmount !== '0') found.set(id, money(heldAmount));
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return found;
  }

  /** The sidecar finds its ledger clean, and so does whoever follows the chain from outside. */
  async #checkLedger(): Promise<void> {
    const report = await this.#operator.call(admin.verifyLedger, {});
    expect(report.findings).toEqual([]);
    expect(report.clean).toBe(true);
    const from = { afterSequence: this.#chain.sequence };
    for await (const exported of this.#operator.stream(MetricsService.method.exportLedger, from)) {
      this.#chain.follow(exported);
    }
    expect(this.#chain.sequence >= report.headSequence).toBe(true);
    const effects = this.#book.effects;
    expect(this.#chain.requests.size).toBe(effects.size);
    for (const [requestId, sequence] of this.#chain.requests) {
      if (effects.get(requestId)?.sequence !== sequence) {
        throw new Error(`entry ${sequence} of ${requestId} is not what its client knows`);
      }
    }
  }
}

/** Sends an operation again: what it did is answered as it was, and not done again. */
export async function replays(
  connection: Connection,
  { operation, answer }: Acknowledged,
): Promise<void> {
  if (answer.every(({ effect }) => effect === undefined)) return;
  const again = await operation.send(connection);
  const expected = answer.map(({ effect }) => ({ effect, replayed: effect !== undefined }));
  expect(again, operation.kind).toEqual(expected);
}

/** Works through a list from all connections at once. Resolves with its length. */
async function inParallel(
  connections: readonly Connection[],
  list: readonly Acknowledged[],
  work: (connection: Connection, item: Acknowledged) => Promise<void>,
): Promise<number> {
  const left = list.values();
  let done = 0;
  await Promise.all(
    connections.map(async (connection) => {
      for (const item of left) {
        await work(connection, item);
        done += 1;
      }
    }),
  );
  return done;
}
