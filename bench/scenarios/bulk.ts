import { batches, spends, streamed } from '../loads.js';
import { postgresqlSpends } from '../peers/postgresql.js';
import { redisSpends } from '../peers/redis.js';
import { BATCH_ITEMS } from '../requests.js';
import { comparison, type Scenario } from '../scenario.js';
import { side, throughputRatio } from '../sides.js';
import { MANY } from './unary.js';

/** Streams, and items in flight on each. */
const STREAMS = 16;
const ITEMS_IN_FLIGHT = 64;

/** Batches in flight, and connections to Redis with a pipeline each. */
const BATCHES = 16;

const batch = comparison({
  name: 'batch',
  title: `BatchSpend of ${BATCH_ITEMS}, ${BATCHES} in flight, TCP`,
  needs: ['redis-server'],
  gauges: [
    {
      name: `spends / Redis, ${BATCHES} pipelines of ${BATCH_ITEMS}`,
      unit: '',
      target: { atLeast: 1 },
      of: throughputRatio,
    },
    {
      name: 'spends a second',
      unit: '/s',
      target: { atLeast: 40_000 },
      of: ([, sidecar]) => sidecar?.throughput ?? Number.NaN,
    },
  ],
  sideCount: 2,
  sides: async (stage) => [
    await redisSpends(stage, BATCHES, BATCH_ITEMS),
    await side('sidecar', batches(BATCHES), await stage.sidecar()),
  ],
});

const stream = comparison({
  name: 'stream',
  title: `SpendStream, ${STREAMS} streams, ${ITEMS_IN_FLIGHT} in flight on each, TCP`,
  gauges: [
    { name: 'spends / unary spends', unit: '', target: { atLeast: 2.5 }, of: throughputRatio },
  ],
  sideCount: 2,
  sides: async (stage) => {
    const sidecar = await stage.sidecar();
    return [
      await side('unary', spends(MANY), sidecar),
      await side('stream', streamed(STREAMS, ITEMS_IN_FLIGHT), sidecar),
    ];
  },
});

const postgresql = comparison({
  name: 'postgresql',
  title: `Spend, ${MANY} in flight, against PostgreSQL`,
  needs: ['postgres', 'initdb', 'pgbench', 'psql'],
  gauges: [
    { name: 'throughput / PostgreSQL', unit: '', target: { atLeast: 3 }, of: throughputRatio },
    {
      name: 'echo, which keeps nothing / PostgreSQL',
      unit: '',
      of: ([peer, , echo]) => (echo?.throughput ?? Number.NaN) / (peer?.throughput ?? Number.NaN),
    },
  ],
  sideCount: 3,
  setup: () => 10,
  sides: async (stage) => [
    await postgresqlSpends(stage, MANY),
    await side('sidecar', spends(MANY), await stage.sidecar()),
    await side('echo', spends(MANY), await stage.echo()),
  ],
});

/** Many spends at once, and those who sell that. */
export const BULK: readonly Scenario[] = [batch, stream, postgresql];
