import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { TABLES } from '../../src/store/kv.js';

test('docs/store.md describes every table once, and `meta` by its rows', () => {
  const file = path.join(import.meta.dirname, '../../docs/store.md');
  const lines = readFileSync(file, 'utf8').split('\n');
  const named = lines.flatMap((line) => {
    const cell = /^\| (`[^|]*) \|/.exec(line)?.[1] ?? '';
    return [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name);
  });
  expect(named.filter((name) => name === 'meta')).toHaveLength(2);
  const others = named.filter((name) => name !== 'meta');
  expect(others.sort()).toEqual(TABLES.filter((name) => name !== 'meta').sort());
});
