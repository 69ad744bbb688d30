/** The benchmark itself: that it still runs and has a figure for each side. How large is not asked. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Result } from '../../bench/report.js';

const root = path.join(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-bench-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function node(...words: readonly string[]): void {
  execFileSync(process.execPath, words, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
}

test('a short run has figures for each side', { timeout: 120_000 }, () => {
  const compiled = path.join(root, '.cache/bench');
  node('node_modules/typescript/bin/tsc', '-p', 'bench/tsconfig.json', '--outDir', compiled);
  const scenarios = ['spend-alone', 'reserve-commit', 'batch', 'stream'];
  const short = ['--rounds', '1', '--seconds', '0.3', '--results', folder];
  node(path.join(compiled, 'bench/main.js'), ...scenarios, ...short);

  for (const scenario of scenarios) {
    const kept = readFileSync(path.join(folder, `${scenario}.json`), 'utf8');
    const { outcome, machine } = JSON.parse(kept) as Result;
    expect(machine.cores).toBeGreaterThan(0);
    expect(outcome.ratio.median).toBeGreaterThan(0);
    expect(outcome.sides.length).toBeGreaterThan(1);
    for (const side of outcome.sides) expect(side.throughput.median).toBeGreaterThan(0);
  }
  expect(readFileSync(path.join(folder, 'results.md'), 'utf8')).toContain('**Spend, durable');
});
