import type { ServerHttp2Session } from 'node:http2';
import type { RpcLimits } from './limits.js';

/** Asks a peer for a sign of life now and then; a connection that gives none is closed. */
export function keepAlive(session: ServerHttp2Session, limits: RpcLimits): void {
  let timer = wait();

  function wait(): NodeJS.Timeout {
    return setTimeout(ask, limits.keepaliveIntervalMs).unref();
  }

  function ask(): void {
    // One that is closing lets its calls finish, and takes no more pings.
    if (session.destroyed || session.closed) return;
    timer = setTimeout(() => session.destroy(), limits.keepaliveTimeoutMs).unref();
    const isAsked = session.ping((error) => {
      clearTimeout(timer);
      if (error === null) timer = wait();
      else session.destroy();
    });
    // More pings are on their way than a peer may leave unanswered.
    if (!isAsked) session.destroy();
  }

  session.once('close', () => clearTimeout(timer));
}
