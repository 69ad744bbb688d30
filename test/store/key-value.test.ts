import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WorkFailed } from '../../src/ledger/store.js';
import type { KeyRange, KeyValueStore, Row } from '../../src/store/kv.js';
import { runs } from '../support/seed.js';
import { BACKENDS } from './support/backends.js';

const ONE = Buffer.from('one');
const TWO = Buffer.from('two');
const THREE = Buffer.from('three');

describe.each(BACKENDS)('a key-value store in $name', ({ begin }) => {
  const valueOf = (kv: KeyValueStore, key: Buffer): string | undefined => {
    kv.refreshReads();
    return kv.get('agents', key)?.toString();
  };

  test('has no rows at first', () => {
    const { kv } = begin();
    expect(kv.get('agents', ONE)).toBeUndefined();
    expect([...kv.range('agents', {})]).toEqual([]);
    expect([...kv.range('agents', { reverse: true, limit: 1 })]).toEqual([]);
  });

  test('a transaction reads what it wrote and not what it took away', async () => {
    const { kv } = begin();
    await kv.transact(() => {
      kv.put('agents', ONE, Buffer.from('a'));
      kv.put('agents', TWO, Buffer.from('b'));
      expect(kv.get('agents', ONE)?.toString()).toBe('a');
      kv.put('agents', ONE, Buffer.from('c'));
      expect(kv.get('agents', ONE)?.toString()).toBe('c');
      kv.remove('agents', TWO);
      expect(kv.get('agents', TWO)).toBeUndefined();
      expect([...kv.range('agents', {})].map(({ key }) => key.toString())).toEqual(['one']);
    });
    expect(valueOf(kv, ONE)).toBe('c');
    expect(valueOf(kv, TWO)).toBeUndefined();
  });

  test('counts the rows of a table, in a transaction its own too', async () => {
    const { kv } = begin();
    const count = () => {
      kv.refreshReads();
      return [kv.count('agents'), kv.count('entries')];
    };
    expect(count()).toEqual([0, 0]);
    await kv.transact(() => {
      kv.put('agents', ONE, Buffer.from('a'));
      kv.put('agents', ONE, Buffer.from('b'));
      kv.put('agents', TWO, Buffer.from('c'));
      expect(kv.count('agents')).toBe(2);
    });
    expect(count()).toEqual([2, 0]);
    await kv.transact(() => {
      kv.remove('agents', ONE);
      kv.remove('agents', THREE);
      expect(kv.count('agents')).toBe(1);
    });
    expect(count()).toEqual([1, 0]);
  });

  test('a transaction sees those before it, durable or not', async () => {
    const { kv } = begin();
    const first = kv.transact(() => kv.put('agents', ONE, Buffer.from('a')));
    const second = kv.transact(() => {
      expect(kv.get('agents', ONE)?.toString()).toBe('a');
      kv.put('agents', ONE, Buffer.from('b'));
    });
    await Promise.all([first, second]);
    expect(valueOf(kv, ONE)).toBe('b');
  });

  test('nothing is seen outside of a transaction before it is durable', async () => {
    const { kv } = begin();
    let ran: () => void = () => undefined;
    const work = new Promise<void>((resolve) => (ran = resolve));
    const durable = kv.transact(() => {
      kv.put('agents', ONE, Buffer.from('a'));
      ran();
    });
    expect(valueOf(kv, ONE)).toBeUndefined();
    await work;
    expect(valueOf(kv, ONE)).toBeUndefined();
    await durable;
    expect(valueOf(kv, ONE)).toBe('a');
  });

  test('work that throws is undone as a whole, and its reason comes back', async () => {
    const { kv } = begin();
    await kv.transact(() => {
      kv.put('agents', ONE, Buffer.from('kept'));
      kv.put('agents', TWO, Buffer.from('kept too'));
    });
    const reason = new Error('no');
    const failure: unknown = await kv
      .transact(() => {
        kv.put('agents', ONE, Buffer.from('lost'));
        kv.put('agents', THREE, Buffer.from('lost'));
        kv.remove('agents', TWO);
        throw reason;
      })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkFailed);
    expect((failure as WorkFailed).cause).toBe(reason);
    expect(valueOf(kv, ONE)).toBe('kept');
    expect(valueOf(kv, TWO)).toBe('kept too');
    expect(valueOf(kv, THREE)).toBeUndefined();
  });

  test('work that throws takes its neighbours in the same turn not with it', async () => {
    const { kv } = begin();
    const add = (key: Buffer) => kv.transact(() => kv.put('agents', key, Buffer.from('a')));
    const outcomes = await Promise.allSettled([
      add(ONE),
      kv.transact(() => {
        kv.put('agents', TWO, Buffer.from('a'));
        throw new Error('no');
      }),
      add(THREE),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect([valueOf(kv, ONE), valueOf(kv, TWO), valueOf(kv, THREE)]).toEqual(['a', undefined, 'a']);
    await add(TWO);
    expect(valueOf(kv, TWO)).toBe('a');
  });

  test('tables do not mix', async () => {
    const { kv } = begin();
    await kv.transact(() => {
      kv.put('agents', ONE, Buffer.from('agent'));
      kv.put('pools', ONE, Buffer.from('pool'));
      kv.remove('usage', ONE);
    });
    kv.refreshReads();
    expect(kv.get('agents', ONE)?.toString()).toBe('agent');
    expect(kv.get('pools', ONE)?.toString()).toBe('pool');
    expect(kv.get('entries', ONE)).toBeUndefined();
  });

  test('what was durable is there when it is opened again', async () => {
    const { kv, reopen } = begin();
    await kv.transact(() => {
      kv.put('agents', ONE, Buffer.from('a'));
      kv.put('agents', TWO, Buffer.alloc(0));
      kv.put('agents', THREE, Buffer.alloc(1_000_000, 7));
    });
    await kv.close();
    const again = reopen();
    expect(again.get('agents', ONE)?.toString()).toBe('a');
    expect(again.get('agents', TWO)?.length).toBe(0);
    expect(again.get('agents', THREE)?.equals(Buffer.alloc(1_000_000, 7))).toBe(true);
  });

  test('rows that were read stay as they were read', async () => {
    const { kv } = begin();
    await kv.transact(() => {
      kv.put('agents', ONE, Buffer.from('a'));
      kv.put('agents', TWO, Buffer.from('b'));
    });
    kv.refreshReads();
    const rows = [...kv.range('agents', {})];
    const one = kv.get('agents', ONE);
    const given = Buffer.from('c');
    await kv.transact(() => {
      kv.put('agents', ONE, given);
      kv.remove('agents', TWO);
    });
    given.fill(0);
    expect(rows.map(textsOf)).toEqual(['one=a', 'two=b']);
    expect(one?.toString()).toBe('a');
    expect(valueOf(kv, ONE)).toBe('c');
  });

  const byte = fc.constantFrom(0, 1, 0x61, 0x7f, 0x80, 0xfe, 0xff);
  const key = fc.array(byte, { minLength: 1, maxLength: 3 }).map((bytes) => Buffer.from(bytes));
  const range = fc.record(
    { start: key, end: key, reverse: fc.boolean(), limit: fc.integer({ min: 1, max: 9 }) },
    { requiredKeys: [] },
  );

  test('a range has its start and not its end, in either order, up to its limit', async () => {
    const check = fc.asyncProperty(
      fc.uniqueArray(key, { maxLength: 40, selector: (bytes) => bytes.toString('hex') }),
      fc.array(range, { minLength: 1, maxLength: 20 }),
      async (keys, ranges) => {
        const { kv } = begin();
        await kv.transact(() => {
          for (const one of keys) kv.put('due', one, one);
          for (const each of ranges) compareRange(kv, keys, each);
        });
        kv.refreshReads();
        for (const each of ranges) compareRange(kv, keys, each);
        await kv.close();
      },
    );
    await fc.assert(check, runs('ranges', 40));
  });
});

function textsOf({ key, value }: Row): string {
  return `${key.toString()}=${value.toString()}`;
}

function compareRange(kv: KeyValueStore, keys: readonly Buffer[], range: KeyRange): void {
  const { start, end, reverse, limit } = range;
  const inside = keys
    .filter((key) => start === undefined || Buffer.compare(key, start) >= 0)
    .filter((key) => end === undefined || Buffer.compare(key, end) < 0)
    .sort((a, b) => Buffer.compare(a, b));
  if (reverse === true) inside.reverse();
  const expected = inside.slice(0, limit).map((key) => key.toString('hex'));
  const rows = [...kv.range('due', range)];
  expect(rows.map(({ key }) => key.toString('hex'))).toEqual(expected);
  expect(rows.map(({ value }) => value.toString('hex'))).toEqual(expected);
}
