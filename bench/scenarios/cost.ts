import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { folderBytes } from '../folder-size.js';
import { outcomeOf, type Gauge, type Outcome } from '../outcome.js';
import type { Scenario } from '../scenario.js';

/** Packages that are named; the rest is one sum. */
const NAMED = 8;

const MODULES = `node_modules${path.sep}`;

/** Bytes of each package that production installs, by name, largest first. */
export function packageSizes(): readonly (readonly [string, number])[] {
  const words = ['ls', '--omit=dev', '--all', '--parseable'];
  const listed = execFileSync('npm', words, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const folders = new Set(listed.split('\n').filter((line) => line.includes(MODULES)));
  const sizes = new Map<string, number>();
  for (const folder of folders) {
    const name = folder.slice(folder.lastIndexOf(MODULES) + MODULES.length);
    // A package that another brings along lies in it, and is counted by itself.
    const inner = [...folders].filter((other) =>
      other.startsWith(`${folder}${path.sep}${MODULES}`),
    );
    const outermost = inner.filter(
      (other) => !inner.some((one) => other.startsWith(one + path.sep)),
    );
    const own = folderBytes(folder) - outermost.reduce((sum, each) => sum + folderBytes(each), 0);
    sizes.set(name, (sizes.get(name) ?? 0) + own);
  }
  return [...sizes].sort(([, a], [, b]) => b - a);
}

const cost: Scenario = {
  name: 'cost',
  title: 'What an installation without development packages takes on a disk',
  needs: [],
  estimate: () => 5,
  run: (): Promise<Outcome> => {
    const sizes = packageSizes();
    const named = sizes.slice(0, NAMED);
    const others = sizes.slice(NAMED);
    const rows = [
      ['dist', folderBytes('dist')],
      [`all ${sizes.length} packages`, sum(sizes)],
      ...named,
      [`the other ${others.length}`, sum(others)],
    ] as const;
    const gauges = rows.map(([name]): Gauge => ({ name, unit: 'MB' }));
    const readings = Object.fromEntries(rows.map(([name, bytes]) => [name, bytes / 1e6]));
    return Promise.resolve(outcomeOf(gauges, [], [{ readings, figures: {} }]));
  },
};

function sum(sizes: readonly (readonly [string, number])[]): number {
  return sizes.reduce((all, [, bytes]) => all + bytes, 0);
}

/** What is installed beside an agent. */
export const COST: Scenario = cost;
