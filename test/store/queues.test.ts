import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Entry } from '../../src/domain/entry.js';
import type { Agent, Pool, Reservation } from '../../src/domain/model.js';
import type { Store, StoreWriter } from '../../src/ledger/store.js';
import { BACKENDS, recordsOf } from './support/backends.js';
import { idempotency } from './support/idempotency-rows.js';
import * as rows from './support/rows.js';

const [ANY] = fc.sample(rows.reservation, { seed: 1, numRuns: 1 });
const [ANY_ENTRY] = fc.sample(rows.entry, { seed: 1, numRuns: 1 });
const [ANY_AGENT] = fc.sample(rows.agent, { seed: 1, numRuns: 1 });
const [ANY_POOL] = fc.sample(rows.pool, { seed: 1, numRuns: 1 });

function hold(id: string, expireTime: number, over: Partial<Reservation> = {}): Reservation {
  return { ...ANY!, id, agentUid: 7, state: 'OPEN', expireTime, endTime: 0, verbs: [], ...over };
}

describe.each(BACKENDS)('in $name', ({ begin }) => {
  async function written(work: (writer: StoreWriter) => void): Promise<Store> {
    const store = recordsOf(begin().kv);
    await more(store, work);
    return store;
  }

  async function more(store: Store, work: (writer: StoreWriter) => void): Promise<void> {
    await store.transact(work);
    store.refreshReads();
  }

  const ids = (store: Store, queue: 'EXPIRE' | 'PURGE', before = 1_000, limit = 100) =>
    store.due(queue, before, limit).map(({ id, time }) => `${id}@${time}`);

  describe('holds', () => {
    test('are due by time, then by id, up to a moment that is not included', async () => {
      const store = await written((writer) => {
        for (const [id, time] of [
          ['b', 200],
          ['a', 300],
          ['c', 100],
          ['d', 100],
          ['e', 256],
          ['f', 2 ** 40],
        ] as const) {
          writer.putReservation(hold(id, time), undefined, 0);
        }
      });
      expect(ids(store, 'EXPIRE')).toEqual(['c@100', 'd@100', 'b@200', 'e@256', 'a@300']);
      expect(ids(store, 'EXPIRE', 300)).toEqual(['c@100', 'd@100', 'b@200', 'e@256']);
      expect(ids(store, 'EXPIRE', 301)).toHaveLength(5);
      expect(ids(store, 'EXPIRE', 2 ** 48 - 1)).toHaveLength(6);
      expect(ids(store, 'EXPIRE', 1_000, 2)).toEqual(['c@100', 'd@100']);
      expect(ids(store, 'PURGE', 2 ** 48 - 1)).toEqual([]);
    });

    test('that are extended are due later', async () => {
      const before = hold('a', 100);
      const store = await written((writer) => writer.putReservation(before, undefined, 0));
      await more(store, (writer) => writer.putReservation(hold('a', 500), before, 0));
      expect(ids(store, 'EXPIRE')).toEqual(['a@500']);
    });

    test('that are committed in part stay due when they were', async () => {
      const before = hold('a', 100, { held: 10n });
      const store = await written((writer) => writer.putReservation(before, undefined, 0));
      await more(store, (writer) =>
        writer.putReservation(hold('a', 100, { held: 4n }), before, 900),
      );
      expect(ids(store, 'EXPIRE')).toEqual(['a@100']);
      expect(ids(store, 'PURGE')).toEqual([]);
      expect(store.reservation('a')?.held).toBe(4n);
    });

    test.each(['COMMITTED', 'RELEASED', 'EXPIRED'] as const)(
      'that are %s are no longer due and will be purged',
      async (state) => {
        const before = hold('a', 100);
        const store = await written((writer) => writer.putReservation(before, undefined, 0));
        const after = hold('a', 100, { state, endTime: 90 });
        await more(store, (writer) => writer.putReservation(after, before, 790));
        expect(ids(store, 'EXPIRE')).toEqual([]);
        expect(ids(store, 'PURGE')).toEqual(['a@790']);
      },
    );

    test('that are settled late are purged when they were to be', async () => {
      const expired = hold('a', 100, { state: 'EXPIRED', endTime: 100 });
      const store = await written((writer) => writer.putReservation(expired, undefined, 800));
      const settled = { ...expired, settledLate: true };
      await more(store, (writer) => writer.putReservation(settled, expired, 800));
      expect(ids(store, 'PURGE')).toEqual(['a@800']);
      expect(store.reservation('a')?.settledLate).toBe(true);
    });

    test('made and ended in one transaction are purged like any other', async () => {
      const store = await written((writer) => {
        writer.putReservation(hold('a', 100, { state: 'RELEASED' }), undefined, 700);
      });
      expect(ids(store, 'EXPIRE')).toEqual([]);
      expect(ids(store, 'PURGE')).toEqual(['a@700']);
      expect([...store.reservationIds(7, undefined)]).toEqual(['a']);
    });

    test('that are purged leave nothing behind, and their neighbours stay', async () => {
      const [record] = fc.sample(idempotency, { seed: 1, numRuns: 1 });
      const verbs = [
        { method: 'RESERVE', requestId: 'r-1' },
        { method: 'COMMIT', requestId: 'r-1' },
      ] as const;
      const ended = hold('a', 100, { state: 'COMMITTED', endTime: 90, verbs });
      const neighbour = { uid: 7, method: 'SPEND', requestId: 'r-1' } as const;
      const store = await written((writer) => {
        writer.putReservation(ended, undefined, 500);
        writer.putReservation(hold('b', 100), undefined, 0);
        for (const verb of verbs) writer.putIdempotency({ uid: 7, ...verb }, record!);
        writer.putIdempotency(neighbour, record!);
      });
      await more(store, (writer) => {
        for (const due of writer.due('PURGE', 1_000, 10)) {
          writer.purgeReservation(writer.reservation(due.id)!, due);
        }
      });
      expect(store.reservation('a')).toBeUndefined();
      expect(ids(store, 'PURGE')).toEqual([]);
      expect([...store.reservationIds(7, undefined)]).toEqual(['b']);
      expect([...store.reservations(undefined)].map(({ id }) => id)).toEqual(['b']);
      for (const verb of verbs) expect(store.idempotency({ uid: 7, ...verb })).toBeUndefined();
      expect(store.idempotency(neighbour)).toBeDefined();
    });
  });

  describe('lists', () => {
    test('of reservations are by id and continue after a key', async () => {
      const store = await written((writer) => {
        for (const [id, agentUid] of [
          ['b', 7],
          ['a', 7],
          ['c', 7],
          ['aa', 7],
          ['x', 6],
          ['y', 8],
          ['z', 7 * 256],
        ] as const) {
          writer.putReservation(hold(id, 100, { agentUid }), undefined, 0);
        }
      });
      const of = (after: string | undefined) => [...store.reservationIds(7, after)];
      expect(of(undefined)).toEqual(['a', 'aa', 'b', 'c']);
      expect(of('a')).toEqual(['aa', 'b', 'c']);
      expect(of('ab')).toEqual(['b', 'c']);
      expect(of('c')).toEqual([]);
      const all = (after: string | undefined) =>
        [...store.reservations(after)].map(({ id }) => id).join(' ');
      expect(all(undefined)).toBe('a aa b c x y z');
      expect(all('b')).toBe('c x y z');
    });

    test('of open reservations have those and no other', async () => {
      const open = [
        hold('a', 100),
        hold('b', 100),
        hold('c', 100),
        hold('x', 100, { agentUid: 8 }),
      ];
      const store = await written((writer) => {
        for (const one of open) writer.putReservation(one, undefined, 0);
        writer.putReservation(hold('d', 100, { state: 'RELEASED' }), undefined, 700);
      });
      expect([...store.openReservationIds(7)]).toEqual(['a', 'b', 'c']);
      await more(store, (writer) => {
        const [a, b] = open;
        writer.putReservation({ ...a!, expireTime: 900 }, a, 0);
        writer.putReservation({ ...b!, state: 'EXPIRED', endTime: 100 }, b, 700);
      });
      expect([...store.openReservationIds(7)]).toEqual(['a', 'c']);
      expect([...store.openReservationIds(8)]).toEqual(['x']);
    });

    test('of agents are by id, of one pool or of all, and continue after a key', async () => {
      const agents = (
        [
          ['b', 12, 1],
          ['a', 11, 1],
          ['a/1', 13, 1],
          ['z', 14, 2],
          ['z'.repeat(128), 15, 1],
        ] as const
      ).map(([id, uid, poolUid]): Agent => ({ ...ANY_AGENT!, id, uid, poolUid }));
      const store = await written((writer) => {
        for (const agent of agents) {
          writer.putAgentId(agent.id, agent.uid);
          writer.putAgentPool(agent, undefined);
        }
      });
      const uids = (after: string | undefined, pool: number | undefined) =>
        [...store.agentIds(after, pool)].map(([, uid]) => uid);
      expect(uids(undefined, undefined)).toEqual([11, 13, 12, 14, 15]);
      expect(uids('a', undefined)).toEqual([13, 12, 14, 15]);
      expect(uids(undefined, 1)).toEqual([11, 13, 12, 15]);
      expect(uids('a/1', 1)).toEqual([12, 15]);
      expect(uids(undefined, 2)).toEqual([14]);
      expect(uids(undefined, 3)).toEqual([]);
    });

    test('have an agent that moved under its new pool only', async () => {
      const agent: Agent = { ...ANY_AGENT!, id: 'a', uid: 11, poolUid: 1 };
      const store = await written((writer) => writer.putAgentPool(agent, undefined));
      await more(store, (writer) => writer.putAgentPool({ ...agent, poolUid: 2 }, 1));
      expect([...store.agentIds(undefined, 1)]).toEqual([]);
      expect([...store.agentIds(undefined, 2)]).toEqual([['a', 11]]);
    });

    test('of pools have the living ones by id', async () => {
      const pool = (id: string, uid: number): Pool => ({ ...ANY_POOL!, id, uid });
      const store = await written((writer) => {
        for (const one of [pool('b', 2), pool('a', 1), pool('c', 3)]) {
          writer.putPool(one);
          writer.putPoolId(one.id, one.uid);
        }
        writer.putPoolId('b', undefined);
      });
      expect([...store.pools()].map(({ id }) => id)).toEqual(['a', 'c']);
      expect(store.pool(2)?.id).toBe('b');
      expect(store.poolUid('b')).toBeUndefined();
    });
  });

  describe('entries', () => {
    test('each carry the SHA-256 of the one before and its bytes', async () => {
      let head: Uint8Array = new Uint8Array(32);
      const store = await written((writer) => {
        for (let sequence = 1; sequence <= 300; sequence += 1) {
          const entry: Entry = { ...ANY_ENTRY!, sequence, previousHash: head };
          head = writer.appendEntry(entry);
        }
      });
      let previous: Uint8Array = Buffer.alloc(32);
      const stored = [...store.entries(0)];
      for (const [at, { entry, bytes, hash }] of stored.entries()) {
        expect(entry.sequence).toBe(at + 1);
        expect(Buffer.compare(entry.previousHash, previous)).toBe(0);
        previous = createHash('sha256').update(previous).update(bytes).digest();
        expect(Buffer.compare(hash, previous)).toBe(0);
      }
      expect(stored).toHaveLength(300);
      expect(Buffer.compare(previous, head)).toBe(0);
      expect(Buffer.compare(store.entry(300)!.hash, head)).toBe(0);
    });

    test('are read from after a sequence to the newest', async () => {
      const store = await written((writer) => {
        for (const sequence of [255, 256, 257]) {
          writer.appendEntry({ ...ANY_ENTRY!, sequence });
        }
      });
      const after = (sequence: number) =>
        [...store.entries(sequence)].map(({ entry }) => entry.sequence);
      expect(after(0)).toEqual([255, 256, 257]);
      expect(after(255)).toEqual([256, 257]);
      expect(after(257)).toEqual([]);
      expect(store.entry(258)).toBeUndefined();
      expect(store.oldestSequence()).toBe(255);
    });

    test('begin with none', async () => {
      const store = await written(() => undefined);
      expect(store.oldestSequence()).toBe(0);
      expect([...store.entries(0)]).toEqual([]);
    });
  });
});
