import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Machine } from './machine.js';
import type { Outcome } from './outcome.js';
import { plotSvg } from './plot.js';
import type { Effort, Scenario } from './scenario.js';
import { tablesOf } from './tables.js';

/** A scenario's result as it is kept. */
export interface Result {
  readonly scenario: string;
  readonly title: string;
  readonly date: string;
  readonly effort: Effort;
  readonly machine: Machine;
  readonly outcome: Outcome;
}

/** Puts a scenario and its outcome together. */
export function resultOf(
  scenario: Scenario,
  outcome: Outcome,
  effort: Effort,
  machine: Machine,
): Result {
  const { name, title } = scenario;
  const date = new Date().toISOString().slice(0, 10);
  return { scenario: name, title, date, effort, machine, outcome };
}

/** Keeps a result with its plots, and writes the tables of all that are kept in the folder. */
export function keep(result: Result, folder: string, order: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  const text = JSON.stringify(result, rounded, 2);
  writeFileSync(path.join(folder, `${result.scenario}.json`), `${text}\n`);
  for (const name of readdirSync(folder)) {
    if (name.startsWith(`${result.scenario}.`) && name.endsWith('.svg')) {
      rmSync(path.join(folder, name));
    }
  }
  for (const plot of result.outcome.plots) {
    writeFileSync(path.join(folder, `${result.scenario}.${plot.name}.svg`), plotSvg(plot));
  }
  const lines = ['# Benchmarks', '', 'Written by `npm run bench`.', ''];
  const tables = tablesOf(keptResults(folder, order));
  writeFileSync(path.join(folder, 'results.md'), [...lines, ...tables, ''].join('\n'));
}

/** The results kept in a folder, in the order of the scenarios. */
export function keptResults(folder: string, order: readonly string[]): readonly Result[] {
  const results = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Result);
  const place = ({ scenario }: Result) => order.indexOf(scenario);
  return results.sort((a, b) => place(a) - place(b));
}

/** The kept result of a scenario, or undefined. */
export function keptResult(folder: string, scenario: string): Result | undefined {
  try {
    return JSON.parse(readFileSync(path.join(folder, `${scenario}.json`), 'utf8')) as Result;
  } catch {
    return undefined;
  }
}

/** Four digits say more than the noise leaves true. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value)
    ? Number(value.toPrecision(4))
    : value;
}
