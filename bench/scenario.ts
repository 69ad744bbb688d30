import type { Figure } from './load.js';
import { outcomeOf, type Gauge, type Outcome, type Round } from './outcome.js';
import type { Stage } from './stage.js';
import type { ToolName } from './tools.js';

/** How long and how often. */
export interface Effort {
  readonly rounds: number;
  /** Of each side in each round. */
  readonly seconds: number;
  /** How much is in the store where a scenario needs a large one, as a part of what it is to be: 0..1. */
  readonly scale: number;
  /** How long the churn goes on. */
  readonly minutes: number;
}

/** What is measured, and against what. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Programs that it cannot do without: where one is missing it is skipped, by name. */
  readonly needs: readonly ToolName[];
  /** Roughly how many seconds it takes: what is printed before, and triple that is its bound. */
  readonly estimate: (effort: Effort) => number;
  /** On a stage that nothing else uses. */
  readonly run: (stage: Stage, effort: Effort) => Promise<Outcome>;
}

/** One of the things that a scenario compares. */
export interface Side {
  readonly name: string;
  /** What makes the load. */
  readonly client: string;
  run(seconds: number): Promise<Figure>;
  close(): void;
}

/** A scenario whose rounds run several sides and read something from their figures. */
export interface Comparison {
  readonly name: string;
  readonly title: string;
  readonly needs?: readonly ToolName[];
  readonly gauges: readonly (Gauge & {
    /** Of the sides' figures of one round, in their order. */
    readonly of: (figures: readonly Figure[]) => number;
  })[];
  /** How many there are, for the estimate. */
  readonly sideCount: number;
  /** Seconds that preparing takes beyond starting the servers. */
  readonly setup?: (effort: Effort) => number;
  /** The peers first. */
  readonly sides: (stage: Stage, effort: Effort) => Promise<readonly Side[]>;
}

/** What a run of a side takes more than it measures: warming up, and running out. */
const OVERHEAD = 1.3;

/** Starting servers and making agents. */
const START_SECONDS = 5;

/** Makes a scenario of a comparison. */
export function comparison(given: Comparison): Scenario {
  const { name, title, needs = [], setup = () => 0 } = given;
  return {
    name,
    title,
    needs,
    estimate: (effort) =>
      START_SECONDS +
      setup(effort) +
      given.sideCount * (effort.rounds + 1) * effort.seconds * OVERHEAD,
    run: (stage, effort) => compare(given, stage, effort),
  };
}

/** Runs every side in each round, and the other way round in every second one. */
async function compare(given: Comparison, stage: Stage, effort: Effort): Promise<Outcome> {
  const sides = await given.sides(stage, effort);
  try {
    // Compiled, cached and grown to their size before anything counts.
    for (const side of sides) await side.run(effort.seconds);
    const rounds: Round[] = [];
    for (let number = 0; number < effort.rounds; number += 1) {
      const figures: Record<string, Figure> = {};
      for (const side of number % 2 === 0 ? sides : sides.toReversed()) {
        figures[side.name] = await side.run(effort.seconds);
      }
      const inOrder = sides.flatMap((side) => figures[side.name] ?? []);
      const readings = given.gauges.map((gauge) => [gauge.name, gauge.of(inOrder)] as const);
      rounds.push({ readings: Object.fromEntries(readings), figures });
    }
    const gauges = given.gauges.map(({ of: _of, ...gauge }) => gauge);
    return outcomeOf(gauges, sides, rounds);
  } finally {
    for (const side of sides) side.close();
  }
}

/** Runs something some times and reads the same gauges each time. */
export async function repeat(
  gauges: readonly Gauge[],
  rounds: number,
  read: (round: number) => Promise<Readonly<Record<string, number>>>,
): Promise<Outcome> {
  const done: Round[] = [];
  for (let number = 0; number < rounds; number += 1) {
    done.push({ readings: await read(number), figures: {} });
  }
  return outcomeOf(gauges, [], done);
}
