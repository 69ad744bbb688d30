import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Machine } from './machine.js';
import type { Outcome, Scenario, SideOutcome } from './scenario.js';
import type { Spread } from './statistic.js';

/** A scenario's result as it is kept. */
export interface Result {
  readonly scenario: string;
  readonly title: string;
  readonly ratioMeans: string;
  readonly target: string;
  readonly date: string;
  readonly seconds: number;
  readonly machine: Machine;
  readonly outcome: Outcome;
}

/** A load client that takes more of a core than this is part of what was measured. */
const CLIENT_CPU_MAX = 0.85;

/** Puts a scenario and its outcome together. */
export function resultOf(
  scenario: Scenario,
  outcome: Outcome,
  seconds: number,
  machine: Machine,
): Result {
  const { name, title, ratio, target } = scenario;
  const date = new Date().toISOString().slice(0, 10);
  return { scenario: name, title, ratioMeans: ratio, target, date, seconds, machine, outcome };
}

/** Keeps a result, and writes the table of all that are kept in the folder. */
export function keep(result: Result, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const text = JSON.stringify(result, rounded, 2);
  writeFileSync(path.join(folder, `${result.scenario}.json`), `${text}\n`);
  const kept = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Result);
  writeFileSync(path.join(folder, 'results.md'), tableOf(kept));
}

/** Four digits say more than the noise leaves true. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value)
    ? Number(value.toPrecision(4))
    : value;
}

/** The results in a table for people. */
export function tableOf(results: readonly Result[]): string {
  const rows = results.flatMap((result) => [
    ratioRow(result),
    ...result.outcome.sides.map(sideRow),
  ]);
  return [
    '# Benchmarks',
    '',
    'Written by `npm run bench`. Medians, in brackets the least and the most of the rounds. CPU is of',
    'all threads of the server a unit; the client is the part of a core that the load took.',
    '',
    '| scenario | ratio or units/s | target | p50 ms | p99 ms | server CPU us | client |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    ...machineLines(results),
    '',
  ].join('\n');
}

function ratioRow({ title, ratioMeans, target, outcome }: Result): string {
  return row(`**${title}**`, `**${spread(outcome.ratio)}** ${ratioMeans}`, target, '', '', '', '');
}

function sideRow(side: SideOutcome): string {
  const { name, throughput, p50Ms, p99Ms, serverCpuUs, clientCpu } = side;
  const client = `${clientCpu.median.toFixed(2)}${isClientBound(side) ? ' (the limit)' : ''}`;
  const cpu = serverCpuUs === undefined ? '' : spread(serverCpuUs);
  return row(name, spread(throughput), '', spread(p50Ms), spread(p99Ms), cpu, client);
}

function isClientBound({ serverCpuUs, clientCpu }: SideOutcome): boolean {
  return serverCpuUs !== undefined && clientCpu.median > CLIENT_CPU_MAX;
}

function row(...cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function spread({ median, min, max }: Spread): string {
  return `${digits(median)} [${digits(min)}..${digits(max)}]`;
}

function digits(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString('en');
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** Each machine and commit once, with what ran there. */
function machineLines(results: readonly Result[]): readonly string[] {
  const lines = new Map<string, string[]>();
  for (const { scenario, date, seconds, machine, outcome } of results) {
    const { cpu, cores, memoryGb, system, node, packages, commit } = machine;
    const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
    const line =
      `commit ${commit}, ${date}; ${outcome.rounds.length} rounds of ${seconds} s; ${cpu}, ` +
      `${cores} cores, ${memoryGb} GB, ${system}, Node ${node}, ${versions.join(', ')}`;
    lines.set(line, [...(lines.get(line) ?? []), scenario]);
  }
  return [...lines].map(([line, names]) => `- ${names.join(', ')}: ${line}`);
}
