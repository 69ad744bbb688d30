/** Usage that is too old by the minute, by the hour, by the day. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createAgent, createPool, spend } from '../fakes/commands.js';
import { DAY, HOUR, MINUTE, SECOND, T0 } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { usageTotals } from '../../src/ledger/usage-totals.js';
import { money } from '../support/seed.js';

const OPEN = {
  sweepIntervalMs: SECOND,
  usageMinutesRetentionMs: 2 * DAY,
  usageHoursRetentionMs: 10 * DAY,
  usageDaysRetentionMs: 100 * DAY,
};

let memory: MemoryLedger;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  memory = await MemoryLedger.open(OPEN);
  await memory.must(createPool('p', '1000000'));
  await memory.must(createAgent('a', 'p', '1000'));
  await memory.must(createAgent('idle', 'p', '1000'));
});
afterEach(() => {
  vi.useRealTimers();
});

async function sweep(): Promise<void> {
  vi.advanceTimersByTime(SECOND);
  for (let turns = 0; turns < 40; turns += 1) await nextTurn();
}

/** One unit every six hours, and a sweep a day. */
async function useFor(days: number): Promise<void> {
  for (let at = 0; at < 4 * days; at += 1) {
    await memory.must(spend('a', '1'));
    memory.time.pass(6 * HOUR);
    if (at % 4 === 3) await sweep();
  }
}

const page = { after: undefined, size: 1_000 };
const always = { start: 0, end: T0 + 3_650 * DAY };

function buckets(agentId: string, granularity: 'MINUTE' | 'HOUR' | 'DAY', range = always) {
  const found = memory.ledger.usageBuckets(agentId, granularity, range, page);
  if ('verdict' in found) throw new Error(found.reason);
  return found;
}

const rowsOf = (level: number) =>
  memory.disk.rows.keys('usage', 0, 10_000).filter((key) => key.charCodeAt(0) === level).length;

test('minutes go after days, hours after weeks, and the sums of days stay whole', async () => {
  await useFor(30);
  const now = memory.ledger.now();
  const minutes = buckets('a', 'MINUTE');
  expect(minutes.retainedFrom).toBe(now - 2 * DAY);
  expect(minutes.items.map(({ start }) => start)).toEqual(
    Array.from({ length: 8 }, (_, at) => now - 2 * DAY + at * 6 * HOUR),
  );
  const hours = buckets('a', 'HOUR');
  expect(hours.retainedFrom).toBe(Math.floor((now - 10 * DAY) / DAY) * DAY);
  expect(hours.items.length).toBeLessThanOrEqual(11 * 4);
  const days = buckets('a', 'DAY');
  expect(days.retainedFrom).toBeUndefined();
  expect(days.items.reduce((sum, { amount }) => sum + amount, 0n)).toBe(money('120'));
  // Of the agent, of its pool and of the whole store.
  expect(rowsOf(1)).toBeLessThanOrEqual(3 * (8 + 1));
  expect(rowsOf(2)).toBeLessThanOrEqual(3 * (11 + 1));
  expect(buckets('a', 'HOUR', { start: now - DAY, end: now })).toMatchObject({
    retainedFrom: undefined,
  });
});

test('days go after months', async () => {
  await useFor(5);
  memory.time.pass(200 * DAY);
  await useFor(5);
  await sweep();
  const days = buckets('a', 'DAY');
  expect(days.retainedFrom).toBeGreaterThan(T0 + 70 * DAY);
  for (const { start } of days.items) expect(start).toBeGreaterThan(T0 + 200 * DAY);
  expect(days.items.length).toBeGreaterThan(4);
});

test('the newest hour of an agent waits until it is used again, and nothing counts twice', async () => {
  await memory.must(spend('idle', '7'));
  await useFor(20);
  memory = await memory.restart();
  await useFor(5);
  expect(buckets('idle', 'DAY').items.map(({ amount }) => amount)).toEqual([money('7')]);
  await memory.must(spend('idle', '2'));
  expect(buckets('idle', 'DAY').items.map(({ amount }) => amount)).toEqual([
    money('7'),
    money('2'),
  ]);
  await useFor(15);
  expect(buckets('idle', 'HOUR').items).toEqual([]);
  expect(buckets('idle', 'DAY').items).toHaveLength(2);
  const keys = rowsOf(1) + rowsOf(2);
  await sweep();
  expect(rowsOf(1) + rowsOf(2)).toBe(keys);
  expect(keys).toBeLessThanOrEqual(3 * (8 + 1) + 3 * (11 + 1) + 2);
});

test('a sum over what is kept by the day alone counts whole days', async () => {
  await useFor(40);
  const agent = memory.ledger.agent('a')!.agent;
  const now = memory.ledger.now();
  const used = (start: number) => usageTotals(memory.store, agent, start, now).entries;
  // By the minute, by the hour, by the day.
  expect(used(now - DAY - MINUTE)).toBe(4);
  expect(used(now - 5 * DAY + 5 * MINUTE)).toBe(20);
  const whole = Math.floor((now - 20 * DAY) / DAY) * DAY;
  expect(used(now - 20 * DAY + 5 * MINUTE)).toBe(used(whole));
  expect(used(T0)).toBe(160);
});

test('a retention that was made longer brings nothing back and promises nothing', async () => {
  await useFor(10);
  const cut = buckets('a', 'MINUTE').retainedFrom;
  memory = await memory.restart({ ...OPEN, usageMinutesRetentionMs: 90 * DAY });
  await useFor(2);
  expect(buckets('a', 'MINUTE').retainedFrom).toBe(cut);
});
