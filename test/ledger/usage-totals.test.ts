import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { formatAmount } from '../../src/domain/amount.js';
import type { Agent } from '../../src/domain/model.js';
import { STORE_UID, type UsageTotals } from '../../src/domain/usage.js';
import { usageTotals } from '../../src/ledger/usage-totals.js';
import { createAgent, createPool, refund, reserve, spend } from '../fakes/commands.js';
import { DAY, HOUR, MINUTE, ManualTime } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { money, randomFrom, runs } from '../support/seed.js';

/** An hour before a month ends, not on a minute. */
const START = Date.UTC(2026, 0, 31, 23) + 12_345;

/** What happened, as the test remembers it. */
interface Happened extends UsageTotals {
  readonly time: number;
}

const NOTHING = { amount: 0n, entries: 0, requests: 0, refunded: 0n, quantities: [] };

function sum(events: readonly Happened[], from: number, to: number): UsageTotals {
  const floor = Math.floor(from / MINUTE) * MINUTE;
  const ceiling = Math.ceil(to / MINUTE) * MINUTE;
  return events
    .filter(({ time }) => time >= floor && time < ceiling)
    .reduce<UsageTotals>(
      (total, each) => ({
        amount: total.amount + each.amount,
        entries: total.entries + each.entries,
        requests: total.requests + each.requests,
        refunded: total.refunded + each.refunded,
        quantities: [],
      }),
      NOTHING,
    );
}

describe('the sum of a range', () => {
  let memory: MemoryLedger;
  const happened: Happened[] = [];
  let seed = 0;

  beforeAll(async () => {
    ({ seed } = runs('usage totals', 500));
    const random = randomFrom(seed);
    memory = await MemoryLedger.open({}, new ManualTime(START));
    await memory.must(createPool('p', '1000000'));
    await memory.must(createAgent('a', 'p', '1000000'));
    const steps = [1, MINUTE, 7 * MINUTE, HOUR, 5 * HOUR, DAY, 11 * DAY];
    for (let at = 0; at < 150; at += 1) {
      memory.time.pass(Math.floor(random() * (steps[Math.floor(random() * steps.length)] ?? 1)));
      const amount = String(Math.floor(random() * 1_000));
      const time = memory.ledger.now();
      if (random() < 0.2) {
        await memory.must(reserve('a', '1', { ttlMs: DAY }));
        happened.push({ ...NOTHING, time, requests: 1 });
        continue;
      }
      const { sequence } = await memory.must(spend('a', amount));
      happened.push({ ...NOTHING, time, amount: money(amount), entries: 1, requests: 1 });
      if (amount === '0' || random() > 0.2) continue;
      await memory.must(refund(sequence, '0.5'));
      happened.push({ ...NOTHING, time, refunded: money('0.5') });
    }
  }, 60_000);

  const moment = (share: number): number => {
    const end = memory.ledger.now() + 2 * DAY;
    return START - DAY + Math.floor(share * (end - START + DAY));
  };

  test('is that of its minutes, wherever it begins and ends, for an agent and its pool', () => {
    const agent = memory.store.agent(memory.store.agentUid('a')!)!;
    const pool = memory.store.pool(agent.poolUid)!;
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const aligned = fc.constantFrom(1, MINUTE, HOUR, DAY);
    const check = fc.property(share, share, aligned, aligned, (a, b, first, second) => {
      const from = Math.floor(moment(Math.min(a, b)) / first) * first;
      const to = Math.floor(moment(Math.max(a, b)) / second) * second;
      if (from >= to) return;
      const expected = { index: 0, ...sum(happened, from, to) };
      expect(usageTotals(memory.store, agent, from, to)).toEqual(expected);
      expect(usageTotals(memory.store, pool, from, to)).toEqual(expected);
    });
    fc.assert(check, { seed, numRuns: 500 });
  });

  test('of the last day takes five rows at most, and of who was idle none', () => {
    const agent = memory.store.agent(memory.store.agentUid('a')!)!;
    let rows = 0;
    const counting = {
      row: () => undefined,
      usage: (...row: Parameters<typeof memory.store.usage>) => {
        rows += 1;
        return memory.store.usage(...row);
      },
    };
    const newest = agent.usageHour * HOUR;
    for (let minutes = 0; minutes < 60; minutes += 7) {
      rows = 0;
      const now = newest + minutes * MINUTE;
      usageTotals(counting, agent, now - DAY, now + 1);
      expect(rows).toBeLessThanOrEqual(5);
    }
    rows = 0;
    usageTotals(counting, agent, newest + HOUR, newest + DAY);
    expect(rows).toBe(0);
    usageTotals(counting, agent, newest - 365 * DAY, newest + HOUR);
    expect(rows).toBeLessThanOrEqual(20);
  });
});

describe('the minutes of an agent that is used', () => {
  const START_OF_HOUR = Date.UTC(2026, 0, 31, 22);
  const all = { start: 0, end: START_OF_HOUR + 365 * DAY };

  /** Amounts by the minute, or hour, since the start. */
  function amounts(memory: MemoryLedger, granularity: 'MINUTE' | 'HOUR'): readonly string[] {
    const step = granularity === 'MINUTE' ? MINUTE : HOUR;
    const page = { after: undefined, size: 100 };
    const found = memory.ledger.usageBuckets('a', granularity, all, page);
    if ('verdict' in found) throw new Error(found.reason);
    return found.items.map(({ start, amount }) => {
      return `${(start - START_OF_HOUR) / step}: ${formatAmount(amount)}`;
    });
  }

  async function used(): Promise<MemoryLedger> {
    const memory = await MemoryLedger.open({}, new ManualTime(START_OF_HOUR));
    await memory.must(createPool('p', '1000'));
    await memory.must(createAgent('a', 'p', '1000'));
    await memory.must(spend('a', '1'));
    memory.time.pass(5 * MINUTE);
    await memory.must(spend('a', '2'));
    return memory;
  }

  const agentOf = ({ store }: MemoryLedger): Agent => store.agent(store.agentUid('a')!)!;
  const hour = START_OF_HOUR / HOUR;

  test('lie in its own row until the hour is over, then in one of theirs', async () => {
    const memory = await used();
    const { uid, usageHour, usage } = agentOf(memory);
    expect(usageHour).toBe(hour);
    expect(usage.map(({ index, amount }) => [index, amount])).toEqual([
      [0, money('1')],
      [5, money('2')],
    ]);
    expect(memory.store.usage('MINUTE', hour, uid)).toEqual([]);
    memory.time.pass(HOUR);
    await memory.must(spend('a', '4'));
    expect(agentOf(memory).usage).toMatchObject([{ index: 5, amount: money('4') }]);
    expect(memory.store.usage('MINUTE', hour, uid)).toEqual(usage);
    expect(amounts(memory, 'MINUTE')).toEqual(['0: 1', '5: 2', '65: 4']);
    expect(amounts(memory, 'HOUR')).toEqual(['0: 3', '1: 4']);
  });

  test('are all there where a store of format 1 had the first of them in a row', async () => {
    const before = await used();
    const agent = agentOf(before);
    const pool = before.store.pool(agent.poolUid)!;
    await before.ledger.close();
    await before.store.transact((writer) => {
      const header = writer.header();
      writer.putAgent({ ...agent, usage: [] });
      writer.putUsage('MINUTE', hour, agent.uid, agent.usage);
      writer.putPool({ ...pool, usage: [] });
      writer.putUsage('MINUTE', hour, pool.uid, pool.usage);
      writer.putHeader({ ...header, usage: [] });
      writer.putUsage('MINUTE', hour, STORE_UID, header.usage);
    });
    const memory = await MemoryLedger.open({}, before.time.restart(), before.disk);
    expect(amounts(memory, 'MINUTE')).toEqual(['0: 1', '5: 2']);
    await memory.must(spend('a', '4'));
    memory.time.pass(MINUTE);
    await memory.must(spend('a', '8'));
    expect(agentOf(memory).usage).toMatchObject([{ index: 5 }, { index: 6 }]);
    expect(amounts(memory, 'MINUTE')).toEqual(['0: 1', '5: 6', '6: 8']);
    expect(amounts(memory, 'HOUR')).toEqual(['0: 15']);
    memory.time.pass(DAY);
    await memory.must(spend('a', '16'));
    expect(amounts(memory, 'MINUTE')).toEqual(['0: 1', '5: 6', '6: 8', `${24 * 60 + 6}: 16`]);
    expect(amounts(memory, 'HOUR')).toEqual(['0: 15', '24: 16']);
    const { store } = memory;
    const range = [START_OF_HOUR, START_OF_HOUR + HOUR] as const;
    expect(usageTotals(store, agentOf(memory), ...range).amount).toBe(money('15'));
    expect(usageTotals(store, store.pool(pool.uid)!, ...range).amount).toBe(money('15'));
    const whole = { uid: STORE_UID, ...store.header() };
    expect(usageTotals(store, whole, ...range)).toMatchObject({ amount: 0n, entries: 4 });
    expect(usageTotals(store, whole, START_OF_HOUR, START_OF_HOUR + 2 * DAY).entries).toBe(5);
  });
});
