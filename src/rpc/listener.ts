import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { createServer } from 'node:http';
import type { Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import { formatAddress, parseAddress } from './address.js';
import { countArrivals } from './arrivals.js';
import { bind } from './bind.js';
import { anyHost, hostGuard } from './host.js';
import { guardHttp1 } from './http1-guard.js';
import { guardHttp2 } from './http2-guard.js';
import { IDLE_MS_MAX, SESSION_MEGABYTES_MAX } from './limits.js';
import type { RpcLimits } from './limits.js';
import { mountConnect } from './mount-connect.js';
import { kindsOf, mountGrpc } from './mount-grpc.js';
import type { Mount } from './mount-grpc.js';
import { boundPeers } from './peers.js';
import { sniff } from './sniff.js';

/** What a listener is made of. */
export interface ListenerOptions {
  /** `host:port` or `unix:/path`. */
  readonly address: string;
  /** Permissions of a Unix socket. */
  readonly socketMode: number;
  readonly mount: Mount;
  readonly limits: RpcLimits;
  readonly allowedHosts: readonly string[];
}

/** A port or socket that takes gRPC and HTTP/1.1. */
export interface Listener {
  /** With the actual port. */
  readonly address: string;
  /** Connections that are open. */
  connections(): number;
  /**
   * Accepts nothing more, ends the streams, lets calls in progress finish, and closes what is still
   * open after the grace. Settles when every connection is closed.
   */
  close(graceMs: number): Promise<void>;
}

const DRAIN_MARGIN_MS = 1_000;

/** Begins to listen. Rejects when the address cannot be had. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const { mount, limits } = options;
  const address = parseAddress(options.address);
  const guard = address.kind === 'unix' ? anyHost : hostGuard(options.allowedHosts);
  const grpc = grpcServer(limits);
  mountGrpc(grpc, mount);
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const arrivals = countArrivals(limits.requestBytesMax);
  const calls = guardHttp2(grpc, limits, arrivals, kindsOf(mount));
  const http = httpServer(limits);
  const requests = guardHttp1(limits, arrivals);
  const admitsPeer = boundPeers(limits.connectionsPerPeerMax);
  const sockets = new Set<Socket>();
  let closing = false;

  const connect = mountConnect(mount, limits, guard);
  http.on('request', (request, response) => {
    if (closing) response.setHeader('connection', 'close');
    response.once('close', () => {
      if (closing) http.closeIdleConnections();
    });
    if (requests.admit(request, response)) connect(request, response);
  });

  // The HTTP/1.1 server listens, so that its own timeouts and bounds are in force, and we look at
  // a connection before it does.
  const [serveHttp1] = http.listeners('connection');
  http.removeAllListeners('connection');
  http.on('connection', (socket: Socket) => {
    if (!admitsPeer(socket)) {
      socket.destroy();
      return;
    }
    // A peer whose host has gone without a word is found out by the system.
    socket.setKeepAlive(true, limits.keepaliveIntervalMs);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    sniff(socket, limits.headersTimeoutMs, (protocol) => {
      if (protocol === 'http1') {
        serveHttp1?.call(http, socket);
      } else {
        // HTTP/1.1 may be half closed; a peer of HTTP/2 that ends is gone.
        socket.allowHalfOpen = false;
        injector.injectConnection(socket);
      }
    });
  });
  http.on('clientError', (_error, socket) => {
    // grpc clients never come here: whoever does is told in the one language left.
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
    else socket.destroy();
  });

  const bound = await bind(http, address, options.socketMode);
  return {
    address: formatAddress(bound),
    connections: () => sockets.size,
    async close(graceMs) {
      closing = true;
      const closed = new Promise<void>((resolve) => {
        http.close(() => resolve());
      });
      mount.gate.close();
      // Its own end would tell clients CANCELLED; a connection that drops is UNAVAILABLE to them.
      injector.drain(graceMs + DRAIN_MARGIN_MS);
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await closed;
      clearTimeout(timer);
      grpc.forceShutdown();
      calls.close();
      requests.close();
    },
  };
}

function grpcServer(limits: RpcLimits): GrpcServer {
  return new GrpcServer({
    'grpc.max_receive_message_length': limits.messageBytesMax,
    'grpc.max_concurrent_streams': limits.callsPerConnectionMax,
    'grpc.keepalive_time_ms': limits.keepaliveIntervalMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    'grpc.max_connection_idle_ms': limits.idleTimeoutMs,
    'grpc.enable_channelz': 0,
    'grpc-node.max_session_memory': SESSION_MEGABYTES_MAX,
  });
}

function httpServer(limits: RpcLimits): HttpServer {
  const headersTimeout = Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs);
  const server = createServer({
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout,
    // How often the timeouts are looked at: Node's 30 s would let slow peers stay that long.
    connectionsCheckingInterval: Math.ceil(headersTimeout / 10),
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: IDLE_MS_MAX,
    noDelay: true,
  });
  server.maxConnections = limits.connectionsMax;
  return server;
}
