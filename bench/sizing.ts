import type { Result } from './report.js';

/** Seconds of a day, and what a rate in megabytes makes of gigabytes. */
const DAY = 86_400;
const MEGA_PER_GIGA = 1_000;

/** The rate that disks are sized for here. */
const RATE = 10;

/** What the results say about how large a host has to be: lines of a table. */
export function sizingTable(results: readonly Result[]): readonly string[] {
  const side = (scenario: string, name: string) =>
    results
      .find((result) => result.scenario === scenario)
      ?.outcome.sides.find((each) => each.name === name);
  const reading = (scenario: string, name: string) =>
    results
      .find((result) => result.scenario === scenario)
      ?.outcome.readings.find((each) => each.name === name)?.value.median;
  const unary = side('spend', 'sidecar');
  const alone = side('spend-alone', 'sidecar');
  const perEntry = bytesPerEntry(results.find(({ scenario }) => scenario === 'growth'));
  const perDay = perEntry && (perEntry * RATE * DAY) / 1e6 / MEGA_PER_GIGA;
  const rows: readonly (readonly [string, number | undefined, string])[] = [
    ['a Spend alone, p50', alone?.p50Ms.median, 'ms'],
    ['unary spends, 128 in flight', unary?.throughput.median, 'a second'],
    ['CPU of a unary spend', unary?.serverCpuUs?.median, 'us'],
    ['batches of 100', side('batch', 'sidecar')?.throughput.median, 'spends a second'],
    ['16 streams', side('stream', 'stream')?.throughput.median, 'spends a second'],
    ['idle memory, 1,000 agents', reading('idle', 'resident'), 'MB'],
    ['disk of a spend', perEntry, 'bytes'],
    [`disk of ${RATE} spends a second, uncut`, perDay, 'GB a day'],
  ];
  return [
    '| | | |',
    '| --- | --- | --- |',
    ...rows.flatMap(([what, value, unit]) =>
      value === undefined ? [] : [`| ${what} | ${text(value)} | ${unit} |`],
    ),
  ];
}

/** Of the last step of a store's growth, which adds entries and nothing else. */
function bytesPerEntry(growth: Result | undefined): number | undefined {
  const sizes = growth?.outcome.readings.filter(({ name }) => name.endsWith('file')) ?? [];
  const [before, after] = sizes.slice(-2);
  if (before === undefined || after === undefined) return undefined;
  const entries = entriesIn(after.name) - entriesIn(before.name);
  return ((after.value.median - before.value.median) * 1e6) / entries;
}

function entriesIn(name: string): number {
  return Number(/([\d,]+) entries/.exec(name)?.[1]?.replaceAll(',', ''));
}

function text(value: number): string {
  return value >= 1_000
    ? Math.round(value).toLocaleString('en')
    : String(Number(value.toPrecision(3)));
}
