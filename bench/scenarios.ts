import { syncs } from './disk.js';
import { measure, type Figure } from './load.js';
import { batches, pairs, reads, spends, streamed, type OpenLoad } from './loads.js';
import type { Scenario, Side } from './scenario.js';
import type { ServerProcess, Servers } from './servers.js';

/** Calls in progress where many are. */
const MANY = 128;

/** Streams, and items in flight on each. */
const STREAMS = 16;
const ITEMS_IN_FLIGHT = 64;

/** Batches in flight. */
const BATCHES = 16;

/** What `npm run bench` measures, by the rows of the table of targets. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'spend',
    title: `Spend, durable, ${MANY} in flight, TCP`,
    ratio: 'throughput / echo',
    target: '>= 0.85',
    sides: ({ echo, sidecar }) =>
      all(side('echo', spends(MANY), echo), side('sidecar', spends(MANY), sidecar)),
    ratioOf: throughputRatio,
  },
  {
    name: 'spend-unix',
    title: `Spend, durable, ${MANY} in flight, Unix socket`,
    ratio: 'throughput / echo',
    target: '>= 0.85',
    sides: ({ echo, sidecar }) =>
      all(side('echo', spends(MANY), echo, 'unix'), side('sidecar', spends(MANY), sidecar, 'unix')),
    ratioOf: throughputRatio,
  },
  {
    name: 'spend-alone',
    title: 'Spend, durable, 1 in flight, TCP',
    ratio: 'p50 / (echo p50 + fdatasync p50)',
    target: '<= 1.5',
    sides: (servers) =>
      all(
        side('echo', spends(1), servers.echo),
        disk(servers),
        side('sidecar', spends(1), servers.sidecar),
      ),
    ratioOf: ([echo, fdatasync, sidecar]) => p50(sidecar) / (p50(echo) + p50(fdatasync)),
  },
  {
    name: 'reserve-commit',
    title: `Reserve + Commit, ${MANY} pairs in flight, TCP`,
    ratio: 'pairs / half of echo',
    target: '>= 0.8',
    sides: ({ echo, sidecar }) =>
      all(side('echo', spends(MANY), echo), side('sidecar', pairs(MANY), sidecar)),
    ratioOf: (figures) => 2 * throughputRatio(figures),
  },
  {
    name: 'get-budget',
    title: `GetBudget, ${MANY} in flight, TCP`,
    ratio: 'throughput / echo of GetBudget',
    target: '>= 0.95',
    sides: ({ echo, sidecar }) =>
      all(side('echo', reads(MANY), echo), side('sidecar', reads(MANY), sidecar)),
    ratioOf: throughputRatio,
  },
  {
    name: 'batch',
    title: `BatchSpend of 100, ${BATCHES} in flight, TCP`,
    ratio: 'spends / unary spends',
    target: '40,000 spends/s on two cores',
    sides: ({ sidecar }) =>
      all(side('unary', spends(MANY), sidecar), side('batch', batches(BATCHES), sidecar)),
    ratioOf: throughputRatio,
  },
  {
    name: 'stream',
    title: `SpendStream, ${STREAMS} streams, ${ITEMS_IN_FLIGHT} in flight on each, TCP`,
    ratio: 'spends / unary spends',
    target: '>= 2.5',
    sides: ({ sidecar }) =>
      all(
        side('unary', spends(MANY), sidecar),
        side('stream', streamed(STREAMS, ITEMS_IN_FLIGHT), sidecar),
      ),
    ratioOf: throughputRatio,
  },
];

async function side(
  name: string,
  open: OpenLoad,
  server: ServerProcess,
  transport: 'tcp' | 'unix' = 'tcp',
): Promise<Side> {
  const load = await open(server[transport]);
  return {
    name,
    run: (seconds) => measure(load, seconds, server.pid),
    close: load.close,
  };
}

function disk({ folder }: Servers): Promise<Side> {
  return Promise.resolve({
    name: 'fdatasync',
    run: (seconds) => syncs(folder, seconds),
    close: () => undefined,
  });
}

function all(...sides: readonly Promise<Side>[]): Promise<readonly Side[]> {
  return Promise.all(sides);
}

function throughputRatio([peer, own]: readonly Figure[]): number {
  return (own?.throughput ?? Number.NaN) / (peer?.throughput ?? Number.NaN);
}

function p50(figure: Figure | undefined): number {
  return figure?.p50Ms ?? Number.NaN;
}
