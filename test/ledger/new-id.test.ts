import { expect, test } from 'vitest';
import { idMaker } from '../../src/ledger/new-id.js';

/** Milliseconds since 1970 that an id begins with. */
const timeOf = (id: string): number => Number.parseInt(id.replace('-', '').slice(0, 12), 16);

test('ids are UUIDs of version 7 that only grow', () => {
  let now = 1_800_000_000_000;
  const newId = idMaker(() => now);
  const ids: string[] = [];
  for (let at = 0; at < 1_000; at += 1) {
    // Stands still, goes on, and is set back.
    if (at % 7 === 0) now += 1;
    if (at === 500) now -= 3_600_000;
    ids.push(newId());
  }
  for (const id of ids) {
    expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  }
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  expect(timeOf(ids[0]!)).toBe(1_800_000_000_001);
  expect(timeOf(ids.at(-1)!)).toBe(timeOf(ids[500]!));
});

test('ids of makers that begin in the same millisecond differ', () => {
  const makers = Array.from({ length: 100 }, () => idMaker(() => 1_800_000_000_000));
  // What is random of the first ids of a pool and of the last: more than one pool of each.
  const ids = makers.flatMap((newId) => Array.from({ length: 300 }, () => newId()));
  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set(ids.map((id) => id.slice(24))).size).toBe(ids.length);
});
