import { median } from './pace.js';

const MIB = 2 ** 20;

/** What a checkpoint of the soak saw. */
export interface Sample {
  /** Since the soak began. */
  readonly ms: number;
  /** After a collection of garbage. */
  readonly residentBytes: number;
  readonly descriptors: number;
  /** The size of data.mdb. */
  readonly fileBytes: number;
  readonly p99Ms: number;
}

/** Fewer checkpoints in a third say nothing. */
const SAMPLES_MIN = 4;

/**
 * What each figure may come to in the last third, given the middle one. Allocators keep what they have had,
 * and caches fill: 15 percent and 8 MiB are several times what runs of an hour show, and a leak of a hundred
 * bytes per request is more. The file grows in steps, by the worst moment for reusing pages that there was,
 * so its maxima are compared. Latencies are those of a machine that others use too.
 */
const BOUNDS: readonly {
  readonly name: string;
  readonly of: (samples: readonly Sample[]) => number;
  readonly most: (middle: number) => number;
  readonly text: (value: number) => string;
}[] = [
  {
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
    name: 'data.mdb',
    of: (samples) => Math.max(...samples.map(({ fileBytes }) => fileBytes)),
    most: (middle) => middle * 1.15 + MIB,
    text: mebibytes,
  },
  {
    name: 'p99 of spends',
    of: (samples) => median(samples.map(({ p99Ms }) => p99Ms)),
    most: (middle) => middle * 3 + 10,
    text: (ms) => `${ms.toFixed(1)} ms`,
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
  const compared = BOUNDS.map(({ name, of, most, text }) => {
    const [before, after] = [of(middle), of(last)];
    const line = `${name}: ${text(before)}, then ${text(after)} (at most ${text(most(before))})`;
    return { line, holds: after <= most(before) };
  });
  return {
    lines: compared.map(({ line }) => line),
    drifts: compared.filter(({ holds }) => !holds).map(({ line }) => line),
  };
}

export function mebibytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
