import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { TEST_CERTIFICATE, TEST_KEY } from './certificate.js';

/** One request as it arrived. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  readonly socket: Socket;
}

/** How a receiver answers; the number counts requests from 1. */
export type Answer = (
  response: http.ServerResponse,
  request: Received,
  number: number,
) => void | Promise<void>;

/** A server on this machine that keeps what it gets. */
export interface Receiver {
  readonly port: number;
  readonly received: readonly Received[];
  readonly connections: () => number;
  close(): Promise<void>;
}

/** Starts a receiver on 127.0.0.1, on a free port unless one is given. */
export async function startReceiver(
  answer: Answer,
  { secure = false, port = 0 }: { readonly secure?: boolean; readonly port?: number } = {},
): Promise<Receiver> {
  const received: Received[] = [];
  let connections = 0;
  const listener: http.RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers, socket } = request;
      const body = Buffer.concat(chunks).toString();
      const one = { method, path: url, headers, body, socket };
      received.push(one);
      void answer(response, one, received.length);
    });
  };
  const tls = { key: TEST_KEY, cert: TEST_CERTIFICATE };
  const server = secure ? https.createServer(tls, listener) : http.createServer(listener);
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    received,
    connections: () => connections,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers with a status, a body and headers. */
export const respond =
  (status: number, body = '', headers: http.OutgoingHttpHeaders = {}): Answer =>
  (response) => {
    response.writeHead(status, headers).end(body);
  };
