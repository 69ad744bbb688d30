import { syncs } from './disk.js';
import { measure } from './load.js';
import type { OpenLoad } from './loads.js';
import type { Figure } from './load.js';
import type { Side } from './scenario.js';
import type { ServerProcess, Stage } from './stage.js';

/** The client of `wire/`. */
const OWN_CLIENT = 'own';

/** A load of our own client on a server. */
export async function side(
  name: string,
  open: OpenLoad,
  server: ServerProcess,
  transport: 'tcp' | 'unix' = 'tcp',
): Promise<Side> {
  const load = await open(server[transport]);
  return {
    name,
    client: OWN_CLIENT,
    run: (seconds) => measure(load, seconds, server.pid),
    close: load.close,
  };
}

/** Pages written and synced, one after the other, where the sidecar writes. */
export function disk({ folder }: Stage): Side {
  return {
    name: 'fdatasync',
    client: 'none',
    run: (seconds) => syncs(folder, seconds),
    close: () => undefined,
  };
}

/** Of the first two figures: what the second does of the first's throughput. */
export function throughputRatio([peer, own]: readonly Figure[]): number {
  return (own?.throughput ?? Number.NaN) / (peer?.throughput ?? Number.NaN);
}

/** The median time of a side, NaN where it is missing. */
export function p50(figure: Figure | undefined): number {
  return figure?.p50Ms ?? Number.NaN;
}
