/** What happens without being asked for: expiries, and the purge of what has served. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { commit, createAgent, createPool, release, reserve, spend } from '../fakes/commands.js';
import { DAY, HOUR, MINUTE, SECOND } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { POLICY } from '../fakes/world.js';
import { money } from '../support/seed.js';

const OPEN = { sweepIntervalMs: SECOND, policy: { ...POLICY, openReservationsMax: 10_000 } };

let memory: MemoryLedger;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  memory = await MemoryLedger.open(OPEN);
  await memory.must(createPool('p', '1000'));
  await memory.must(createAgent('a', 'p', '100'));
});
afterEach(() => {
  vi.useRealTimers();
});

/** The sweeper's timer goes off, and what it began ends. */
async function sweep(): Promise<void> {
  vi.advanceTimersByTime(SECOND);
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
}

function agent() {
  return memory.ledger.agent('a')!.agent;
}

async function hold(amount: string, ttlMs = MINUTE): Promise<string> {
  return (await memory.must(reserve('a', amount, { ttlMs }))).reservation!.id;
}

describe('a hold whose time has passed', () => {
  test('gives its money to the spend that comes next', async () => {
    await hold('100');
    expect(await memory.verdict(spend('a', '1'))).toBe('INSUFFICIENT_BUDGET');
    memory.time.pass(MINUTE);
    await memory.must(spend('a', '100'));
    expect(agent()).toMatchObject({ spent: money('100'), reserved: 0n, openReservations: 0 });
  });

  test('is swept when nobody asks for anything', async () => {
    await hold('40');
    memory.time.pass(MINUTE - 1);
    await sweep();
    expect(agent().reserved).toBe(money('40'));
    memory.time.pass(1);
    await sweep();
    expect(agent().reserved).toBe(0n);
    const { entry } = [...memory.store.entries(0)].at(-1)!;
    expect(entry).toMatchObject({ kind: 'EXPIRE', principal: 'sidecar', requestId: '' });
  });

  test('is swept by the next process too', async () => {
    await hold('40');
    memory = await memory.crash();
    memory.time.pass(MINUTE);
    await sweep();
    expect(agent().reserved).toBe(0n);
  });

  test('that was extended lives on, one that was made later and ends sooner does not', async () => {
    const long = await hold('1', MINUTE);
    await memory.must({ method: 'EXTEND', requestId: 'x', reservationId: long, ttlMs: HOUR });
    const short = await hold('2', SECOND);
    memory.time.pass(MINUTE);
    await memory.turn();
    expect(memory.ledger.reservation(short)?.reservation.state).toBe('EXPIRED');
    expect(agent().reserved).toBe(money('1'));
  });

  test('waits its turn among more than a thousand, and its verbs do not wait', async () => {
    const holds = Array.from({ length: 1_500 }, () => memory.must(reserve('a', '0.01')));
    const ids = (await Promise.all(holds)).map(({ reservation }) => reservation!.id);
    expect(agent().reserved).toBe(money('15'));
    memory.time.pass(MINUTE);
    const last = ids.at(-1)!;
    expect(await memory.must(commit(last, '0.01'))).toMatchObject({ late: true });
    expect(agent()).toMatchObject({ reserved: money('4.99'), openReservations: 499 });
    await memory.turn();
    expect(agent()).toMatchObject({ reserved: 0n, openReservations: 0, spent: money('0.01') });
    expect((await memory.verify()).findings).toEqual([]);
  });
});

describe('a request_id', () => {
  const command = spend('a', '1', { requestId: 'daily' });

  test('is remembered for a day and then free', async () => {
    await memory.must(command);
    memory.time.pass(DAY);
    await sweep();
    expect(await memory.must(command)).toMatchObject({ replayed: true });
    memory.time.pass(1);
    await sweep();
    expect(await memory.must(command)).toMatchObject({ replayed: false });
    expect(agent().spent).toBe(money('2'));
  });

  test('used anew is remembered for a day from then, whatever is purged before', async () => {
    await memory.must(command);
    memory.time.pass(DAY + 1);
    await sweep();
    await memory.must(command);
    memory.time.pass(HOUR);
    await sweep();
    expect(await memory.must(command)).toMatchObject({ replayed: true });
  });

  test('of an operator goes after a day as well', async () => {
    const made = createPool('q', '1', { requestId: 'op' });
    await memory.must(made);
    memory.time.pass(DAY + 1);
    await sweep();
    expect(await memory.verdict(made)).toBe('POOL_ALREADY_EXISTS');
  });

  test('of a reservation’s verbs lives as long as the reservation', async () => {
    const reserving = reserve('a', '5', { requestId: 'r', ttlMs: HOUR });
    const id = (await memory.must(reserving)).reservation!.id;
    const committing = commit(id, '1', { requestId: 'c', final: false });
    await memory.must(committing);
    memory.time.pass(2 * DAY);
    await sweep();
    expect(await memory.must(reserving)).toMatchObject({ replayed: true });
    expect(await memory.must(committing)).toMatchObject({ replayed: true });
    memory.time.pass(7 * DAY);
    await sweep();
    expect(memory.ledger.reservation(id)).toBeUndefined();
    expect(await memory.verdict(committing)).toBe('RESERVATION_NOT_FOUND');
    expect(await memory.must(reserving)).toMatchObject({ replayed: false });
  });

  test('is purged in small steps, all of them in the end', async () => {
    await Promise.all(Array.from({ length: 1_200 }, () => memory.must(spend('a', '0.01'))));
    memory.time.pass(DAY + 1);
    await sweep();
    for (let turns = 0; turns < 50; turns += 1) await nextTurn();
    expect([...memory.disk.rows.keys('idempotency', 0, 10)]).toEqual([]);
  });
});

describe('an ended reservation', () => {
  test('is kept until its late window is over, and then gone', async () => {
    const id = await hold('5');
    await memory.must(release(id));
    memory.time.pass(POLICY.lateWindowMs);
    await sweep();
    expect(memory.ledger.reservation(id)?.reservation.state).toBe('RELEASED');
    memory.time.pass(1);
    await sweep();
    expect(memory.ledger.reservation(id)).toBeUndefined();
    for (const table of ['reservations', 'reservations_by_agent', 'due'] as const) {
      expect([...memory.disk.rows.keys(table, 0, 10)]).toEqual([]);
    }
    expect((await memory.verify()).findings).toEqual([]);
  });

  test('is gone at once when it expired and went while nobody served', async () => {
    const id = await hold('5');
    memory = await memory.restart();
    memory.time.pass(POLICY.lateWindowMs + HOUR);
    await sweep();
    expect(agent().reserved).toBe(0n);
    expect(memory.ledger.reservation(id)).toBeUndefined();
    expect(await memory.verdict(commit(id, '5'))).toBe('RESERVATION_NOT_FOUND');
    expect((await memory.verify()).findings).toEqual([]);
  });
});
