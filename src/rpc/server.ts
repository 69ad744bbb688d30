import type { Instant } from '../domain/model.js';
import type { LedgerApi } from '../ledger/api.js';
import { startAudit } from './access/audit.js';
import type { Credentials } from './access/credentials.js';
import { makeGuard } from './access/guard.js';
import type { Asks, Trust } from './access/guard.js';
import type { SocketOwner } from './bind.js';
import { servingState } from './health.js';
import type { RpcLimits } from './limits.js';
import { bindError } from './bind-error.js';
import { startListener } from './listener.js';
import type { Listener } from './listener.js';
import type { NotificationOptions } from './channel-methods.js';
import type { Log } from './log.js';
import { adminPlane, agentPlane } from './plane.js';
import { streamGate } from './stream-gate.js';
import type { StreamGate } from './stream-gate.js';
import type { TlsMaterial } from './tls.js';

/** One address to listen on. */
export interface ListenOptions {
  readonly trust: Trust;
  /** `host:port`, port 0 for any free one, or `unix:/path`. */
  readonly address: string;
  /** Permissions of a Unix socket. Default 0o660. */
  readonly socketMode?: number;
  /** Whose a Unix socket is. Default the user and the group of the process. */
  readonly socketOwner?: SocketOwner | undefined;
  /** Undefined: what comes is not encrypted. */
  readonly tls?: TlsMaterial | undefined;
}

/** What the transports need. */
export interface RpcOptions {
  readonly ledger: LedgerApi;
  readonly listeners: readonly ListenOptions[];
  /** Whether the listeners of a trust ask who calls. */
  readonly asks: Readonly<Record<Trust, Asks>>;
  /** Who is known, at first. */
  readonly credentials: Credentials;
  readonly limits: RpcLimits;
  /** Names that HTTP/1.1 requests may carry in `Host` besides loopback names and IP addresses. */
  readonly allowedHosts: readonly string[];
  /** The sidecar's version, for GetServerInfo. */
  readonly version: string;
  /** Every bound in force by its name in the configuration, for GetServerInfo. */
  readonly limitsTable: Readonly<Record<string, string>>;
  readonly log: Log;
  /** When the process began to serve, for GetServerInfo. */
  readonly startTime: Instant;
  /** What channels may lead to, and what tests them. */
  readonly notifications: NotificationOptions;
}

/** A listener that serves. */
export interface BoundListener {
  readonly trust: Trust;
  /** With the actual port. */
  readonly address: string;
}

/** The transports while they serve. */
export interface RunningServer {
  /** In the order of the options. */
  readonly addresses: readonly BoundListener[];
  /** What health checks say. At first SERVING. Calls are answered either way. */
  setServing(serving: boolean): void;
  /** Others are known from now on. Streams end whose callers would not be let in any more. */
  setCredentials(credentials: Credentials): void;
  /** Other material for the listeners of a trust that speak TLS, from the next connection on. */
  setTls(trust: Trust, material: TlsMaterial): void;
  /**
   * Says NOT_SERVING and goes on serving until no agent is connected, at most so long. Who comes
   * meanwhile is served, and waited for.
   */
  linger(msMax: number): Promise<void>;
  /**
   * Says NOT_SERVING, accepts nothing more, ends streams with SHUTTING_DOWN, lets calls in progress
   * finish, and after the grace closes what is left. Settles when everything is closed. Once.
   */
  close(options: { readonly graceMs: number }): Promise<void>;
}

const SOCKET_MODE = 0o660;

/** Begins to serve on every listener. When one address cannot be had, none is kept. */
export async function startServer(options: RpcOptions): Promise<RunningServer> {
  const { limits, log, listeners } = options;
  const serving = servingState();
  const audit = startAudit(options.ledger, log);
  let { credentials } = options;
  const planes = {
    agent: agentPlane(options, serving),
    admin: adminPlane(options, serving),
  };
  const started: (Listener & BoundListener)[] = [];
  const gates: StreamGate[] = [];
  const closeAll = async (graceMs: number): Promise<void> => {
    audit.close();
    await Promise.all(started.map((listener) => listener.close(graceMs)));
  };
  for (const { trust, address, socketMode, socketOwner, tls } of listeners) {
    const guard = makeGuard({
      trust,
      asks: options.asks[trust],
      known: () => credentials,
      audit,
    });
    const gate = streamGate(limits.streamsMax);
    gates.push(gate);
    const mount = { services: planes[trust], guard, gate, log };
    try {
      const listener = await startListener({
        address,
        socket: { mode: socketMode ?? SOCKET_MODE, owner: socketOwner },
        mount,
        limits,
        allowedHosts: options.allowedHosts,
        tls,
      });
      started.push({ ...listener, trust });
    } catch (cause) {
      await closeAll(0);
      throw bindError(cause, address, trust);
    }
    log.info({ trust, address: started.at(-1)?.address }, 'listening');
  }
  return {
    addresses: started.map(({ trust, address }) => ({ trust, address })),
    setServing: (value) => serving.set(value),
    async linger(msMax) {
      serving.set(false);
      const agents = started.filter(({ trust }) => trust === 'agent');
      await lastLeaves(() => agents.some((listener) => listener.connections() > 0), msMax);
    },
    setCredentials(others) {
      credentials = others;
      for (const gate of gates) gate.recheck();
    },
    setTls(trust, material) {
      for (const listener of started) if (listener.trust === trust) listener.setTls(material);
    },
    async close({ graceMs }) {
      serving.set(false);
      await closeAll(graceMs);
    },
  };
}

/** How often it is looked whether anybody is connected, in milliseconds. */
const LINGER_LOOK_MS = 50;

/** Settles when nobody is there at two looks in a row, or the time is over. */
function lastLeaves(isAnybodyThere: () => boolean, msMax: number): Promise<void> {
  return new Promise((resolve) => {
    let looks = Math.floor(msMax / LINGER_LOOK_MS);
    let empty = 0;
    const look = (): void => {
      empty = isAnybodyThere() ? 0 : empty + 1;
      if (looks <= 0 || empty === 2) {
        resolve();
        return;
      }
      looks -= 1;
      setTimeout(look, LINGER_LOOK_MS);
    };
    look();
  });
}
