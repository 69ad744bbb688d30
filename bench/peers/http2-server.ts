/** The limit of what Node's HTTP/2 can do: one constant answer, nothing read, nothing kept. */
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { CONSTANT } from './constant.js';

const server = createServer({ settings: { maxConcurrentStreams: 1_000 } });
server.on('stream', (stream) => {
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.end(CONSTANT);
  stream.resume();
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.send?.(`127.0.0.1:${port}`);
});
process.once('disconnect', () => process.exit());
