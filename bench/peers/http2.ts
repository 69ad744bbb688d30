import { spends } from '../loads.js';
import type { Side } from '../scenario.js';
import { side } from '../sides.js';
import type { Stage } from '../stage.js';

/** Spends that a server of bare HTTP/2, Node's or our own, answers with a constant. */
export async function http2Constant(
  stage: Stage,
  whose: 'node:http2' | 'own HTTP/2',
  slots: number,
): Promise<Side> {
  const script = whose === 'node:http2' ? 'peers/http2-server.js' : 'peers/own-http2-server.js';
  const { child, said } = await stage.child(script);
  return side(whose, spends(slots), { pid: child.pid ?? 0, tcp: String(said), unix: '' });
}
