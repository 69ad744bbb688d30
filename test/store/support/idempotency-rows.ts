import fc from 'fast-check';
import type { IdempotencyRecord } from '../../../src/ledger/store.js';
import { WARNING_CODES } from '../../../src/store/tables.js';
import {
  agent,
  allocation,
  amount,
  balance,
  change,
  digest,
  effectiveLevels,
  emergencyPolicy,
  emergencyRequest,
  id,
  instant,
  pool,
  reservation,
  sequence,
  violation,
  wordOf,
} from './rows.js';

/** An agent as an answer has it. */
export const answeredAgent = agent.map((row) => ({ ...row, usage: [] }));

const answeredPool = pool.map((row) => ({ ...row, usage: [] }));

/** Any stored answer. */
export const idempotency: fc.Arbitrary<IdempotencyRecord> = fc.record({
  fingerprint: digest,
  sequence,
  time: instant,
  amount,
  secondAmount: amount,
  warnings: fc.array(wordOf(WARNING_CODES), { maxLength: 4 }),
  late: fc.boolean(),
  balance: fc.option(balance, { nil: undefined }),
  reservation: fc.option(reservation, { nil: undefined }),
  agent: fc.option(answeredAgent, { nil: undefined }),
  pool: fc.option(answeredPool, { nil: undefined }),
  otherAgent: fc.option(answeredAgent, { nil: undefined }),
  otherPool: fc.option(answeredPool, { nil: undefined }),
  changes: fc.array(change, { maxLength: 3 }),
  allocations: fc.array(allocation, { maxLength: 3 }),
  object: fc.option(
    fc.record({ collection: fc.constantFrom('limits' as const, 'monitors' as const), key: id }),
    { nil: undefined },
  ),
  emergency: fc.option(emergencyRequest, { nil: undefined }),
  emergencyPolicy: fc.option(emergencyPolicy, { nil: undefined }),
  violation: fc.option(violation, { nil: undefined }),
  effectiveLevels: fc.option(effectiveLevels, { nil: undefined }),
});
