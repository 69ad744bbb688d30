import { toBinary } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { GetBudgetRequestSchema } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { pairs, reads, spends } from '../loads.js';
import { h2loadCalls } from '../peers/h2load.js';
import { http2Constant } from '../peers/http2.js';
import { lmdbRows } from '../peers/lmdb.js';
import { agentId, PATHS } from '../requests.js';
import { comparison, type Scenario, type Side } from '../scenario.js';
import { disk, p50, side, throughputRatio } from '../sides.js';
import type { ServerProcess, Stage } from '../stage.js';
import { missingTools } from '../tools.js';

/** Calls in progress where many are. */
export const MANY = 128;

const throughput = { name: 'throughput / echo', unit: '', of: throughputRatio };

const spend = comparison({
  name: 'spend',
  title: `Spend, durable, ${MANY} in flight, TCP`,
  gauges: [{ ...throughput, target: { atLeast: 0.85 } }],
  sideCount: 2,
  sides: async (stage) => [
    await side('echo', spends(MANY), await stage.echo()),
    await side('sidecar', spends(MANY), await stage.sidecar()),
  ],
});

const spendUnix = comparison({
  name: 'spend-unix',
  title: `Spend, durable, ${MANY} in flight, Unix socket`,
  gauges: [{ ...throughput, target: { atLeast: 0.85 } }],
  sideCount: 2,
  sides: async (stage) => [
    await side('echo', spends(MANY), await stage.echo(), 'unix'),
    await side('sidecar', spends(MANY), await stage.sidecar(), 'unix'),
  ],
});

const spendAlone = comparison({
  name: 'spend-alone',
  title: 'Spend, durable, 1 in flight, TCP',
  gauges: [
    {
      name: 'p50 / (echo p50 + fdatasync p50)',
      unit: '',
      target: { atMost: 1.5 },
      of: ([echo, fdatasync, sidecar]) => p50(sidecar) / (p50(echo) + p50(fdatasync)),
    },
  ],
  sideCount: 3,
  sides: async (stage) => [
    await side('echo', spends(1), await stage.echo()),
    disk(stage),
    await side('sidecar', spends(1), await stage.sidecar()),
  ],
});

const ceilings = comparison({
  name: 'ceilings',
  title: `What bounds a durable Spend, ${MANY} in flight`,
  gauges: [
    {
      name: 'sidecar / the lower of own HTTP/2 and lmdb',
      unit: '',
      of: ([, own, lmdb, , sidecar]) =>
        (sidecar?.throughput ?? NaN) / Math.min(own?.throughput ?? NaN, lmdb?.throughput ?? NaN),
    },
    {
      name: 'own HTTP/2 / node:http2',
      unit: '',
      of: ([node, own]) => (own?.throughput ?? NaN) / (node?.throughput ?? NaN),
    },
  ],
  sideCount: 5,
  sides: async (stage) => [
    await http2Constant(stage, 'node:http2', MANY),
    await http2Constant(stage, 'own HTTP/2', MANY),
    await lmdbRows(stage, MANY),
    await side('echo', spends(MANY), await stage.echo()),
    await side('sidecar', spends(MANY), await stage.sidecar()),
  ],
});

const reserveCommit = comparison({
  name: 'reserve-commit',
  title: `Reserve + Commit, ${MANY} pairs in flight, TCP`,
  gauges: [
    {
      name: 'pairs / half of echo',
      unit: '',
      target: { atLeast: 0.8 },
      of: (figures) => 2 * throughputRatio(figures),
    },
  ],
  sideCount: 2,
  sides: async (stage) => [
    await side('echo', spends(MANY), await stage.echo()),
    await side('sidecar', pairs(MANY), await stage.sidecar()),
  ],
});

const getBudget = comparison({
  name: 'get-budget',
  title: `GetBudget, ${MANY} in flight, TCP`,
  gauges: [{ ...throughput, name: 'throughput / echo of GetBudget', target: { atLeast: 0.95 } }],
  sideCount: 2,
  sides: async (stage) => [
    await readsOf('echo', stage, await stage.echo()),
    await readsOf('sidecar', stage, await stage.sidecar()),
  ],
});

/** By h2load where it is installed, which asks for one agent only; else by our own client. */
async function readsOf(name: string, stage: Stage, server: ServerProcess): Promise<Side> {
  if (missingTools(['h2load']).length > 0) return side(name, reads(MANY), server);
  // It does not look at answers: one that is checked comes first.
  const checked = await side(name, reads(1), server);
  await checked.run(0.05);
  checked.close();
  const request = create(GetBudgetRequestSchema, { agentId: agentId(0) });
  return h2loadCalls(name, stage, server, {
    path: PATHS.getBudget,
    message: toBinary(GetBudgetRequestSchema, request),
    slots: MANY,
  });
}

/** Calls one by one. */
export const UNARY: readonly Scenario[] = [
  spend,
  spendUnix,
  spendAlone,
  reserveCommit,
  getBudget,
  ceilings,
];
