import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { UsageTotals } from '../../src/domain/usage.js';
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
