import { readdirSync } from 'node:fs';
import path from 'node:path';
import { folderBytes } from '../folder-size.js';
import { outcomeOf, type Gauge, type Outcome } from '../outcome.js';
import type { Scenario } from '../scenario.js';

/** Packages that are named; the rest is one sum. */
const NAMED = 3;

const MODULES = path.join('dist', 'node_modules');

/** Bytes of each package that is in the build beside the bundle, by name, largest first. */
function packageSizes(): readonly (readonly [string, number])[] {
  return readdirSync(MODULES)
    .flatMap((name) =>
      name.startsWith('@')
        ? readdirSync(path.join(MODULES, name)).map((inner) => `${name}/${inner}`)
        : [name],
    )
    .map((name) => [name, folderBytes(path.join(MODULES, name))] as const)
    .sort(([, a], [, b]) => b - a);
}

const cost: Scenario = {
  name: 'cost',
  title: 'What the build takes on a disk: all that an image needs beside Node',
  needs: [],
  estimate: () => 5,
  run: (): Promise<Outcome> => {
    const all = folderBytes('dist');
    const sizes = packageSizes();
    const rows = [
      ['dist', all],
      ['the program and its libraries', all - folderBytes(MODULES)],
      ...sizes.slice(0, NAMED),
      ['the other packages', sum(sizes.slice(NAMED))],
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
