/**
 * The peer: a plain grpc-js server with the sidecar's messages and channel options. It reads the whole
 * request by protobuf-es and answers with a full response that is built and encoded for each call. It
 * keeps nothing.
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';
import { AgentState } from '../src/gen/safeguards/v1/agent_pb.js';
import type { Budget } from '../src/gen/safeguards/v1/budget_pb.js';
import {
  GetBudgetRequestSchema,
  GetBudgetResponseSchema,
  SpendRequestSchema,
  SpendResponseSchema,
  type GetBudgetResponse,
  type SpendResponse,
} from '../src/gen/safeguards/v1/budget_service_pb.js';
import { Decision } from '../src/gen/safeguards/v1/decision_pb.js';
import { PATHS } from './requests.js';

const server = new Server({ 'grpc.enable_channelz': 0, 'grpc.max_concurrent_streams': 1_000 });
let sequence = 0;

serve(
  PATHS.spend,
  SpendRequestSchema,
  SpendResponseSchema,
  ({ agentId, amount }): SpendResponse => ({
    $typeName: 'safeguards.v1.SpendResponse',
    sequence: BigInt((sequence += 1)),
    budget: budgetOf(agentId),
    warnings: [],
    replayed: false,
    decision: Decision.APPROVED,
    grantedAmount: amount,
    denial: undefined,
  }),
);

serve(
  PATHS.getBudget,
  GetBudgetRequestSchema,
  GetBudgetResponseSchema,
  ({ agentId }): GetBudgetResponse => ({
    $typeName: 'safeguards.v1.GetBudgetResponse',
    budget: budgetOf(agentId),
  }),
);

function budgetOf(agentId: string): Budget {
  return {
    $typeName: 'safeguards.v1.Budget',
    agentId,
    poolId: 'default',
    unit: 'USD',
    initialBudget: '1000',
    allocated: '1000',
    spent: '12.9125',
    reserved: '0',
    remaining: '987.0875',
    overdraftLimit: '0',
    available: '987.0875',
    baseline: '1000',
    remainingPercent: '98.7087',
    state: AgentState.ACTIVE,
    revision: BigInt(sequence),
    updateTime: {
      $typeName: 'google.protobuf.Timestamp',
      seconds: BigInt(Math.floor(Date.now() / 1_000)),
      nanos: 123_000_000,
    },
  };
}

function serve<I extends DescMessage, O extends DescMessage>(
  path: string,
  input: I,
  output: O,
  answer: (request: MessageShape<I>) => MessageShape<O>,
): void {
  const handler: handleUnaryCall<MessageShape<I>, MessageShape<O>> = (call, callback) => {
    callback(null, answer(call.request));
  };
  server.register(
    path,
    handler,
    (message: MessageShape<O>) => Buffer.from(toBinary(output, message)),
    (bytes: Buffer) => fromBinary(input, bytes),
    'unary',
  );
}

const [, , socketPath = ''] = process.argv;
const credentials = ServerCredentials.createInsecure();
server.bindAsync(`unix:${socketPath}`, credentials, (unixError) => {
  if (unixError !== null) throw unixError;
  server.bindAsync('127.0.0.1:0', credentials, (error, port) => {
    if (error !== null) throw error;
    process.send?.({ agentAddress: `127.0.0.1:${port}` });
  });
});
process.once('disconnect', () => process.exit());
