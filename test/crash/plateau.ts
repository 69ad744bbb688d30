import { median } from './pace.js';

const MIB = 2 ** 20;

/** What a checkpoint of the soak saw. */
export interface Sample {
  /** Since the soak began. */
  readonly ms: number;
  /** Spends, holds and settlements per second of the round before it. */
  readonly rate: number;
  /** After a collection of garbage, as heapBytes. */
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly descriptors: number;
  /** The size of data.mdb. */
  readonly fileBytes: number;
  /** Of spends. */
  readonly p99Ms: number;
  /** Of durable writes of the test itself. */
  readonly yardstickMs: number;
}

/** Fewer checkpoints in a third say nothing. */
const SAMPLES_MIN = 4;

/** A figure of a third, and what it may come to in the last one, given the middle one. */
interface Figure {
  readonly name: string;
  readonly of: (samples: readonly Sample[]) => number;
  /** `busier`: how many times the rate of the middle third the last one had, at least 1. */
  readonly most: (middle: number, busier: number) => number;
  readonly text: (value: number) => string;
}

const FIGURES: readonly Figure[] = [
  {
    // Compiled code and caches still come up to their level: some MiB, however long the run.
    name: 'heap',
    of: (samples) => median(samples.map(({ heapBytes }) => heapBytes)),
    most: (middle) => middle * 1.1 + 4 * MIB,
    text: mebibytes,
  },
  {
    // The allocator keeps what it has had, and pages of the map count once they were touched.
    name: 'resident memory',
    of: (samples) => median(samples.map(({ residentBytes }) => residentBytes)),
    most: (middle) => middle * 1.15 + 8 * MIB,
    text: mebibytes,
  },
  {
    name: 'descriptors',
    of: (samples) => median(samples.map(({ descriptors }) => descriptors)),
    most: (middle) => middle + 2,
    text: String,
  },
  {
    // It is as large as the busiest minute needs, and a step more when pages were free at the wrong time.
    name: 'data.mdb',
    of: (samples) => Math.max(...samples.map(({ fileBytes }) => fileBytes)),
    most: (middle, busier) => middle * busier * 1.15 + MIB,
    text: mebibytes,
  },
  {
    // A machine that others use answers ten times as late while they do, and writes as late.
    name: 'p99 of spends per p99 of writes',
    of: (samples) => median(samples.map(({ p99Ms, yardstickMs }) => p99Ms / yardstickMs)),
    most: (middle) => middle * 3 + 1,
    text: (ratio) => ratio.toFixed(1),
  },
];

/** The figures of the middle third and the last one. */
export interface Comparison {
  readonly lines: readonly string[];
  /** Those that went beyond their bound. */
  readonly drifts: readonly string[];
}

/** Compares the last third of a run with the middle one. Undefined: there are too few samples. */
export function compareThirds(samples: readonly Sample[], totalMs: number): Comparison | undefined {
  const third = (at: number) =>
    samples.filter(({ ms }) => ms >= (totalMs * at) / 3 && ms < (totalMs * (at + 1)) / 3);
  const [middle, last] = [third(1), third(2)];
  if (Math.min(middle.length, last.length) < SAMPLES_MIN) return undefined;
  const rate = (samples: readonly Sample[]) => Math.max(...samples.map((sample) => sample.rate));
  const busier = Math.max(1, rate(last) / rate(middle));
  const compared = FIGURES.map(({ name, of, most, text }) => {
    const [before, after] = [of(middle), of(last)];
    const line = `${name}: ${text(before)}, then ${text(after)} (at most ${text(most(before, busier))})`;
    return { line, holds: after <= most(before, busier) };
  });
  return {
    lines: compared.map(({ line }) => line),
    drifts: compared.filter(({ holds }) => !holds).map(({ line }) => line),
  };
}

export function mebibytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
