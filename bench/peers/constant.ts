/** The answer of servers that do nothing but answer. */
import { create, toBinary } from '@bufbuild/protobuf';
import { SpendResponseSchema } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { Decision } from '../../src/gen/safeguards/v1/decision_pb.js';
import { COST } from '../requests.js';
import { framed } from '../wire/message.js';

export const CONSTANT = framed(
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
