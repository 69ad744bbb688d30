import type { Connection } from '../http2/connection.js';
import type { RpcLimits } from './limits.js';

/**
 * Asks a peer for a sign of life now and then; a connection that gives none is closed. Returns what ends
 * it, once the connection is over.
 */
export function keepAlive(connection: Connection, limits: RpcLimits): () => void {
  let timer = wait();

  function wait(): NodeJS.Timeout {
    return setTimeout(ask, limits.keepaliveIntervalMs).unref();
  }

  function ask(): void {
    // One that lets its calls finish takes no more pings.
    if (connection.isEnding) return;
    timer = setTimeout(() => connection.socket.destroy(), limits.keepaliveTimeoutMs).unref();
    connection.ping(() => {
      clearTimeout(timer);
      timer = wait();
    });
  }

  return () => clearTimeout(timer);
}
