/** The page that shows the results shows those that are kept. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { documentWith } from '../../bench/document.js';
import { keptResults } from '../../bench/report.js';
import { ON_DEMAND, SCENARIOS } from '../../bench/scenarios/scenarios.js';

const root = path.join(import.meta.dirname, '../..');
const results = path.join(root, 'bench/results');
const names = [...SCENARIOS, ...ON_DEMAND].map(({ name }) => name);
const page = readFileSync(path.join(root, 'docs/performance.md'), 'utf8');

test('the tables of the page are those of the results', () => {
  expect(documentWith(page, keptResults(results, names))).toBe(page);
});

test('each result is of a scenario that is there, and the page has its plots', () => {
  const kept = keptResults(results, names);
  expect(kept.length).toBeGreaterThan(0);
  for (const { scenario, outcome } of kept) {
    expect(names).toContain(scenario);
    for (const { name } of outcome.plots) {
      expect(existsSync(path.join(results, `${scenario}.${name}.svg`))).toBe(true);
    }
  }
});

test('a page without a place for the results is refused', () => {
  expect(() => documentWith('# Performance\n', [])).toThrow('the page has no part for its results');
});
