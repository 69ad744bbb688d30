/**
 * The whole ledger against the reference: the same random history on both, and after every step the
 * same answers and the same rows. SAFEGUARDS_SEED repeats a failure, SAFEGUARDS_RUNS lengthens it.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { formatAmount } from '../../src/domain/amount.js';
import type { Answer } from '../../src/domain/answer.js';
import type { Agent, Pool, Reservation } from '../../src/domain/model.js';
import { createAgent, createPool } from '../fakes/commands.js';
import { DAY, HOUR, SECOND } from '../fakes/manual-time.js';
import { AGENT, MemoryLedger } from '../fakes/memory-ledger.js';
import { money, runs } from '../support/seed.js';
import { print, type RefAnswer } from '../support/reference.js';
import { ReferenceLedger, type Command } from '../support/reference-ledger.js';
import {
  AGENT_IDS,
  commandOf,
  histories,
  itemsOf,
  POOL_IDS,
  type Step,
} from '../support/model-steps.js';

beforeAll(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterAll(() => {
  vi.useRealTimers();
});

/** Commands of all histories so far. */
let commands = 0;

/** Costs whose entries retention cut. */
let cuts = 0;

/** Entries that were compared with what was asked for. */
let entries = 0;

class Comparison {
  memory: MemoryLedger;
  readonly books: ReferenceLedger;
  /** Every command that was sent, to be repeated. */
  readonly #sent: Command[] = [];

  readonly retentionMs: number;

  constructor(memory: MemoryLedger, retentionMs: number) {
    this.memory = memory;
    this.retentionMs = retentionMs;
    this.books = new ReferenceLedger(memory.time.wall());
    // The ledger made its default pool itself.
    this.books.group([createPool('default', '0', { scale: 9, funding: 'ON_DEMAND' })]);
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'do':
        return this.send([commandOf(step.act, this.books)]);
      case 'burst':
        return this.send(step.acts.map((act) => commandOf(act, this.books)));
      case 'batch':
        return this.#batch(step);
      case 'repeat': {
        const earlier = this.#sent[step.x % Math.max(1, this.#sent.length)];
        if (earlier === undefined) return;
        return this.send([step.altered ? altered(earlier) : earlier]);
      }
      case 'pass':
        this.memory.time.pass(step.ms);
        this.books.now += step.ms;
        return;
      case 'sweep':
        vi.advanceTimersByTime(SECOND);
        for (let turns = 0; turns < 6; turns += 1) await nextTurn();
        this.books.sweep();
        this.#noteCuts();
        return;
      case 'restart':
        this.memory = await this.memory.restart();
        return;
      case 'crash': {
        // Decided, never durable, never acknowledged: none of it may be seen again.
        this.memory.kv.hold();
        for (const act of step.acts) void this.memory.do(commandOf(act, this.books));
        for (let turns = 0; turns < 3; turns += 1) await nextTurn();
        // A process that is gone sweeps no more.
        vi.clearAllTimers();
        this.memory = await this.memory.crash();
      }
    }
  }

  /** Retention adds entries of its own; what it cut was old enough, and what it left was not. */
  #noteCuts(): void {
    const { books, memory } = this;
    const { headSequence, oldestSequence } = memory.ledger.info();
    for (const { entry } of memory.store.entries(books.entries)) expect(entry.kind).toBe('CUT');
    for (const [sequence, { time }] of books.costs) {
      if (sequence >= books.oldest && sequence < oldestSequence) {
        expect(time).toBeLessThan(books.now - this.retentionMs);
        cuts += 1;
      }
      const overdue = time < books.now - this.retentionMs - DAY;
      if (sequence >= oldestSequence) expect(overdue).toBe(false);
    }
    books.entries = headSequence;
    books.oldest = oldestSequence;
  }

  /** Sends commands at once: they are judged in order, in one group. */
  async send(list: readonly Command[]): Promise<void> {
    commands += list.length;
    this.#sent.push(...list);
    const answers = await Promise.all(list.map((command) => this.memory.do(command)));
    const expected = this.books.group(list);
    for (const [at, answer] of answers.entries()) {
      this.#bind(answer, expected[at]!);
      expect({ command: list[at], said: saidOf(answer) }).toEqual({
        command: list[at],
        said: expectedOf(expected[at]!),
      });
      this.#compareEntry(list[at]!, answer);
    }
  }

  /** What was done stands in the ledger as what was asked for, under the name of who asked. */
  #compareEntry(command: Command, answer: Answer): void {
    if (answer.verdict !== 'APPROVED' || answer.replayed || answer.sequence === 0) return;
    const entry = this.memory.store.entry(answer.sequence)?.entry;
    expect([entry?.method, entry?.requestId, entry?.principal]).toEqual([
      command.method,
      command.requestId,
      AGENT.principal,
    ]);
    if (command.method === 'SPEND') expect(entry?.amount).toBe(answer.amount);
    entries += 1;
  }

  /** The reference learns the id of a new hold. */
  #bind(answer: Answer, expected: RefAnswer): void {
    if (answer.verdict === 'REJECTED' || expected.hold?.id !== '') return;
    expected.hold.id = answer.reservation?.id ?? '';
  }

  async #batch(step: Extract<Step, { kind: 'batch' }>): Promise<void> {
    const items = itemsOf(step.acts);
    commands += items.length;
    this.#sent.push(...items);
    const { results } = await this.memory.batch(items, step.atomic);
    const verdicts = results.map((result) =>
      result.verdict === 'NOT_APPLIED' ? result.verdict : verdictOf(result),
    );
    expect(verdicts).toEqual(this.books.batch(items, step.atomic));
  }

  /** Everything that can be read is what the reference has. */
  compare(): void {
    const { ledger } = this.memory;
    const { books } = this;
    expect(ledger.now()).toBe(books.now);
    expect(this.memory.head).toBe(books.entries);
    for (const id of AGENT_IDS) {
      const own = books.agent(id);
      const found = ledger.agent(id);
      expect(found && `${agentText(found.agent)} in ${found.pool.id}`).toBe(
        own && `${books.budget(own)} in ${own.pool.id}`,
      );
    }
    for (const id of POOL_IDS) {
      const own = books.pool(id);
      const found = ledger.pool(id);
      expect(found && poolText(found)).toBe(own && books.money(own));
    }
    const everything = { agentId: '', state: undefined, runId: '' } as const;
    const page = ledger.listReservations(everything, { after: undefined, size: 1_000 });
    if ('verdict' in page) throw new Error(page.reason);
    const holds = page.items.map(({ reservation: row, agentId }) =>
      [row.id, agentId, holdText(row)].join(' '),
    );
    // A hold whose time has passed is EXPIRED for everybody, swept or not.
    const own = books.holds.map((hold) => {
      const due = hold.state === 'OPEN' && hold.expireTime <= books.now;
      const seen = due ? { ...hold, state: 'EXPIRED' as const, held: hold.held.times(0) } : hold;
      return [hold.id, hold.agent.id, books.said(seen)].join(' ');
    });
    expect(holds.toSorted()).toEqual(own.toSorted());
  }
}

/** The same request_id, another request. */
function altered(command: Command): Command {
  if (command.method === 'RELEASE' || command.method === 'EXTEND') return command;
  if ('amount' in command) return { ...command, amount: (command.amount ?? 0n) + money('1') };
  return command;
}

function verdictOf(answer: Answer): string {
  if (answer.verdict === 'REJECTED') return answer.reason;
  return answer.denial?.reason ?? 'OK';
}

function saidOf(answer: Answer): unknown {
  const verdict = verdictOf(answer);
  if (answer.verdict === 'REJECTED') return { verdict };
  return {
    verdict,
    sequence: answer.sequence,
    replayed: answer.replayed,
    amount: formatAmount(answer.amount),
    second: formatAmount(answer.secondAmount),
    warnings: answer.warnings.join(' '),
    late: answer.late,
    budget: answer.agent === undefined ? '' : agentText(answer.agent),
    hold: answer.reservation === undefined ? '' : holdText(answer.reservation),
  };
}

function expectedOf(answer: RefAnswer & { readonly replayed: boolean }): unknown {
  const { verdict, sequence, replayed, amount, second, warnings, late, budget, holdSaid } = answer;
  const rejected = verdict !== 'OK' && !DENIALS.has(verdict);
  if (rejected) return { verdict };
  return { verdict, sequence, replayed, amount, second, warnings, late, budget, hold: holdSaid };
}

const DENIALS = new Set(['INSUFFICIENT_BUDGET', 'AGENT_FROZEN', 'POOL_FROZEN']);

function agentText({ id, state, ...agent }: Agent): string {
  const numbers = [agent.allocated, agent.spent, agent.reserved, agent.baseline];
  return `${id} ${state} ${numbers.map(formatAmount).join(' ')} r${agent.budgetRevision}`;
}

function poolText({ id, state, ...pool }: Pool): string {
  const { funded, spent, reserved, unallocated, debt, baseline } = pool;
  const numbers = [funded, spent, reserved, unallocated, debt, baseline].map(formatAmount);
  return `${id} ${state} ${numbers.join(' ')} ${pool.agentCount} r${pool.revision}`;
}

function holdText({ state, expireTime, extensions, ...row }: Reservation): string {
  const numbers = [row.amount, row.held, row.committed].map(formatAmount);
  return `${state} ${numbers.join(' ')} ${expireTime} ${extensions}`;
}

test(
  'any history leaves what a simple ledger would leave, and answers as it would',
  async () => {
    const settings = runs('model', 300);
    const property = fc.asyncProperty(
      histories,
      fc.integer({ min: 2, max: 40 }),
      fc.constantFrom(HOUR, DAY, 10 * DAY, 3_650 * DAY),
      async (steps, rows, retentionMs) => {
        // Small caches forget much, so that reading back is compared as well.
        const memory = await MemoryLedger.open({
          agentCacheRows: rows,
          reservationCacheRows: rows,
          sweepIntervalMs: SECOND,
          entriesRetentionMs: retentionMs,
        });
        const comparison = new Comparison(memory, retentionMs);
        await comparison.send([
          createPool('p0', '1000'),
          createAgent('a0', 'p0', '100'),
          createAgent('a1', 'p0', '50'),
          createAgent('a2', 'default', '100'),
        ]);
        for (const step of steps) {
          await comparison.take(step);
          comparison.compare();
        }
        const report = await comparison.memory.verify();
        expect(report.findings).toEqual([]);
        expect(report.entries).toBe(comparison.books.entries - comparison.books.oldest + 1);
        expect(comparison.memory.failures).toEqual([]);
        await comparison.memory.ledger.close();
      },
    );
    await fc.assert(property, settings);
    process.stdout.write(`model: ${commands} commands, ${entries} entries, ${cuts} costs cut\n`);
    expect(cuts).toBeGreaterThan(0);
    expect(entries).toBeGreaterThan(10 * settings.numRuns);
    // Some 85 commands a history: what CI asks for is 100,000.
    expect(commands).toBeGreaterThan(60 * settings.numRuns);
  },
  30 * 60_000,
);

test('the reference prints money as people do', () => {
  const books = new ReferenceLedger(0);
  books.group([createPool('default', '12.50', { scale: 9 }), createAgent('a', 'default', '0.1')]);
  expect(print(books.pool('default')!.funded)).toBe('12.5');
  expect(books.budget(books.agent('a'))).toBe('a ACTIVE 0.1 0 0 0.1 r1');
});
