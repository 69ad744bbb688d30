/** The limit of what Node can do with HTTP/2: one constant answer, nothing read, nothing kept. */
import { create, toBinary } from '@bufbuild/protobuf';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { SpendResponseSchema } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { Decision } from '../../src/gen/safeguards/v1/decision_pb.js';
import { COST } from '../requests.js';
import { framed } from '../wire/message.js';

const answer = framed(
  toBinary(
    SpendResponseSchema,
    create(SpendResponseSchema, {
      sequence: 1n,
      decision: Decision.APPROVED,
      grantedAmount: COST.amount,
      budget: { agentId: COST.agentId, poolId: 'default', unit: 'USD', remaining: '987.0875' },
    }),
  ),
);

const server = createServer({ settings: { maxConcurrentStreams: 1_000 } });
server.on('stream', (stream) => {
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.end(answer);
  stream.resume();
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.send?.(`127.0.0.1:${port}`);
});
process.once('disconnect', () => process.exit());
