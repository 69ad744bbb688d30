import { setTimeout } from 'node:timers/promises';
import { cpuSeconds, residentBytes } from '../cpu-time.js';
import { KEEP_FLAGS } from '../flags.js';
import { serving } from '../health.js';
import { measure } from '../load.js';
import { spends } from '../loads.js';
import { outcomeOf, type Gauge, type Outcome, type Round } from '../outcome.js';
import { repeat, type Effort, type Scenario } from '../scenario.js';
import { fillStore, seededStore, seedSeconds, storeBytes } from '../seed/seed.js';
import type { SidecarOptions, SidecarProcess, Stage } from '../stage.js';
import { manyAgents } from './state.js';
import { MANY } from './unary.js';

/** Entries of the large store: some of them make its agents. */
const MANY_ENTRIES = 5_000_000;

const MEGABYTE = 1e6;

/**
 * Seconds for which a process is left alone before it counts as idle: V8 collects what the start left
 * some eight seconds after it, 0.1 s of a core.
 */
const SETTLE = 15;

/** How long it is watched then, as a part of a side's time. */
const WATCH = 3;

function largeSeed(effort: Effort) {
  const entries = Math.round(MANY_ENTRIES * effort.scale);
  return { kind: 'fill', agents: manyAgents(effort), entries } as const;
}

/** Starts a sidecar and reads how long it took until its health said SERVING. */
export async function started(
  stage: Stage,
  options: SidecarOptions,
): Promise<{ sidecar: SidecarProcess; seconds: number }> {
  const begin = performance.now();
  const sidecar = await stage.sidecar({ ...options, agents: 0 });
  await serving(sidecar.tcp);
  return { sidecar, seconds: (performance.now() - begin) / 1_000 };
}

const AFTER_STOP: Gauge = {
  name: 'start to SERVING after a clean stop',
  unit: 's',
  target: { atMost: 2 },
};
const AFTER_KILL: Gauge = {
  name: 'start to SERVING after kill -9 under load',
  unit: 's',
  target: { atMost: 2 },
};
const TAIL: Gauge = { name: 'entries verified after the kill', unit: '' };

const start: Scenario = {
  name: 'start',
  title: 'Start to SERVING with 1,000,000 agents and 5,000,000 entries',
  needs: [],
  estimate: (effort) =>
    15 + seedSeconds(largeSeed(effort)) + effort.rounds * (2 * effort.seconds + 6),
  run: async (stage, effort) => {
    const seed = largeSeed(effort);
    const dataDir = await seededStore(stage, seed);
    const options = { dataDir, flags: KEEP_FLAGS };
    const outcome = await repeat([AFTER_STOP, AFTER_KILL, TAIL], effort.rounds, async () => {
      const clean = await started(stage, options);
      const load = await spends(MANY, seed.agents)(clean.sidecar.tcp);
      const { throughput } = await measure(load, effort.seconds, clean.sidecar.pid);
      const killed = clean.sidecar.kill();
      load.close();
      await killed;
      const dirty = await started(stage, options);
      await dirty.sidecar.stop();
      return {
        [AFTER_STOP.name]: clean.seconds,
        [AFTER_KILL.name]: dirty.seconds,
        [TAIL.name]: throughput * effort.seconds,
      };
    });
    const size = storeBytes(dataDir) / 1e9;
    const { agents, entries } = seed;
    const what = `${agents.toLocaleString('en')} agents and ${entries.toLocaleString('en')} entries`;
    return { ...outcome, notes: [`${what} at first, ${size.toFixed(2)} GB at the end`] };
  },
};

const RESIDENT: Gauge = { name: 'resident', unit: 'MB', target: { atMost: 90 } };
const CORE: Gauge = { name: 'CPU', unit: '% of a core', target: { atMost: 0.5 } };
const START: Gauge = { name: 'start to SERVING', unit: 's', target: { atMost: 0.6 } };

const idle: Scenario = {
  name: 'idle',
  title: 'An idle process with 1,000 agents',
  needs: [],
  estimate: (effort) => 5 + effort.rounds * (2 + SETTLE + effort.seconds * WATCH),
  run: async (stage, effort) => {
    const first = await stage.sidecar();
    await first.stop();
    const { dataDir } = first;
    return repeat([RESIDENT, CORE, START], effort.rounds, async () => {
      const { sidecar, seconds } = await started(stage, { dataDir });
      await setTimeout(SETTLE * 1_000);
      const before = cpuSeconds(sidecar.pid) ?? Number.NaN;
      const watched = effort.seconds * WATCH;
      await setTimeout(watched * 1_000);
      const after = cpuSeconds(sidecar.pid) ?? Number.NaN;
      const resident = residentBytes(sidecar.pid) ?? Number.NaN;
      await sidecar.stop();
      return {
        [RESIDENT.name]: resident / MEGABYTE,
        [CORE.name]: ((after - before) / watched) * 100,
        [START.name]: seconds,
      };
    });
  },
};

/** What the store is grown to, step by step: agents, and entries in all. */
const STEPS = [
  { agents: 1_000, entries: 0 },
  { agents: 100_000, entries: 0 },
  { agents: 1_000_000, entries: 0 },
  { agents: 1_000_000, entries: 5_000_000 },
  { agents: 1_000_000, entries: 10_000_000 },
] as const;

const growth: Scenario = {
  name: 'growth',
  title: 'File size and start time of a store that grows',
  needs: [],
  estimate: (effort) =>
    10 + 12_000_000 * effort.scale * (1 / 15_000) + STEPS.length * effort.rounds * 3,
  run: growSteps,
};

async function growSteps(stage: Stage, effort: Effort): Promise<Outcome> {
  const first = await stage.sidecar({ agents: 0 });
  await first.stop();
  const { dataDir } = first;
  const gauges: Gauge[] = [];
  const rounds: Record<string, number>[] = Array.from({ length: effort.rounds }, () => ({}));
  for (const step of STEPS) {
    const agents = Math.max(1, Math.round(step.agents * effort.scale));
    const entries = Math.round(step.entries * effort.scale);
    await fillStore(stage, dataDir, { kind: 'fill', agents, entries });
    const count = Math.max(entries, agents + 1);
    const what = `${agents.toLocaleString('en')} agents, ${count.toLocaleString('en')} entries`;
    const size: Gauge = { name: `${what}: file`, unit: 'MB' };
    const seconds: Gauge = { name: `${what}: start to SERVING`, unit: 's' };
    gauges.push(size, seconds);
    for (const readings of rounds) {
      const run = await started(stage, { dataDir, flags: KEEP_FLAGS });
      await run.sidecar.stop();
      readings[size.name] = storeBytes(dataDir) / MEGABYTE;
      readings[seconds.name] = run.seconds;
    }
  }
  return outcomeOf(
    gauges,
    [],
    rounds.map((readings): Round => ({ readings, figures: {} })),
  );
}

/** What the process costs while nothing calls, and how it starts. */
export const PROCESS: readonly Scenario[] = [start, idle];

/** Takes long, and much of a disk. */
export const GROWTH: Scenario = growth;
