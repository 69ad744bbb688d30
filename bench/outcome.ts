import type { Figure } from './load.js';
import { spreadOf, type Spread } from './statistic.js';

/** What a reading is to be. */
export interface Target {
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** A kind of value that each round of a scenario reads. */
export interface Gauge {
  /** As the table says it, such as `throughput / echo`. */
  readonly name: string;
  /** Empty: a ratio. */
  readonly unit: string;
  readonly target?: Target;
}

/** A gauge with what all rounds showed. */
export interface Reading extends Gauge {
  readonly value: Spread;
}

/** What one round showed, by the names of gauges and sides. */
export interface Round {
  readonly readings: Readonly<Record<string, number>>;
  readonly figures: Readonly<Record<string, Figure>>;
}

/** One side of a comparison over all rounds. */
export interface SideOutcome {
  readonly name: string;
  /** What made the load. */
  readonly client: string;
  readonly throughput: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
  readonly serverCpuUs: Spread | undefined;
  readonly clientCpu: Spread;
}

/** A line of a plot: what was read at each x. */
export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** A picture of what a scenario showed. */
export interface Plot {
  /** Of its file, after the scenario's. */
  readonly name: string;
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

/** An axis of a plot. */
export interface Axis {
  /** With its unit. */
  readonly label: string;
  readonly scale: 'linear' | 'log';
}

/** What a scenario showed. */
export interface Outcome {
  readonly readings: readonly Reading[];
  readonly sides: readonly SideOutcome[];
  readonly rounds: readonly Round[];
  readonly plots: readonly Plot[];
  /** What a reader has to know about these very figures. */
  readonly notes: readonly string[];
}

/** Puts the rounds of a scenario together. */
export function outcomeOf(
  gauges: readonly Gauge[],
  sides: readonly { readonly name: string; readonly client: string }[],
  rounds: readonly Round[],
): Outcome {
  return {
    readings: gauges.map((gauge) => ({
      ...gauge,
      value: spreadOf(rounds.flatMap(({ readings }) => readings[gauge.name] ?? [])),
    })),
    sides: sides.map(({ name, client }) => sideOutcome(name, client, rounds)),
    rounds,
    plots: [],
    notes: [],
  };
}

/** Whether a reading is what it is to be; undefined where nothing was asked. */
export function isMet({ target, value: { median } }: Reading): boolean | undefined {
  if (target === undefined) return undefined;
  const { atLeast = -Infinity, atMost = Infinity } = target;
  return median >= atLeast && median <= atMost;
}

function sideOutcome(name: string, client: string, rounds: readonly Round[]): SideOutcome {
  const figures = rounds.flatMap((round) => round.figures[name] ?? []);
  const spread = (value: (figure: Figure) => number) => spreadOf(figures.map(value));
  const cpu = figures.flatMap(({ serverCpuUs }) => serverCpuUs ?? []);
  return {
    name,
    client,
    throughput: spread((figure) => figure.throughput),
    p50Ms: spread((figure) => figure.p50Ms),
    p99Ms: spread((figure) => figure.p99Ms),
    serverCpuUs: cpu.length === 0 ? undefined : spreadOf(cpu),
    clientCpu: spread((figure) => figure.clientCpu),
  };
}
