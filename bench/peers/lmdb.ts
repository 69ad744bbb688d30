import { once } from 'node:events';
import path from 'node:path';
import type { Figure } from '../load.js';
import type { Side } from '../scenario.js';
import type { Stage } from '../stage.js';

interface Done {
  readonly times: number;
  readonly p50: number;
  readonly p99: number;
  readonly elapsed: number;
  readonly cpuUs: number;
}

/** The rows of spends by lmdb alone, so many in each transaction. */
export async function lmdbRows(stage: Stage, slots: number): Promise<Side> {
  const words = [path.join(stage.folder, 'lmdb'), String(slots)];
  const { child } = await stage.child('peers/lmdb-writer.js', { words });
  return {
    name: 'lmdb',
    client: 'none',
    run: async (seconds): Promise<Figure> => {
      const answered = once(child, 'message') as Promise<[Done]>;
      child.send(seconds);
      const [{ times, p50, p99, elapsed, cpuUs }] = await answered;
      return {
        throughput: times / elapsed,
        p50Ms: p50,
        p99Ms: p99,
        serverCpuUs: cpuUs / times,
        clientCpu: 0,
      };
    },
    close: () => undefined,
  };
}
