import { isMet, type Outcome, type Reading, type SideOutcome, type Target } from './outcome.js';
import type { Result } from './report.js';
import type { Spread } from './statistic.js';

/** A load client that takes more of a core than this is part of what was measured. */
const CLIENT_CPU_MAX = 0.85;

/** Clients with several threads, or none that stands between. */
const OTHER_CLIENTS: readonly string[] = ['pgbench', 'none'];

/** The results in tables for people, as lines. */
export function tablesOf(results: readonly Result[]): readonly string[] {
  const compared = results.filter(({ outcome }) => outcome.sides.length > 0);
  const notes = results.flatMap(({ scenario, outcome }) =>
    outcome.notes.map((note) => `- ${scenario}: ${note}`),
  );
  const sides = [
    'What the ratios are made of. *Server CPU* is of all threads of the server, a unit; *client* says what',
    'made the load and how much of a core it took.',
    '',
    row('scenario', 'side', 'units/s', 'p50 ms', 'p99 ms', 'server CPU us', 'client'),
    row('---', '---', '---', '---', '---', '---', '---'),
    ...compared.flatMap(({ scenario, outcome }) => sideRows(scenario, outcome)),
    '',
  ];
  return [
    'Medians, in brackets the least and the most of the rounds.',
    '',
    row('scenario', 'what', 'value', 'target', 'met'),
    row('---', '---', '---', '---', '---'),
    ...results.flatMap(readingRows),
    '',
    ...(compared.length === 0 ? [] : sides),
    ...(notes.length === 0 ? [] : [...notes, '']),
    ...machineLines(results),
  ];
}

function readingRows({ scenario, outcome }: Result): readonly string[] {
  return outcome.readings.map((reading, index) => {
    const { name, unit, value, target } = reading;
    const met = isMet(reading);
    return row(
      index === 0 ? `\`${scenario}\`` : '',
      name,
      `**${digits(value.median)}**${unitOf(reading)} [${digits(value.min)}..${digits(value.max)}]`,
      target === undefined ? '' : `${targetText(target)}${unit === '' ? '' : ` ${unit}`}`,
      met === undefined ? '' : met ? 'yes' : 'no',
    );
  });
}

function unitOf({ unit }: Reading): string {
  return unit === '' ? '' : ` ${unit}`;
}

function targetText({ atLeast, atMost }: Target): string {
  return atLeast === undefined ? `<= ${limit(atMost)}` : `>= ${limit(atLeast)}`;
}

function limit(value = Number.NaN): string {
  return value.toLocaleString('en');
}

function sideRows(scenario: string, { sides }: Outcome): readonly string[] {
  return sides.map((side, index) => {
    const { name, throughput, p50Ms, p99Ms, serverCpuUs } = side;
    const cpu = serverCpuUs === undefined ? '' : spread(serverCpuUs);
    return row(
      index === 0 ? `\`${scenario}\`` : '',
      name,
      spread(throughput),
      spread(p50Ms),
      spread(p99Ms),
      cpu,
      clientOf(side),
    );
  });
}

function clientOf({ client, clientCpu }: SideOutcome): string {
  if (client === 'none') return '';
  const isBound = clientCpu.median > CLIENT_CPU_MAX && !OTHER_CLIENTS.includes(client);
  return `${client} ${clientCpu.median.toFixed(2)}${isBound ? ' (the limit)' : ''}`;
}

function row(...cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function spread({ median, min, max }: Spread): string {
  return `${digits(median)} [${digits(min)}..${digits(max)}]`;
}

function digits(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString('en');
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

/** Each machine and commit once, with what ran there. */
function machineLines(results: readonly Result[]): readonly string[] {
  const lines = new Map<string, string[]>();
  for (const { scenario, date, effort, machine } of results) {
    const { cpu, cores, memoryGb, system, node, packages, commit } = machine;
    const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
    const scale = effort.scale === 1 ? '' : `, stores at ${effort.scale} of their size`;
    const line =
      `commit ${commit}, ${date}; ${effort.rounds} rounds of ${effort.seconds} s${scale}; ${cpu}, ` +
      `${cores} cores, ${memoryGb} GB, ${system}, Node ${node}, ${versions.join(', ')}`;
    lines.set(line, [...(lines.get(line) ?? []), scenario]);
  }
  return [...lines].map(([line, names]) => `- ${names.join(', ')}: ${line}`);
}
