/** Lists, histories and the export: what can be read of the ledger. */
import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { formatAmount } from '../../src/domain/amount.js';
import type { Rejection } from '../../src/domain/answer.js';
import type { Page, PageRequest } from '../../src/ledger/api.js';
import {
  adjustBudget,
  commit,
  createAgent,
  createPool,
  deleteAgent,
  moveAgent,
  poolState,
  refund,
  reserve,
  setBudget,
  spend,
} from '../fakes/commands.js';
import { DAY, HOUR, ManualTime, MINUTE } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';

let memory: MemoryLedger;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  await memory.must(createPool('p', '1000'));
});

/** Everything of a list, page by page. */
function all<T>(list: (page: PageRequest) => Page<T> | Rejection, size: number): readonly T[] {
  const items: T[] = [];
  let after: string | undefined;
  do {
    const page = list({ after, size });
    if ('verdict' in page) throw new Error(page.reason);
    expect(page.items.length).toBeLessThanOrEqual(size);
    items.push(...page.items);
    after = page.last;
  } while (after !== undefined);
  return items;
}

const SIZES = [1, 2, 3, 1_000];
const ALWAYS = { start: 0, end: Number.MAX_SAFE_INTEGER };

describe('a list', () => {
  test.each(SIZES)('of pools goes by priority, then by id (%i a page)', async (size) => {
    await memory.must(createPool('z', '1', { priority: 9 }));
    await memory.must(createPool('b', '1', { priority: 9 }));
    await memory.must(createPool('low', '1', { priority: 1 }));
    await memory.must(createPool('gone', '1', { priority: 10 }));
    await memory.must(poolState('DELETE_POOL', 'gone'));
    const ids = all((page) => memory.ledger.listPools(page), size).map(({ id }) => id);
    expect(ids).toEqual(['b', 'z', 'default', 'p', 'low']);
  });

  test.each(SIZES)('of agents goes by id, of one pool or all (%i a page)', async (size) => {
    await memory.must(createPool('q', '0'));
    for (const id of ['c', 'a', 'B', 'a/1']) await memory.must(createAgent(id, 'p', '1'));
    await memory.must(createAgent('d', 'q', '0'));
    await memory.must(moveAgent('c', 'q'));
    await memory.must(deleteAgent('a/1'));
    const list = (poolId: string, showClosed: boolean) =>
      all((page) => memory.ledger.listAgents({ poolId, showClosed }, page), size).map(
        ({ agent }) => agent.id,
      );
    expect(list('', false)).toEqual(['B', 'a', 'c', 'd']);
    expect(list('', true)).toEqual(['B', 'a', 'a/1', 'c', 'd']);
    expect(list('p', false)).toEqual(['B', 'a']);
    expect(list('p', true)).toEqual(['B', 'a', 'a/1']);
    expect(list('q', true)).toEqual(['c', 'd']);
    const unknown = memory.ledger.listAgents(
      { poolId: 'x', showClosed: false },
      { after: '', size },
    );
    expect(unknown).toMatchObject({ reason: 'POOL_NOT_FOUND' });
  });

  test.each(SIZES)(
    'of agents of a pool shows who was made anew elsewhere once (%i)',
    async (size) => {
      await memory.must(createPool('q', '10'));
      await memory.must(createAgent('a', 'p', '1'));
      await memory.must(deleteAgent('a'));
      await memory.must(createAgent('a', 'q', '1'));
      const list = (poolId: string) =>
        all((page) => memory.ledger.listAgents({ poolId, showClosed: false }, page), size);
      expect(list('p')).toEqual([]);
      expect(list('q').map(({ agent }) => agent.id)).toEqual(['a']);
      await memory.must(moveAgent('a', 'p'));
      expect(list('p').map(({ agent }) => agent.id)).toEqual(['a']);
      expect(list('q')).toEqual([]);
    },
  );

  test.each(SIZES)('of reservations goes by id, state and run (%i a page)', async (size) => {
    await memory.must(createAgent('a', 'p', '100'));
    await memory.must(createAgent('b', 'p', '100'));
    const made: string[] = [];
    for (const [agentId, runId] of [
      ['a', 'r1'],
      ['b', 'r1'],
      ['a', 'r2'],
      ['a', 'r1'],
    ] as const) {
      const { reservation } = await memory.must(reserve(agentId, '1', { runId, ttlMs: HOUR }));
      made.push(reservation!.id);
    }
    await memory.must(commit(made[0]!, '1'));
    const list = (filter: Partial<Parameters<typeof memory.ledger.listReservations>[0]>) =>
      all(
        (page) =>
          memory.ledger.listReservations(
            { agentId: '', state: undefined, runId: '', ...filter },
            page,
          ),
        size,
      ).map(({ reservation }) => made.indexOf(reservation.id));
    expect(list({})).toEqual([0, 1, 2, 3]);
    expect(list({ agentId: 'a' })).toEqual([0, 2, 3]);
    expect(list({ agentId: 'a', runId: 'r1' })).toEqual([0, 3]);
    expect(list({ state: 'OPEN' })).toEqual([1, 2, 3]);
    memory.time.pass(HOUR);
    expect(list({ state: 'OPEN' })).toEqual([]);
    expect(list({ state: 'EXPIRED', runId: 'r1' })).toEqual([1, 3]);
  });
});

describe('the usage of an agent', () => {
  /** A Saturday, half an hour before a month ends. */
  const LATE = Date.UTC(2026, 0, 31, 23, 30);

  beforeEach(async () => {
    memory = await MemoryLedger.open({ agentCacheRows: 2 }, new ManualTime(LATE));
    await memory.must(createPool('p', '1000'));
    for (const id of ['a', 'b', 'c', 'd']) await memory.must(createAgent(id, 'p', '100'));
    for (const [minutes, amount] of [
      [0, '1'],
      [0, '2'],
      [10, '4'],
      [25, '8'],
      [20, '16'],
      [60, '32'],
    ] as const) {
      memory.time.pass(minutes * MINUTE);
      // Four agents at once on a cache of two.
      await Promise.all(['a', 'b', 'c', 'd'].map((id) => memory.must(spend(id, amount))));
    }
  });

  function buckets(step: 'MINUTE' | 'HOUR' | 'DAY', size = 1_000, range = ALWAYS) {
    const found = all((page) => memory.ledger.usageBuckets('a', step, range, page), size);
    return found.map(({ start, amount, entries }) => [
      new Date(start).toISOString().slice(0, 16),
      formatAmount(amount),
      entries,
    ]);
  }

  test.each(SIZES)('is summed by minute, hour and day, over the end of a month (%i)', (size) => {
    expect(buckets('MINUTE', size)).toEqual([
      ['2026-01-31T23:30', '3', 2],
      ['2026-01-31T23:40', '4', 1],
      ['2026-02-01T00:05', '8', 1],
      ['2026-02-01T00:25', '16', 1],
      ['2026-02-01T01:25', '32', 1],
    ]);
    expect(buckets('HOUR', size)).toEqual([
      ['2026-01-31T23:00', '7', 3],
      ['2026-02-01T00:00', '24', 2],
      ['2026-02-01T01:00', '32', 1],
    ]);
    expect(buckets('DAY', size)).toEqual([
      ['2026-01-31T00:00', '7', 3],
      ['2026-02-01T00:00', '56', 3],
    ]);
  });

  test('is the same after a restart, and after a month without any', async () => {
    memory = await memory.restart();
    memory.time.pass(40 * DAY);
    await memory.must(spend('a', '5'));
    memory = await memory.restart();
    expect(buckets('DAY')).toEqual([
      ['2026-01-31T00:00', '7', 3],
      ['2026-02-01T00:00', '56', 3],
      ['2026-03-13T00:00', '5', 1],
    ]);
  });

  test('of a range counts the buckets that begin in it or that it begins in', () => {
    const range = { start: LATE + 5 * MINUTE, end: LATE + 60 * MINUTE };
    expect(buckets('MINUTE', 10, range).map(([start]) => start)).toEqual([
      '2026-01-31T23:40',
      '2026-02-01T00:05',
      '2026-02-01T00:25',
    ]);
    expect(buckets('HOUR', 10, range).map(([start]) => start)).toEqual([
      '2026-01-31T23:00',
      '2026-02-01T00:00',
    ]);
  });

  test.each(SIZES)('is listed entry by entry, newest first (%i a page)', async (size) => {
    await memory.must(reserve('a', '5'));
    const list = (range = ALWAYS) =>
      all((page) => memory.ledger.usageEntries('a', range, page), size).map(({ amount }) =>
        formatAmount(amount ?? 0n),
      );
    expect(list()).toEqual(['32', '16', '8', '4', '2', '1']);
    expect(list({ start: LATE + 10 * MINUTE, end: LATE + 55 * MINUTE })).toEqual(['8', '4']);
  });

  test('nobody knows is not found', () => {
    const page = { after: undefined, size: 1 };
    for (const found of [
      memory.ledger.usageEntries('x', ALWAYS, page),
      memory.ledger.usageBuckets('x', 'HOUR', ALWAYS, page),
      memory.ledger.budgetChanges('x', [], ALWAYS, page),
    ]) {
      expect(found).toMatchObject({ reason: 'AGENT_NOT_FOUND' });
    }
  });
});

describe('the changes of a budget', () => {
  test.each(SIZES)(
    'are what changed its remaining money, newest first (%i a page)',
    async (size) => {
      await memory.must(createAgent('a', 'p', '100'));
      const { sequence } = await memory.must(spend('a', '30'));
      const { reservation } = await memory.must(reserve('a', '10'));
      await memory.must(commit(reservation!.id, '10'));
      await memory.must(setBudget('a', '75.5'));
      await memory.must(adjustBudget('a', '-5'));
      await memory.must(refund(sequence, '2'));
      const list = (kinds: Parameters<typeof memory.ledger.budgetChanges>[1]) =>
        all((page) => memory.ledger.budgetChanges('a', kinds, ALWAYS, page), size).map(
          ({ entry, before, after }) =>
            `${entry.kind} ${formatAmount(before)} ${formatAmount(after)}`,
        );
      expect(list([])).toEqual([
        'REFUND 70.5 72.5',
        'ADJUST_BUDGET 75.5 70.5',
        'SET_BUDGET 60 75.5',
        'RESERVE 70 60',
        'SPEND 100 70',
        'AGENT_CREATE 0 100',
      ]);
      expect(list(['SPEND', 'REFUND'])).toEqual(['REFUND 70.5 72.5', 'SPEND 100 70']);
    },
  );

  test('name the agent first, also where its pool had to mint', async () => {
    await memory.must(createAgent('m', 'default', '1'));
    await memory.must(setBudget('m', '50'));
    await memory.must(adjustBudget('m', '50'));
    for (const { entry } of memory.store.entries(3)) {
      expect(entry.accounts.map(({ kind }) => kind)).toEqual(['AGENT', 'POOL']);
    }
  });
});

describe('an export', () => {
  async function exported(after: number, through: number) {
    const entries = [];
    const { signal } = new AbortController();
    const messages = memory.ledger.exportEntries(after, through, signal);
    if ('verdict' in messages) throw new Error(messages.reason);
    for await (const message of messages) {
      if (message.kind === 'ENDED') throw new Error(message.rejection.reason);
      entries.push(message.exported);
    }
    return entries;
  }

  test('can be checked with SHA-256 alone', async () => {
    await memory.must(createAgent('a', 'p', '100'));
    for (let at = 0; at < 450; at += 1) await memory.must(spend('a', '0.01'));
    let previous = Buffer.alloc(32);
    const entries = await exported(0, 0);
    expect(entries).toHaveLength(memory.head);
    for (const [at, { view, record, hash }] of entries.entries()) {
      expect(view.entry.sequence).toBe(at + 1);
      previous = createHash('sha256').update(previous).update(record).digest();
      expect(Buffer.from(hash).equals(previous)).toBe(true);
    }
    expect(Buffer.from(memory.ledger.info().headHash).equals(previous)).toBe(true);
  });

  test('begins behind an entry, ends with one, and names accounts by their ids', async () => {
    await memory.must(createAgent('a', 'p', '100'));
    await memory.must(spend('a', '1'));
    const entries = await exported(2, 3);
    expect(entries.map(({ view }) => view.entry.kind)).toEqual(['AGENT_CREATE']);
    expect([...entries[0]!.view.ids]).toEqual([
      ['AGENT 3', 'a'],
      ['POOL 2', 'p'],
    ]);
    expect(await exported(99, 0)).toEqual([]);
  });

  test('ends when nobody wants it any more', async () => {
    const abort = new AbortController();
    abort.abort();
    const messages = memory.ledger.exportEntries(0, 0, abort.signal);
    if ('verdict' in messages) throw new Error(messages.reason);
    for await (const _ of messages) {
      expect.fail('it went on');
    }
  });
});
