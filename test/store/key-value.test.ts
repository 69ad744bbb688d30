import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KeyRange, KeyValueStore, Row, Table, Write } from '../../src/store/kv.js';
import { runs } from '../support/seed.js';
import { BACKENDS } from './support/backends.js';

const ONE = Buffer.from('one');
const TWO = Buffer.from('two');
const THREE = Buffer.from('three');
const GUARD = Buffer.from('guard');

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

  test('a transaction writes its rows in their order', async () => {
    const { kv } = begin();
    const done = await kv.transact([
      put('agents', ONE, 'a'),
      put('agents', TWO, 'b'),
      put('agents', ONE, 'c'),
      remove('agents', TWO),
      remove('agents', THREE),
    ]);
    expect(done).toBe(true);
    expect(valueOf(kv, ONE)).toBe('c');
    expect(valueOf(kv, TWO)).toBeUndefined();
    expect([...kv.range('agents', {})].map(({ key }) => key.toString())).toEqual(['one']);
  });

  test('counts the rows of a table', async () => {
    const { kv } = begin();
    const count = () => {
      kv.refreshReads();
      return [kv.count('agents'), kv.count('entries')];
    };
    expect(count()).toEqual([0, 0]);
    await kv.transact([put('agents', ONE, 'a'), put('agents', ONE, 'b'), put('agents', TWO, 'c')]);
    expect(count()).toEqual([2, 0]);
    await kv.transact([remove('agents', ONE), remove('agents', THREE)]);
    expect(count()).toEqual([1, 0]);
  });

  test('transactions are written, and resolve, in their order', async () => {
    const { kv } = begin();
    const order: number[] = [];
    const all = Array.from({ length: 50 }, (_, at) =>
      kv.transact([put('agents', ONE, String(at))]).then(() => order.push(at)),
    );
    await Promise.all(all);
    expect(order).toEqual(Array.from({ length: 50 }, (_, at) => at));
    expect(valueOf(kv, ONE)).toBe('49');
  });

  test('nothing is seen before it is durable', async () => {
    const { kv } = begin();
    const durable = kv.transact([put('agents', ONE, 'a')]);
    expect(valueOf(kv, ONE)).toBeUndefined();
    await durable;
    expect(valueOf(kv, ONE)).toBe('a');
  });

  describe('a guard', () => {
    const number = (value: number) => {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(value);
      return { table: 'meta', key: GUARD, value: bytes } as const;
    };

    test('that names a row which is not there is met while it is not there', async () => {
      const { kv } = begin();
      const absent = { key: GUARD, number: undefined };
      expect(await kv.transact([put('agents', ONE, 'a'), number(7)], absent)).toBe(true);
      expect(await kv.transact([put('agents', ONE, 'b')], absent)).toBe(false);
      expect(valueOf(kv, ONE)).toBe('a');
    });

    test('is met by the number that the row begins with, and by no other', async () => {
      const { kv } = begin();
      await kv.transact([number(7)]);
      const guarded = (value: number, text: string) =>
        kv.transact([put('agents', ONE, text)], { key: GUARD, number: value });
      expect(await guarded(7, 'a')).toBe(true);
      expect(await guarded(8, 'b')).toBe(false);
      expect(valueOf(kv, ONE)).toBe('a');
    });

    test('sees what was written before it, durable or not', async () => {
      const { kv } = begin();
      const steps = [0, 1, 2, 3].map((at) => ({
        guard: { key: GUARD, number: at === 0 ? undefined : at },
        writes: [put('agents', ONE, String(at)), number(at + 1)],
      }));
      const all = steps.map(({ guard, writes }) => kv.transact(writes, guard));
      const late = kv.transact([put('agents', ONE, 'late')], steps[1]!.guard);
      expect(await Promise.all(all)).toEqual([true, true, true, true]);
      expect(await late).toBe(false);
      expect(valueOf(kv, ONE)).toBe('3');
    });

    test('that is not met takes its neighbours not with it', async () => {
      const { kv } = begin();
      const none = { key: GUARD, number: 5 };
      const outcomes = await Promise.all([
        kv.transact([put('agents', ONE, 'a')]),
        kv.transact([put('agents', TWO, 'a'), put('agents', ONE, 'b')], none),
        kv.transact([put('agents', THREE, 'a')]),
      ]);
      expect(outcomes).toEqual([true, false, true]);
      expect([valueOf(kv, ONE), valueOf(kv, TWO), valueOf(kv, THREE)]).toEqual([
        'a',
        undefined,
        'a',
      ]);
    });
  });

  test('a transaction of many thousand rows is as whole as one of few', async () => {
    const { kv } = begin();
    const key = (at: number) => Buffer.from(String(at).padStart(6, '0'));
    const many = Array.from({ length: 20_000 }, (_, at) => ({
      table: 'due' as const,
      key: key(at),
      value: Buffer.alloc(at % 300, at),
    }));
    await Promise.all([kv.transact(many), kv.transact([remove('due', key(5))])]);
    kv.refreshReads();
    expect(kv.count('due')).toBe(19_999);
    expect([...kv.range('due', { start: key(19_990) })].map(({ value }) => value.length)).toEqual([
      190, 191, 192, 193, 194, 195, 196, 197, 198, 199,
    ]);
  });

  test('tables do not mix', async () => {
    const { kv } = begin();
    await kv.transact([
      put('agents', ONE, 'agent'),
      put('pools', ONE, 'pool'),
      remove('usage', ONE),
    ]);
    kv.refreshReads();
    expect(kv.get('agents', ONE)?.toString()).toBe('agent');
    expect(kv.get('pools', ONE)?.toString()).toBe('pool');
    expect(kv.get('entries', ONE)).toBeUndefined();
  });

  test('what was durable is there when it is opened again', async () => {
    const { kv, reopen } = begin();
    await kv.transact([
      put('agents', ONE, 'a'),
      put('agents', TWO, ''),
      { table: 'agents', key: THREE, value: Buffer.alloc(1_000_000, 7) },
    ]);
    await kv.close();
    const again = reopen();
    expect(again.get('agents', ONE)?.toString()).toBe('a');
    expect(again.get('agents', TWO)?.length).toBe(0);
    expect(again.get('agents', THREE)?.equals(Buffer.alloc(1_000_000, 7))).toBe(true);
  });

  test('rows that were read stay as they were read', async () => {
    const { kv } = begin();
    await kv.transact([put('agents', ONE, 'a'), put('agents', TWO, 'b')]);
    kv.refreshReads();
    const rows = [...kv.range('agents', {})];
    const one = kv.get('agents', ONE);
    await kv.transact([put('agents', ONE, 'c'), remove('agents', TWO)]);
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
        await kv.transact(keys.map((one) => ({ table: 'due', key: one, value: one })));
        kv.refreshReads();
        for (const each of ranges) compareRange(kv, keys, each);
        await kv.close();
      },
    );
    await fc.assert(check, runs('ranges', 40));
  });
});

function put(table: Table, key: Buffer, text: string): Write {
  return { table, key, value: Buffer.from(text) };
}

function remove(table: Table, key: Buffer): Write {
  return { table, key, value: undefined };
}

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
