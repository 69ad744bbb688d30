/**
 * The benchmark itself: that every scenario still runs and reads something. How much is not asked. Which
 * ones run is said by SAFEGUARDS_BENCH: `all`, or by default a few.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Result } from '../../bench/report.js';
import { SCENARIOS } from '../../bench/scenarios/scenarios.js';
import { missingTools } from '../../bench/tools.js';

const root = path.join(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-bench-test-'));
const compiled = path.join(root, '.cache/bench');
const mustHaveTools = process.env['SAFEGUARDS_REQUIRE_TOOLS'] === '1';

const few = ['spend-alone', 'reserve-commit', 'stream'];
const chosen = SCENARIOS.filter(
  ({ name }) => process.env['SAFEGUARDS_BENCH'] === 'all' || few.includes(name),
);

beforeAll(() => {
  const words = ['node_modules/typescript/bin/tsc', '-p', 'bench/tsconfig.json'];
  execFileSync(process.execPath, [...words, '--outDir', compiled], { cwd: root, stdio: 'inherit' });
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(chosen.map((scenario) => [scenario.name, scenario] as const))(
  'a short run of %s reads what it says',
  { timeout: 120_000 },
  (name, { needs }) => {
    const output = bench(name);
    const missing = missingTools(needs);
    if (missing.length > 0) {
      expect(mustHaveTools, `${missing.join(', ')} is missing`).toBe(false);
      expect(output).toContain(`SKIPPED ${name}: ${missing.join(', ')} is not installed`);
      return;
    }
    const { outcome, machine } = kept(name);
    expect(machine.cores).toBeGreaterThan(0);
    expect(outcome.readings.length).toBeGreaterThan(0);
    for (const { name: reading, value } of outcome.readings) {
      expect(Number.isFinite(value.median), `${reading} of ${name}`).toBe(true);
    }
    for (const side of outcome.sides) expect(side.throughput.median).toBeGreaterThan(0);
    expect(readFileSync(path.join(folder, 'results.md'), 'utf8')).toContain(`\`${name}\``);
  },
);

test('a scenario with a result of this commit is not measured again', () => {
  const [first] = chosen;
  const name = first?.name ?? '';
  expect(bench(name, '--resume')).toContain(`${name} has a result of`);
});

test.each([
  ['a scenario that is not there', ['spends'], 'No scenario spends. There are: all, spend,'],
  ['an option that is not there', ['--round', '3'], "Unknown option '--round'"],
  ['a number that is none', ['--rounds', 'many'], '--rounds is a whole number from 1 to 1000000'],
  ['a size beyond its range', ['--scale', '2'], '--scale is a number from 0.001 to 1, not'],
] as const)('%s is refused by name', (_what, words, message) => {
  const script = path.join(compiled, 'bench/main.js');
  const { status, stderr } = spawnSync(process.execPath, [script, ...words], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});

function bench(...words: readonly string[]): string {
  const short = ['--rounds', '1', '--seconds', '0.3', '--scale', '0.001', '--minutes', '0.1'];
  const places = ['--results', folder, '--cache', path.join(folder, 'stores')];
  return execFileSync(
    process.execPath,
    [path.join(compiled, 'bench/main.js'), ...words, ...short, ...places],
    { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  );
}

function kept(name: string): Result {
  const file = path.join(folder, `${name}.json`);
  expect(existsSync(file)).toBe(true);
  return JSON.parse(readFileSync(file, 'utf8')) as Result;
}
