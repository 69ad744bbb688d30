/** What retention cuts of the ledger, and what is still right and readable afterwards. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  commit,
  createAgent,
  createPool,
  deleteAgent,
  fundPool,
  moveAgent,
  refund,
  reserve,
  setBudget,
  spend,
  updateAgent,
} from '../fakes/commands.js';
import { recordBudgetChange } from '../fakes/annotations.js';
import { DAY, HOUR, MINUTE, SECOND, T0 } from '../fakes/manual-time.js';
import { MemoryLedger, OPERATOR, type Over } from '../fakes/memory-ledger.js';
import { money } from '../support/seed.js';

const KEPT_MS = 2 * HOUR;
const OPEN: Over = { sweepIntervalMs: SECOND, entriesRetentionMs: KEPT_MS };

let memory: MemoryLedger;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  await begin(OPEN);
});
afterEach(() => {
  vi.useRealTimers();
});

async function begin(over: Over): Promise<void> {
  memory = await MemoryLedger.open(over);
  await memory.must(createPool('p', '1000'));
  await memory.must(createAgent('a', 'p', '100'));
}

/** The sweeper's timer goes off, and what it began ends. */
async function sweep(): Promise<void> {
  vi.advanceTimersByTime(SECOND);
  for (let turns = 0; turns < 60; turns += 1) await nextTurn();
}

/** Everything is old enough, and is cut. */
async function cutAll(): Promise<void> {
  memory.time.pass(2 * KEPT_MS);
  await sweep();
}

async function spendOften(times: number): Promise<void> {
  await Promise.all(Array.from({ length: times }, () => memory.must(spend('a', '0.01'))));
}

const kinds = () => [...memory.store.entries(0)].map(({ entry }) => entry.kind);
const oldest = () => memory.ledger.info().oldestSequence;
const findings = async () => (await memory.verify()).findings;

describe('entries that are too old', () => {
  test('are folded, and the ledger still proves every balance', async () => {
    await memory.must(createAgent('b', 'p', '50'));
    await memory.must(moveAgent('b', 'default'));
    await memory.must(updateAgent('a', { priority: 9 }));
    const { reservation } = await memory.must(reserve('a', '5', { ttlMs: DAY }));
    await memory.must(commit(reservation!.id, '2', { final: false }));
    await memory.must(spend('a', '7.5'));
    const { head } = memory;
    await cutAll();
    expect(kinds()).toEqual(['CUT']);
    expect(oldest()).toBe(head + 1);
    expect(memory.ledger.agent('a')?.agent).toMatchObject({ spent: money('9.5'), priority: 9 });
    const report = await memory.verify();
    expect(report).toMatchObject({ clean: true, entries: 1, findings: [] });
    expect(report.balances).toBeGreaterThan(20);

    await memory.must(spend('a', '1'));
    await memory.must(setBudget('b', '70'));
    await memory.must(deleteAgent('b'));
    expect(await findings()).toEqual([]);
    await cutAll();
    expect(kinds()).toEqual(['CUT']);
    expect(await findings()).toEqual([]);
  });

  test('are kept while they are young', async () => {
    await spendOften(50);
    memory.time.pass(KEPT_MS);
    await sweep();
    expect(oldest()).toBe(1);
  });

  test('are cut together, and not one by one as each comes of age', async () => {
    await memory.must(spend('a', '1'));
    memory.time.pass(KEPT_MS + 1);
    await sweep();
    expect(oldest()).toBe(1);
    memory.time.pass(KEPT_MS / 16);
    await sweep();
    expect(kinds()).toEqual(['CUT']);
  });

  test('go in steps of a bounded number, each of which leaves its proof', async () => {
    await spendOften(1_700);
    await cutAll();
    expect(kinds()).toEqual(['CUT', 'CUT', 'CUT', 'CUT']);
    expect(await findings()).toEqual([]);
  });

  test('are not followed by cuts of nothing but cuts', async () => {
    await cutAll();
    const { head } = memory;
    for (let times = 0; times < 5; times += 1) await cutAll();
    expect(memory.head).toBe(head);
    await memory.must(spend('a', '1'));
    await cutAll();
    expect(kinds()).toEqual(['CUT']);
    expect(await findings()).toEqual([]);
  });

  test('stay cut over a clean stop and over a crash', async () => {
    await spendOften(10);
    await cutAll();
    await memory.must(spend('a', '1'));
    memory = await memory.restart();
    expect(await findings()).toEqual([]);
    memory = await memory.crash();
    await memory.must(spend('a', '1'));
    await cutAll();
    expect(await findings()).toEqual([]);
    expect(memory.ledger.agent('a')?.agent.spent).toBe(money('2.1'));
  });
});

describe('entries that take too much room', () => {
  const ROOM = 40_000;

  beforeEach(() => begin({ ...OPEN, entriesRetentionMs: 3_650 * DAY, entriesBytesMax: ROOM }));

  test('are cut however young they are, until the others fit', async () => {
    for (let times = 0; times < 20; times += 1) {
      await spendOften(100);
      await sweep();
      expect(memory.store.totals().entryBytes).toBeLessThan(ROOM);
    }
    expect(oldest()).toBeGreaterThan(1_000);
    expect(memory.store.totals().entries).toBeGreaterThan(50);
    expect(await findings()).toEqual([]);
  });

  test('leave the answers of their requests behind until those have served', async () => {
    const command = spend('a', '1', { requestId: 'once' });
    const { sequence } = await memory.must(command);
    const pool = createPool('q', '1', { requestId: 'operator' });
    await memory.must(pool);
    await spendOften(400);
    await sweep();
    expect(oldest()).toBeGreaterThan(sequence);
    expect(await memory.must(command)).toMatchObject({ replayed: true, sequence });
    expect(await memory.must(pool)).toMatchObject({ replayed: true });
    memory.time.pass(DAY + 1);
    await sweep();
    expect([...memory.disk.rows.keys('idempotency', 0, 10)]).toEqual([]);
    expect([...memory.disk.rows.keys('request_times', 0, 10)]).toEqual([]);
    expect(await memory.must(command)).toMatchObject({ replayed: false });
  });

  test('cannot be shown again to who repeats what led to them', async () => {
    const note = recordBudgetChange('a', '1', '2', { requestId: 'noted' });
    await memory.ledger.recordBudgetChange(note, OPERATOR);
    await spendOften(400);
    await sweep();
    expect(await memory.ledger.recordBudgetChange(note, OPERATOR)).toMatchObject({
      reason: 'ENTRY_COMPACTED',
    });
  });
});

describe('a refund', () => {
  test('of an entry that was cut is refused as that, of one that never was as unknown', async () => {
    const { sequence } = await memory.must(spend('a', '5'));
    await memory.must(refund(sequence, '1'));
    const { sequence: later } = await memory.must(spend('a', '3'));
    memory.time.pass(2 * KEPT_MS);
    const { sequence: kept } = await memory.must(spend('a', '2'));
    await sweep();
    expect(await memory.verdict(refund(sequence, '1'))).toBe('ENTRY_COMPACTED');
    expect(await memory.verdict(refund(later, '1'))).toBe('ENTRY_COMPACTED');
    expect(await memory.verdict(refund(9_999, '1'))).toBe('ENTRY_NOT_FOUND');
    expect(await memory.verdict(refund(oldest(), '3'))).not.toBe('ENTRY_COMPACTED');
    await memory.must(refund(kept, '2'));
    expect([...memory.disk.rows.keys('refunds', 0, 10)]).toHaveLength(1);
    expect(await findings()).toEqual([]);
  });

  test('outlives its spend without a trace of that', async () => {
    const { sequence } = await memory.must(spend('a', '5'));
    memory.time.pass(KEPT_MS);
    await memory.must(refund(sequence, '1'));
    memory.time.pass(KEPT_MS / 2);
    await sweep();
    expect(oldest()).toBeGreaterThan(sequence);
    expect(kinds()).toContain('REFUND');
    expect([...memory.disk.rows.keys('refunds', 0, 10)]).toEqual([]);
    expect(await findings()).toEqual([]);
  });
});

describe('histories', () => {
  const page = { after: undefined, size: 100 };
  const always = { start: 0, end: T0 + 3_650 * DAY };

  test('end where entries were cut, and say so', async () => {
    await memory.must(spend('a', '1'));
    await memory.must(fundPool('p', '5'));
    memory.time.pass(2 * KEPT_MS);
    await memory.must(spend('a', '2'));
    const before = memory.ledger.usageEntries('a', always, page);
    expect(before).toMatchObject({ retainedFrom: undefined });
    await sweep();
    const after = memory.ledger.usageEntries('a', always, page);
    if ('verdict' in after) throw new Error(after.reason);
    expect(after.items.map(({ amount }) => amount)).toEqual([money('2')]);
    expect(after.retainedFrom).toBe(T0 + 1);
    const changes = memory.ledger.budgetChanges('a', [], always, page);
    expect(changes).toMatchObject({ retainedFrom: T0 + 1, items: [{ before: money('99') }] });
    const recent = { start: T0 + 1, end: always.end };
    expect(memory.ledger.usageEntries('a', recent, page)).toMatchObject({
      retainedFrom: undefined,
    });
  });

  test('go on from a page whose last entry was cut since as from an end', async () => {
    for (let times = 0; times < 5; times += 1) await memory.must(spend('a', '1'));
    const first = memory.ledger.usageEntries('a', always, { after: undefined, size: 2 });
    if ('verdict' in first) throw new Error(first.reason);
    await cutAll();
    const next = memory.ledger.usageEntries('a', always, { after: first.last, size: 2 });
    expect(next).toMatchObject({ items: [], last: undefined });
  });

  test('of an agent that was made after the cut are whole', async () => {
    await cutAll();
    await memory.must(createAgent('b', 'p', '5'));
    expect(memory.ledger.usageEntries('b', always, page)).toMatchObject({
      retainedFrom: undefined,
    });
  });
});

describe('an export', () => {
  async function exported(after: number) {
    const { signal } = new AbortController();
    const messages = memory.ledger.exportEntries(after, 0, signal);
    if ('verdict' in messages) return messages;
    const sequences: number[] = [];
    for await (const message of messages) {
      if (message.kind === 'ENDED') return message.rejection;
      sequences.push(message.exported.view.entry.sequence);
      if (sequences.length === 1) await overtake?.();
    }
    return sequences;
  }
  let overtake: (() => Promise<void>) | undefined;
  afterEach(() => {
    overtake = undefined;
  });

  test('begins with the oldest that is kept, unless it is to begin before that', async () => {
    await spendOften(5);
    await cutAll();
    await spendOften(2);
    const from = oldest();
    expect(await exported(0)).toEqual([from, from + 1, from + 2]);
    expect(await exported(from - 1)).toEqual([from, from + 1, from + 2]);
    expect(await exported(from - 2)).toMatchObject({
      reason: 'CURSOR_COMPACTED',
      metadata: { oldest_sequence: String(from) },
    });
  });

  test('that retention overtakes says so and leaves no gap unnoticed', async () => {
    await spendOften(600);
    overtake = async () => {
      await cutAll();
      await spendOften(1);
    };
    expect(await exported(0)).toMatchObject({ reason: 'CURSOR_COMPACTED' });
  });
});

test('what does not fit is never cut, and nothing after it', async () => {
  const { sequence } = await memory.must(spend('a', '1'));
  await spendOften(3);
  const disk = memory.disk.copy();
  // A bit of the entry's message, which its check value tells.
  const key = Buffer.alloc(6);
  key.writeUIntBE(sequence, 0, 6);
  const value = Buffer.from(disk.get('entries', key)!);
  value[20] = value[20]! ^ 1;
  disk.set('entries', key, value);
  memory = await MemoryLedger.open(OPEN, memory.time.restart(), disk);
  await cutAll();
  await cutAll();
  expect(oldest()).toBe(1);
  expect(memory.failures).toEqual([expect.stringMatching(/check value/)]);
  expect((await findings()).map((finding) => finding.sequence)).toEqual([sequence]);
  await memory.must(spend('a', '1'));
});

test('entries that come in while others go keep the chain whole', async () => {
  for (let times = 0; times < 30; times += 1) {
    memory.time.pass(10 * MINUTE);
    const spends = spendOften(30);
    await sweep();
    await spends;
  }
  expect(oldest()).toBeGreaterThan(100);
  expect(await findings()).toEqual([]);
});
