import type { Figure } from './load.js';
import type { Servers } from './servers.js';
import { spreadOf, type Spread } from './statistic.js';

/** One of the things that a scenario compares. */
export interface Side {
  readonly name: string;
  run(seconds: number): Promise<Figure>;
  close(): void;
}

/** What is measured, and against what. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** How the ratio is made of both sides, as the table says it. */
  readonly ratio: string;
  /** What the ratio is to be. Empty: there is no target. */
  readonly target: string;
  /** The peer first. They run on servers that nothing else uses. */
  sides(servers: Servers): Promise<readonly Side[]>;
  /** Of the sides' figures of one round, in their order. */
  ratioOf(figures: readonly Figure[]): number;
}

/** What one round showed. */
export interface Round {
  readonly ratio: number;
  /** By the names of the sides. */
  readonly figures: Readonly<Record<string, Figure>>;
}

/** What a scenario showed. */
export interface Outcome {
  readonly ratio: Spread;
  readonly sides: readonly SideOutcome[];
  readonly rounds: readonly Round[];
}

/** One side over all rounds. */
export interface SideOutcome {
  readonly name: string;
  readonly throughput: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
  readonly serverCpuUs: Spread | undefined;
  readonly clientCpu: Spread;
}

/** Runs every side in each round, and the other way round in every second one. */
export async function runScenario(
  scenario: Scenario,
  servers: Servers,
  options: { readonly rounds: number; readonly seconds: number },
): Promise<Outcome> {
  const sides = await scenario.sides(servers);
  try {
    // Compiled, cached and grown to their size before anything counts.
    for (const side of sides) await side.run(options.seconds);
    const rounds: Round[] = [];
    for (let number = 0; number < options.rounds; number += 1) {
      const figures: Record<string, Figure> = {};
      for (const side of number % 2 === 0 ? sides : sides.toReversed()) {
        figures[side.name] = await side.run(options.seconds);
      }
      const inOrder = sides.flatMap(({ name }) => figures[name] ?? []);
      rounds.push({ ratio: scenario.ratioOf(inOrder), figures });
    }
    return {
      ratio: spreadOf(rounds.map(({ ratio }) => ratio)),
      sides: sides.map(({ name }) => sideOutcome(name, rounds)),
      rounds,
    };
  } finally {
    for (const side of sides) side.close();
  }
}

function sideOutcome(name: string, rounds: readonly Round[]): SideOutcome {
  const figures = rounds.flatMap((round) => round.figures[name] ?? []);
  const spread = (value: (figure: Figure) => number) => spreadOf(figures.map(value));
  const cpu = figures.flatMap(({ serverCpuUs }) => serverCpuUs ?? []);
  return {
    name,
    throughput: spread((figure) => figure.throughput),
    p50Ms: spread((figure) => figure.p50Ms),
    p99Ms: spread((figure) => figure.p99Ms),
    serverCpuUs: cpu.length === 0 ? undefined : spreadOf(cpu),
    clientCpu: spread((figure) => figure.clientCpu),
  };
}
