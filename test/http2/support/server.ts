/** A bare HTTP/2 server: connections, and nothing of gRPC above them. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Connection, type ConnectionLimits } from '../../../src/http2/connection.js';
import { headerBlock } from '../../../src/http2/hpack.js';
import type { Http2Stream } from '../../../src/http2/stream.js';

export const LIMITS: ConnectionLimits = {
  streamsMax: 100,
  headerBytesMax: 16_384,
  controlsPerSecondMax: 10_000,
  resetsPerSecondMax: 1_000,
  outputBytesMax: 8_388_608,
  lingerMs: 2_000,
};

export const HEAD = headerBlock({ ':status': '200', 'content-type': 'text/plain' });
export const TRAILERS = headerBlock({ 'x-end': 'yes' });

/** A request as it came. */
export interface Received {
  readonly stream: Http2Stream;
  readonly pieces: Buffer[];
  hasEnded: boolean;
  drained: number;
  closed: number;
}

export interface BareServer {
  /** `host:port`. */
  readonly address: string;
  readonly connections: readonly Connection[];
  readonly requests: readonly Received[];
  /** Connections that are over. */
  closed(): number;
  close(): Promise<void>;
}

/** Answers a request once it has come whole. */
export type Answer = (request: Received) => void;

/** Answers with what came. */
export const echo: Answer = ({ stream, pieces }) => {
  stream.respond(HEAD);
  if (pieces.length > 0) stream.write(Buffer.concat(pieces));
  stream.end(TRAILERS);
};

/** Listens on any port, of 127.0.0.1. */
export async function bareServer(
  answer: Answer = echo,
  limits: Partial<ConnectionLimits> = {},
): Promise<BareServer> {
  const connections: Connection[] = [];
  const requests: Received[] = [];
  let closed = 0;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    const connection = new Connection(
      socket,
      { ...LIMITS, ...limits },
      {
        begin(stream) {
          const request: Received = { stream, pieces: [], hasEnded: false, drained: 0, closed: 0 };
          requests.push(request);
          stream.handler = {
            data: (bytes) => void request.pieces.push(Buffer.from(bytes)),
            ended() {
              request.hasEnded = true;
              answer(request);
            },
            drained: () => void (request.drained += 1),
            closed: () => void (request.closed += 1),
          };
        },
        closed: () => void (closed += 1),
      },
    );
    connections.push(connection);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    connections,
    requests,
    closed: () => closed,
    async close() {
      for (const { socket } of connections) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
