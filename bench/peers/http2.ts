import { spends } from '../loads.js';
import type { Side } from '../scenario.js';
import { side } from '../sides.js';
import type { Stage } from '../stage.js';

/** Spends that a bare node:http2 server answers with a constant. */
export async function http2Constant(stage: Stage, slots: number): Promise<Side> {
  const { child, said } = await stage.child('peers/http2-server.js');
  const server = { pid: child.pid ?? 0, tcp: String(said), unix: '' };
  return side('node:http2', spends(slots), server);
}
