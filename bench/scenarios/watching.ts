import { create, toBinary } from '@bufbuild/protobuf';
import { setTimeout } from 'node:timers/promises';
import { SpendRequestSchema } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { residentBytes } from '../cpu-time.js';
import { measure, type Figure } from '../load.js';
import { spends } from '../loads.js';
import { outcomeOf, type Gauge, type Round } from '../outcome.js';
import { AGENTS, agentId, COST, nextRequestId, PATHS } from '../requests.js';
import { repeat, type Scenario } from '../scenario.js';
import type { SidecarProcess } from '../stage.js';
import { percentile } from '../statistic.js';
import { reporter, stalledWatchers, watchers } from '../watchers.js';
import { Connection } from '../wire/connection.js';
import { MANY } from './unary.js';

const WATCHERS = 1_000;
const WATCHER_CONNECTIONS = 10;

/** Violations of a round, each by an agent that has had none. */
const VIOLATIONS = 20;

const ALL_HAVE_IT: Gauge = {
  name: 'from sending the spend until all have it, p50',
  unit: 'ms',
  target: { atMost: 50 },
};
const SLOWEST: Gauge = { name: 'the slowest', unit: 'ms' };

const watch: Scenario = {
  name: 'watchers',
  title: '1,000 watchers, one violation',
  needs: [],
  estimate: ({ rounds }) => 10 + rounds * VIOLATIONS * 0.2,
  run: async (stage, effort) => {
    const sidecar = await stage.sidecar();
    const watching = await watchers(sidecar.tcp, WATCHERS, WATCHER_CONNECTIONS);
    const connection = await Connection.open(sidecar.tcp, () => undefined);
    let number = 0;
    const violate = async (): Promise<number> => {
      const request = deniedSpend(agentId(number++ % AGENTS));
      const all = watching.next();
      const begin = performance.now();
      connection.unary(PATHS.spend, request, () => undefined);
      connection.flush();
      await all;
      return performance.now() - begin;
    };
    try {
      for (let count = 0; count < VIOLATIONS; count += 1) await violate();
      return await repeat([ALL_HAVE_IT, SLOWEST], effort.rounds, async () => {
        const times: number[] = [];
        for (let count = 0; count < VIOLATIONS; count += 1) {
          times.push(await violate());
          // Each by itself: none waits for what the one before has left to do.
          await setTimeout(20);
        }
        times.sort((a, b) => a - b);
        return {
          [ALL_HAVE_IT.name]: percentile(times, 0.5),
          [SLOWEST.name]: percentile(times, 1),
        };
      });
    } finally {
      connection.close();
      watching.close();
    }
  },
};

/** More than any agent of the load has. */
function deniedSpend(agent: string): Buffer {
  const request = create(SpendRequestSchema, {
    ...COST,
    agentId: agent,
    amount: '999999999',
    requestId: nextRequestId(),
  });
  return Buffer.from(toBinary(SpendRequestSchema, request));
}

const STALLED = 100;
const REPORTS_PER_SECOND = 200;
const MEMORY: Gauge = { name: 'memory of 100 that never read', unit: 'MB', target: { atMost: 50 } };
const P99: Gauge = { name: 'p99 of spends / without them', unit: '', target: { atMost: 1.2 } };

const stalled: Scenario = {
  name: 'slow-watchers',
  title: `100 watchers that never read, ${REPORTS_PER_SECOND} violations a second, ${MANY} spends in flight`,
  needs: [],
  estimate: ({ rounds, seconds }) => 10 + 2 * (rounds + 1) * seconds * 1.3,
  run: async (stage, effort) => {
    const without = await stage.sidecar();
    const withThem = await stage.sidecar();
    const release = await stalledWatchers(withThem.tcp, STALLED);
    const run = async (sidecar: SidecarProcess): Promise<Figure & { resident: number }> => {
      const stop = await reporter(sidecar.tcp, REPORTS_PER_SECOND, AGENTS);
      const load = await spends(MANY)(sidecar.tcp);
      try {
        const figure = await measure(load, effort.seconds, sidecar.pid);
        return { ...figure, resident: residentBytes(sidecar.pid) ?? Number.NaN };
      } finally {
        load.close();
        stop();
      }
    };
    const rounds: Round[] = [];
    try {
      await run(without);
      await run(withThem);
      for (let round = 0; round < effort.rounds; round += 1) {
        const order = round % 2 === 0 ? [without, withThem] : [withThem, without];
        const figures = new Map<SidecarProcess, Figure & { resident: number }>();
        for (const sidecar of order) figures.set(sidecar, await run(sidecar));
        const [alone, crowded] = [figures.get(without), figures.get(withThem)];
        if (alone === undefined || crowded === undefined) continue;
        rounds.push({
          readings: {
            [MEMORY.name]: (crowded.resident - alone.resident) / 1e6,
            [P99.name]: crowded.p99Ms / alone.p99Ms,
          },
          figures: { without: alone, with: crowded },
        });
      }
    } finally {
      release();
    }
    const sides = ['without', 'with'].map((name) => ({ name, client: 'own' }));
    return outcomeOf([MEMORY, P99], sides, rounds);
  },
};

/** Streams of violations: how fast, and what slow readers cost. */
export const WATCHING: readonly Scenario[] = [watch, stalled];
