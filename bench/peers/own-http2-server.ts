/** The limit of what our HTTP/2 can do: one constant answer, nothing read, nothing kept. */
import { createServer, type AddressInfo } from 'node:net';
import { Connection } from '../../src/http2/connection.js';
import { headerBlock } from '../../src/http2/hpack.js';
import { CONSTANT } from './constant.js';

const HEAD = headerBlock({ ':status': '200', 'content-type': 'application/grpc' });
const OK = headerBlock({ 'grpc-status': '0' });
const LIMITS = {
  ...{ streamsMax: 1_000, headerBytesMax: 16_384, outputBytesMax: 67_108_864 },
  ...{ controlsPerSecondMax: 10_000, resetsPerSecondMax: 1_000, lingerMs: 1_000 },
};

function nothing(): void {
  // The request is not looked at.
}

const server = createServer({ noDelay: true }, (socket) => {
  new Connection(socket, LIMITS, {
    begin(stream) {
      stream.handler = {
        data: nothing,
        ended() {
          stream.respond(HEAD);
          stream.write(CONSTANT);
          stream.end(OK);
        },
        drained: nothing,
        closed: nothing,
      };
    },
    closed: nothing,
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.send?.(`127.0.0.1:${port}`);
});
process.once('disconnect', () => process.exit());
