import { setTimeout } from 'node:timers/promises';
import { SHED_FLAGS } from '../flags.js';
import { residentBytes } from '../cpu-time.js';
import { measure, type Figure } from '../load.js';
import { pairs, spends } from '../loads.js';
import { outcomeOf, type Gauge, type Outcome, type Plot } from '../outcome.js';
import type { Effort, Scenario } from '../scenario.js';
import { storeBytes } from '../seed/seed.js';
import type { Stage } from '../stage.js';
import { reporter } from '../watchers.js';
import { AGENTS } from '../requests.js';

/** Spends and pairs in flight: about half of what a process can do. */
const SPENDS = 16;
const PAIRS = 16;
const REPORTS_PER_SECOND = 20;

const SAMPLES = 200;

interface Sample {
  /** Since the begin. */
  readonly minutes: number;
  readonly fileMb: number;
  readonly memoryMb: number;
}

const FILE: Gauge = { name: 'file at the end', unit: 'MB' };
const GROWTH: Gauge = { name: 'growth of the file in the last quarter', unit: 'MB a minute' };
const MEMORY: Gauge = { name: 'memory beside the file at the end', unit: 'MB' };
const MEMORY_GROWTH: Gauge = {
  name: 'growth of the memory in the last quarter',
  unit: 'MB a minute',
};

const churn: Scenario = {
  name: 'churn',
  title: 'Spends, holds and violations for a long time, with everything kept as short as can be',
  needs: [],
  estimate: ({ minutes }) => 10 + minutes * 60,
  run: async (stage: Stage, effort: Effort): Promise<Outcome> => {
    // What must be kept for an hour is then on its plateau after ten minutes.
    const sidecar = await stage.sidecar({ flags: SHED_FLAGS, timeLapse: true });
    const stop = await reporter(sidecar.tcp, REPORTS_PER_SECOND, AGENTS);
    const loads = await Promise.all([spends(SPENDS)(sidecar.tcp), pairs(PAIRS)(sidecar.tcp)]);
    // A run warms up for a part of its seconds before it counts.
    const seconds = (effort.minutes * 60) / 1.2;
    const samples: Sample[] = [];
    const over = new AbortController();
    const sampling = (async () => {
      const begin = performance.now();
      while (!over.signal.aborted) {
        samples.push({
          minutes: (performance.now() - begin) / 60_000,
          fileMb: storeBytes(sidecar.dataDir) / 1e6,
          memoryMb: (residentBytes(sidecar.pid, 'RssAnon') ?? Number.NaN) / 1e6,
        });
        await setTimeout((effort.minutes * 60_000) / SAMPLES);
      }
    })();
    try {
      const figures = await Promise.all(loads.map((load) => measure(load, seconds, sidecar.pid)));
      return outcomeOfSamples(samples, figures);
    } finally {
      over.abort();
      await sampling;
      stop();
      for (const load of loads) load.close();
    }
  },
};

function outcomeOfSamples(samples: readonly Sample[], figures: readonly Figure[]): Outcome {
  const last = samples.at(-1);
  const quarter = samples[Math.floor(samples.length * 0.75)];
  const growth = (value: (sample: Sample) => number): number =>
    last === undefined || quarter === undefined || last === quarter
      ? 0
      : (value(last) - value(quarter)) / (last.minutes - quarter.minutes);
  const readings = {
    [FILE.name]: last?.fileMb ?? Number.NaN,
    [GROWTH.name]: growth(({ fileMb }) => fileMb),
    [MEMORY.name]: last?.memoryMb ?? Number.NaN,
    [MEMORY_GROWTH.name]: growth(({ memoryMb }) => memoryMb),
  };
  const [spent, paired] = figures;
  const round = {
    readings,
    figures: {
      ...(spent === undefined ? {} : { spends: spent }),
      ...(paired === undefined ? {} : { pairs: paired }),
    },
  };
  const sides = ['spends', 'pairs'].map((name) => ({ name, client: 'own' }));
  const outcome = outcomeOf([FILE, GROWTH, MEMORY, MEMORY_GROWTH], sides, [round]);
  return { ...outcome, plots: plotsOf(samples) };
}

function plotsOf(samples: readonly Sample[]): readonly Plot[] {
  const x = { label: 'minutes', scale: 'linear' } as const;
  const over = (value: (sample: Sample) => number) =>
    samples.map((sample) => ({ x: sample.minutes, y: value(sample) }));
  return [
    {
      name: 'file',
      title: 'Size of the store under churn',
      x,
      y: { label: 'MB', scale: 'linear' },
      series: [{ name: 'file', points: over(({ fileMb }) => fileMb) }],
    },
    {
      name: 'memory',
      title: 'Memory beside the file under churn',
      x,
      y: { label: 'MB', scale: 'linear' },
      series: [{ name: 'memory', points: over(({ memoryMb }) => memoryMb) }],
    },
  ];
}

/** Goes on for as long as it is told. */
export const CHURN: Scenario = churn;
