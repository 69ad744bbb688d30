import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rowCache } from '../../src/ledger/row-cache.js';
import { runs } from '../support/seed.js';

type Use =
  | { readonly kind: 'write' | 'read' | 'see' | 'remove'; readonly key: number }
  | { readonly kind: 'settle' };

const key = fc.nat(19);
const use: fc.Arbitrary<Use> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), key }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('read' as const), key }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('see' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), key }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'settle' as const }) },
);

interface Row {
  readonly version: number;
}

describe('a cache of rows', () => {
  test('never shows a stale row, and never forgets one that is not durable yet', () => {
    const uses = fc.array(use, { maxLength: 400 });
    const settings = runs('row cache', 500);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), uses, (max, list) => {
        const cache = rowCache<number, Row>(max);
        const written = new Map<number, Row>();
        const durable = new Map<number, Row | undefined>();
        const unsettled: [number, Row | undefined][] = [];
        let version = 0;
        for (const step of list) {
          if (step.kind === 'settle') {
            const next = unsettled.shift();
            if (next === undefined) continue;
            durable.set(...next);
            cache.settle(...next);
          } else if (step.kind === 'write') {
            version += 1;
            const row = { version };
            written.set(step.key, row);
            unsettled.push([step.key, row]);
            cache.write(step.key, row);
          } else if (step.kind === 'read') {
            // As a decision does: from the cache, or what the cache forgot from the store.
            const cached = cache.find(step.key);
            const row = cached === undefined ? durable.get(step.key) : cached.newest;
            expect(row).toBe(written.get(step.key));
            if (row !== undefined) cache.load(step.key, row);
          } else if (step.kind === 'see') {
            const row = cache.durable(step.key);
            if (row !== undefined) expect(row).toBe(durable.get(step.key));
          } else {
            written.delete(step.key);
            unsettled.push([step.key, undefined]);
            cache.write(step.key, undefined);
          }
          for (const [waiting] of unsettled) {
            expect(cache.newest(waiting)).toBe(written.get(waiting));
          }
        }
      }),
      settings,
    );
  });

  test('keeps about as many rows as it may', () => {
    const cache = rowCache<number, Row>(100);
    for (let at = 0; at < 10_000; at += 1) cache.load(at, { version: at });
    expect(cache.size).toBeLessThanOrEqual(100);
    expect(cache.newest(9_999)).toEqual({ version: 9_999 });
  });

  test('keeps what is used and forgets what is not', () => {
    const cache = rowCache<string, Row>(10);
    cache.load('used', { version: 1 });
    cache.load('unused', { version: 2 });
    for (let at = 0; at < 100; at += 1) {
      cache.load(`other ${at}`, { version: at });
      cache.newest('used');
    }
    expect(cache.newest('used')).toEqual({ version: 1 });
    expect(cache.newest('unused')).toBeUndefined();
  });

  test('does not let a row read from the store stand in for a newer one', () => {
    const cache = rowCache<string, Row>(10);
    cache.write('a', { version: 2 });
    cache.load('a', { version: 1 });
    expect(cache.newest('a')).toEqual({ version: 2 });
    expect(cache.durable('a')).toBeUndefined();
  });

  test('takes as long for many rows of one group as they are, not as their square', () => {
    const cache = rowCache<number, Row>(100);
    for (let at = 0; at < 100_000; at += 1) cache.write(at, { version: at });
    for (let at = 0; at < 100_000; at += 1) cache.settle(at, { version: at });
    expect(cache.durable(99_999)).toEqual({ version: 99_999 });
    for (let at = 0; at < 100_000; at += 1) cache.load(-at, { version: at });
    expect(cache.size).toBeLessThanOrEqual(200_100);
  });
});
