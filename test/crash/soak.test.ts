/** Hours of a sidecar's life: what it holds comes to a level, and every balance stays exact. */
import { expect, test } from 'vitest';
import { numberFrom } from '../support/seed.js';
import { compareThirds, type Sample } from './plateau.js';
import { Soak, type Incident } from './soak.js';
import { temporaryDataDir } from './temporary.js';

const MINUTES = numberFrom('SAFEGUARDS_SOAK_MINUTES', 0.3);
const SEED = numberFrom('SAFEGUARDS_SEED', Date.now() & 0x7fffffff);

const TOTAL_MS = MINUTES * 60_000;
/** A round of traffic before each checkpoint. */
const ROUND_MS = Math.min(20_000, Math.max(2_000, TOTAL_MS / 40));
/** Before it, what is kept for a minute has not come to its level when the middle third begins. */
const LEVEL_MINUTES_MIN = 3;

/** In the first quarter it is stopped and killed; the process of the middle third then lives to the end. */
const EARLY: readonly Incident[] = ['SIGKILL', 'backup', 'SIGTERM', 'nothing'];
const LATER: readonly Incident[] = ['nothing', 'nothing', 'backup', 'nothing', 'nothing'];

test(
  'under mixed traffic, backups, stops and kills every balance stays exact and nothing grows',
  { timeout: TOTAL_MS * 1.5 + 300_000 },
  async () => {
    say(`soak: SAFEGUARDS_SEED=${SEED} SAFEGUARDS_SOAK_MINUTES=${MINUTES}`);
    const soak = await Soak.begin(temporaryDataDir(), SEED);
    const samples: Sample[] = [];
    try {
      for (let round = 0; soak.ms < TOTAL_MS; round += 1) {
        const incidents = soak.ms < TOTAL_MS / 4 ? EARLY : LATER;
        samples.push(await soak.round(ROUND_MS, incidents[round % incidents.length]!));
      }
      // However few rounds there were, each has happened.
      for (const incident of ['backup', 'SIGTERM', 'SIGKILL'] as const) {
        await soak.round(ROUND_MS, incident);
      }
      const runs = await soak.runSchedule();
      await soak.round(ROUND_MS, 'nothing');
      say(`${soak.effects} effects, ${runs} runs of a schedule, ${soak.violations} events`);
      expect(runs).toBeGreaterThan(1);
      expect(soak.violations).toBeGreaterThan(0);
      const { code, said } = await soak.end('SIGTERM');
      expect(code, said).toBe(0);
    } finally {
      await soak.end('SIGKILL');
    }
    const compared = compareThirds(samples, TOTAL_MS);
    if (MINUTES < LEVEL_MINUTES_MIN || compared === undefined) {
      say(`${samples.length} checkpoints in ${MINUTES} minutes: too short to compare thirds`);
      return;
    }
    for (const line of compared.lines) say(line);
    expect(compared.drifts).toEqual([]);
  },
);

test('what grows, leaks or slows down from the middle third to the last is noticed', () => {
  const [residentBytes, heapBytes, fileBytes] = [2 ** 27, 2 ** 25, 2 ** 24];
  const figures = { rate: 100, descriptors: 40, p99Ms: 5, yardstickMs: 2 };
  const level = (ms: number): Sample => {
    return { ms, residentBytes, heapBytes, fileBytes, ...figures };
  };
  const run = Array.from({ length: 30 }, (_, at) => level(at * 1_000));
  const drifts = (change: Partial<Sample>) => {
    const changed = run.map((sample) => (sample.ms < 20_000 ? sample : { ...sample, ...change }));
    return compareThirds(changed, 30_000)?.drifts.map((line) => line.split(':')[0]);
  };
  expect(drifts({})).toEqual([]);
  expect(drifts({ heapBytes: heapBytes * 1.25 })).toEqual(['heap']);
  expect(drifts({ residentBytes: residentBytes * 1.25 })).toEqual(['resident memory']);
  expect(drifts({ descriptors: 43 })).toEqual(['descriptors']);
  expect(drifts({ fileBytes: fileBytes * 1.25 })).toEqual(['data.mdb']);
  expect(drifts({ fileBytes: fileBytes * 1.25, rate: 125 })).toEqual([]);
  expect(drifts({ p99Ms: 18 })).toEqual(['p99 of spends per p99 of writes']);
  expect(drifts({ p99Ms: 18, yardstickMs: 8 })).toEqual([]);
  expect(compareThirds(run.slice(0, 13), 30_000)).toBeUndefined();
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
