import { KEEP_FLAGS } from '../flags.js';
import { measure, type Figure } from '../load.js';
import { spends } from '../loads.js';
import { outcomeOf, type Gauge, type Outcome, type Plot, type Round } from '../outcome.js';
import type { Effort, Scenario } from '../scenario.js';
import { copyOf, seededStore, seedSeconds } from '../seed/seed.js';
import type { ServerProcess, Stage } from '../stage.js';
import { spreadOf } from '../statistic.js';
import { agentsSeed, manyAgents } from './state.js';
import { MANY } from './unary.js';

/** Calls in flight: powers of two. */
const LEVELS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

/** A point of a curve is measured for a part of a side's time: there are many. */
const PART = 0.5;

interface Line {
  readonly name: string;
  readonly server: ServerProcess;
}

/** One load that is measured, and where it lies in the plots. */
interface Point {
  readonly line: string;
  readonly x: number;
  readonly run: (seconds: number) => Promise<Figure>;
}

interface Found {
  readonly point: Point;
  readonly figures: readonly Figure[];
}

async function pointsMeasured(points: readonly Point[], effort: Effort): Promise<readonly Found[]> {
  const figures = new Map<Point, Figure[]>();
  for (let round = 0; round < effort.rounds; round += 1) {
    for (const point of round % 2 === 0 ? points : points.toReversed()) {
      const figure = await point.run(effort.seconds * PART);
      figures.set(point, [...(figures.get(point) ?? []), figure]);
    }
  }
  return points.map((point) => ({ point, figures: figures.get(point) ?? [] }));
}

/** A connection is opened anew at each point: none keeps what another has left. */
function pointOf(line: Line, x: number, slots: number, agents?: number): Point {
  return {
    line: line.name,
    x,
    run: async (seconds) => {
      const load = await spends(slots, agents)(line.server.tcp);
      try {
        return await measure(load, seconds, line.server.pid);
      } finally {
        load.close();
      }
    },
  };
}

/** Throughput and latency over the same x. */
function plotsOf(found: readonly Found[], what: string, xLabel: string): readonly Plot[] {
  const lines = [...new Set(found.map(({ point }) => point.line))];
  const series = (suffix: string, value: (figure: Figure) => number) =>
    lines.map((line) => ({
      name: `${line}${suffix}`,
      points: found
        .filter(({ point }) => point.line === line)
        .map(({ point, figures }) => ({ x: point.x, y: spreadOf(figures.map(value)).median })),
    }));
  const x = { label: xLabel, scale: 'log' } as const;
  return [
    {
      name: 'throughput',
      title: `Throughput of durable spends over ${what}`,
      x,
      y: { label: 'spends a second', scale: 'linear' },
      series: series('', ({ throughput }) => throughput),
    },
    {
      name: 'latency',
      title: `Latency of durable spends over ${what}`,
      x,
      y: { label: 'milliseconds', scale: 'log' },
      series: [...series(' p50', ({ p50Ms }) => p50Ms), ...series(' p99', ({ p99Ms }) => p99Ms)],
    },
  ];
}

/** A gauge for the throughput of a line at some places. */
function readingsOf(
  found: readonly Found[],
  line: string,
  unit: string,
  effort: Effort,
): { gauges: readonly Gauge[]; rounds: readonly Round[] } {
  const own = found.filter(({ point }) => point.line === line);
  const gauges = own.map(({ point }) => ({
    name: `${point.x.toLocaleString('en')} ${unit}`,
    unit: 'spends/s',
  }));
  const rounds = Array.from({ length: effort.rounds }, (_, round): Round => {
    const readings = own.map(
      ({ figures }, index) =>
        [gauges[index]?.name ?? '', figures[round]?.throughput ?? Number.NaN] as const,
    );
    return { readings: Object.fromEntries(readings), figures: {} };
  });
  return { gauges, rounds };
}

const concurrency: Scenario = {
  name: 'concurrency',
  title: 'Spend, durable, with 1 to 1,024 in flight, TCP',
  needs: [],
  estimate: ({ rounds, seconds }) => 5 + 2 * LEVELS.length * rounds * seconds * PART * 1.4,
  run: async (stage: Stage, effort): Promise<Outcome> => {
    const echo = { name: 'echo', server: await stage.echo() };
    const sidecar = { name: 'sidecar', server: await stage.sidecar() };
    const points = LEVELS.flatMap((slots) =>
      [echo, sidecar].map((line) => pointOf(line, slots, slots)),
    );
    const found = await pointsMeasured(points, effort);
    const { gauges, rounds } = readingsOf(found, 'sidecar', 'in flight', effort);
    const plots = plotsOf(found, 'calls in flight', 'calls in flight');
    return { ...outcomeOf(gauges, [], rounds), plots };
  },
};

const agentsCurve: Scenario = {
  name: 'agents-curve',
  title: `Spend, ${MANY} in flight, over a part of the agents of one large store`,
  needs: [],
  estimate: (effort) =>
    20 +
    seedSeconds(agentsSeed(manyAgents(effort))) +
    7 * effort.rounds * effort.seconds * PART * 1.4,
  run: async (stage: Stage, effort): Promise<Outcome> => {
    const count = manyAgents(effort);
    const dataDir = copyOf(stage, await seededStore(stage, agentsSeed(count)));
    const server = await stage.sidecar({ dataDir, flags: KEEP_FLAGS });
    const counts = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000].filter((some) => some <= count);
    const line = { name: 'sidecar', server };
    const points = counts.map((agents) => pointOf(line, agents, MANY, agents));
    const found = await pointsMeasured(points, effort);
    const { gauges, rounds } = readingsOf(found, 'sidecar', 'agents spend', effort);
    const plots = plotsOf(found, 'the number of agents that spend', 'agents that spend');
    return { ...outcomeOf(gauges, [], rounds), plots };
  },
};

/** Many points, and their plots. */
export const CURVES: readonly Scenario[] = [concurrency, agentsCurve];
