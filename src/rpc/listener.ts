import { createServer } from 'node:http';
import type { Server as HttpServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { formatAddress, parseAddress } from './address.js';
import { countArrivals } from './arrivals.js';
import { bind } from './bind.js';
import type { SocketAccess } from './bind.js';
import type { Mount } from './endpoint.js';
import { anyHost, hostGuard } from './host.js';
import { grpcMethods } from './grpc-methods.js';
import { guardHttp1 } from './http1-guard.js';
import { guardHttp2 } from './http2-guard.js';
import { IDLE_MS_MAX } from './limits.js';
import type { RpcLimits } from './limits.js';
import type { ServeHttp1 } from './mount-connect.js';
import { keepPeerCertificate } from './peer.js';
import { boundPeers } from './peers.js';
import { sniff } from './sniff.js';
import { contextOptions, tlsOptions } from './tls.js';
import type { TlsMaterial } from './tls.js';

/** What a listener is made of. */
export interface ListenerOptions {
  /** `host:port` or `unix:/path`. */
  readonly address: string;
  /** Permissions and owner of a Unix socket. */
  readonly socket: SocketAccess;
  readonly mount: Mount;
  readonly limits: RpcLimits;
  readonly allowedHosts: readonly string[];
  /** Undefined: what comes is not encrypted. */
  readonly tls: TlsMaterial | undefined;
}

/** A port or socket that takes gRPC and HTTP/1.1. */
export interface Listener {
  /** With the actual port. */
  readonly address: string;
  /** Connections that are open. */
  connections(): number;
  /** Proves itself with other material from the next connection on. Only where TLS is spoken. */
  setTls(material: TlsMaterial): void;
  /**
   * Accepts nothing more, ends the streams, lets calls in progress finish, and closes what is still
   * open after the grace. Settles when every connection is closed.
   */
  close(graceMs: number): Promise<void>;
}

/** Begins to listen. Rejects when the address cannot be had. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const { mount, limits, tls } = options;
  const address = parseAddress(options.address);
  const guard = address.kind === 'unix' ? anyHost : hostGuard(options.allowedHosts);
  const arrivals = countArrivals(limits.requestBytesMax);
  const grpc = guardHttp2(limits, arrivals, grpcMethods(mount, limits.messageBytesMax));
  const http = tls === undefined ? httpServer(limits) : httpsServer(limits, tls);
  const requests = guardHttp1(limits, arrivals);
  const admitsPeer = boundPeers(limits.connectionsPerPeerMax);
  const sockets = new Set<Socket>();
  let closing = false;

  // Most sidecars never hear HTTP/1.1: Connect takes 5 MB and is loaded when somebody speaks it.
  let connect: Promise<ServeHttp1> | undefined;
  const answerHttp1: ServeHttp1 = (request, response, refusal) => {
    connect ??= import('./mount-connect.js').then(({ mountConnect }) =>
      mountConnect(mount, limits, guard),
    );
    connect.then(
      (serve) => {
        if (!request.destroyed) serve(request, response, refusal);
      },
      (error: unknown) => {
        // Its files were replaced under the process: gRPC is served on.
        mount.log.error({ error }, 'Connect cannot be loaded');
        response.destroy();
      },
    );
  };
  http.on('request', (request, response) => {
    if (closing) response.setHeader('connection', 'close');
    response.once('close', () => {
      if (closing) http.closeIdleConnections();
    });
    answerHttp1(request, response, requests.admit(request, response));
  });

  http.on('connection', (socket: Socket) => {
    if (!admitsPeer(socket)) {
      socket.destroy();
      return;
    }
    // A peer whose host has gone without a word is found out by the system.
    socket.setKeepAlive(true, limits.keepaliveIntervalMs);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  // The HTTP/1.1 server listens, so that its own timeouts and bounds are in force, and we look at
  // a connection before it does, once TLS is off.
  const ready = tls === undefined ? 'connection' : 'secureConnection';
  const serveHttp1 = http.listeners(ready)[0];
  if (serveHttp1 !== undefined) http.removeListener(ready, serveHttp1 as () => void);
  http.on(ready, (socket: Socket) => {
    if (socket.destroyed) return;
    if (socket instanceof TLSSocket) keepPeerCertificate(socket);
    sniff(socket, limits.headersTimeoutMs, (protocol) => {
      if (protocol === 'http1') {
        serveHttp1?.call(http, socket);
      } else if (closing) {
        socket.destroy();
      } else {
        // HTTP/1.1 may be half closed; a peer of HTTP/2 that ends is gone.
        socket.allowHalfOpen = false;
        grpc.take(socket);
      }
    });
  });
  // Whose handshake failed cannot be told so in HTTP, and would be kept until it left.
  http.removeAllListeners('tlsClientError');
  http.on('tlsClientError', (_error, socket: TLSSocket) => void socket.destroy());
  http.on('clientError', ({ code }: NodeJS.ErrnoException, socket) => {
    // grpc clients never come here: whoever does is told in the one language left.
    const status =
      code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`);
    else socket.destroy();
  });

  const bound = await bind(http, address, options.socket);
  return {
    address: formatAddress(bound),
    connections: () => sockets.size,
    setTls(material) {
      if ('setSecureContext' in http) http.setSecureContext(contextOptions(material));
    },
    async close(graceMs) {
      closing = true;
      const closed = new Promise<void>((resolve) => {
        http.close(() => resolve());
      });
      mount.gate.close();
      grpc.drain();
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await closed;
      clearTimeout(timer);
      grpc.close();
      requests.close();
    },
  };
}

function httpServer(limits: RpcLimits): HttpServer {
  return bounded(createServer(httpOptions(limits)), limits);
}

function httpsServer(limits: RpcLimits, tls: TlsMaterial): HttpsServer {
  const handshake = tlsOptions(tls, limits.headersTimeoutMs);
  return bounded(createTlsServer({ ...httpOptions(limits), ...handshake }), limits);
}

function bounded<S extends HttpServer | HttpsServer>(server: S, limits: RpcLimits): S {
  server.maxConnections = limits.connectionsMax;
  return server;
}

function httpOptions(limits: RpcLimits) {
  const headersTimeout = Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs);
  return {
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout,
    // How often the timeouts are looked at: Node's 30 s would let slow peers stay that long.
    connectionsCheckingInterval: Math.ceil(headersTimeout / 10),
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: IDLE_MS_MAX,
    noDelay: true,
  };
}
