/** A review that a schedule's run ordered is made once, whatever ends the sidecar in between. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { runKey } from '../../src/domain/schedule.js';
import { createAgent, createPool, spend } from '../fakes/commands.js';
import { HOUR } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { createSchedule, REVIEWS } from '../fakes/schedules.js';

let memory: MemoryLedger;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  await memory.must(createPool('p', '1000'));
  await memory.must(createAgent('a', 'p', '100'));
  await memory.must(spend('a', '95'));
  await memory.must(createSchedule('s', HOUR, REVIEWS));
  memory.time.pass(HOUR);
});

const orders = () => [...memory.store.rows('review_orders', {})].length;
const reviews = () => memory.ledger.listReviews({ after: undefined, size: 10 }).items;

/** Lets groups go on until so many runs have ordered their reviews, and no further. */
async function ordered(count = 1): Promise<void> {
  await memory.turn();
  for (let turns = 0; turns < 1_000 && orders() < count; turns += 1) await nextTurn();
  expect([orders(), reviews().length]).toEqual([count, 0]);
}

async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) await memory.turn();
}

describe('a crash', () => {
  test('between the run and its review leaves the order, which the next start carries out', async () => {
    await ordered();
    memory = await memory.crash();
    expect([orders(), reviews().length]).toEqual([1, 0]);
    await settled();
    expect(orders()).toBe(0);
    expect(reviews()).toMatchObject([
      { trigger: 'SCHEDULED', principal: 'schedule/s', counts: { found: { AGENT_DEPLETED: 1 } } },
    ]);
    expect(await memory.verify()).toMatchObject({ clean: true });
  });

  test('at that start again leaves it once more, and there is one review in the end', async () => {
    await ordered();
    memory = await memory.crash();
    memory = await memory.crash();
    expect([orders(), reviews().length]).toEqual([1, 0]);
    await settled();
    expect([orders(), reviews().length]).toEqual([0, 1]);
  });

  test('after the review makes no other one', async () => {
    await memory.turn();
    await settled();
    expect([orders(), reviews().length]).toEqual([0, 1]);
    memory = await memory.crash();
    await settled();
    expect([orders(), reviews().length]).toEqual([0, 1]);
  });

  test('before the run was durable makes the run and its review afterwards', async () => {
    memory = await memory.crash();
    await memory.turn();
    await settled();
    expect([orders(), reviews().length]).toEqual([0, 1]);
  });
});

test('a clean stop in between leaves the order too', async () => {
  await ordered();
  memory = await memory.restart();
  await settled();
  expect([orders(), reviews().length]).toEqual([0, 1]);
});

test('several orders are carried out one after the other', async () => {
  await memory.store.transact((writer) => {
    for (const id of ['t', 'u']) {
      const order = { poolId: '', principal: `schedule/${id}`, reason: '' };
      writer.putRow('review_orders', runKey(id === 't' ? 98 : 99, 1), order);
    }
  });
  memory = await memory.crash();
  expect(orders()).toBe(2);
  await settled();
  expect(orders()).toBe(0);
  expect(
    reviews()
      .map(({ principal }) => principal)
      .sort(),
  ).toEqual(['schedule/s', 'schedule/t', 'schedule/u']);
});

test('the review of a pool that is gone by then is not made, and nobody waits for it', async () => {
  await settled();
  const made = reviews().length;
  const order = { poolId: 'gone', principal: 'schedule/t', reason: '' };
  await memory.store.transact((writer) => {
    writer.putRow('review_orders', runKey(99, 1), order);
  });
  memory.store.refreshReads();
  expect(orders()).toBe(1);
  memory = await memory.restart();
  await settled();
  expect([orders(), reviews().length]).toEqual([0, made]);
});
