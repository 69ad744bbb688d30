import { describe, expect, test } from 'vitest';
import { RecordBudgetChangeRequestSchema } from '../../../src/gen/safeguards/v1/metrics_service_pb.js';
import { RunBudgetReviewRequestSchema } from '../../../src/gen/safeguards/v1/review_pb.js';
import { decodeRecordBudgetChange } from '../../../src/rpc/decode/budget-change.js';
import { decodeRunReview } from '../../../src/rpc/decode/review.js';
import { decoding, refusedFields } from '../support/requests.js';
import { amount } from '../support/rows.js';

const review = decoding(RunBudgetReviewRequestSchema, {}, decodeRunReview);
const record = decoding(
  RecordBudgetChangeRequestSchema,
  { agentId: 'a', oldBudget: '100', newBudget: '75.5' },
  decodeRecordBudgetChange,
);

describe('a review', () => {
  test('without anything is of everything, by the thresholds of the guide', () => {
    expect(review()).toEqual({
      requestId: '',
      reason: '',
      poolId: '',
      thresholds: {
        agentUnderusedPercent: amount('90'),
        agentDepletedPercent: amount('10'),
        poolLowPercent: amount('20'),
      },
    });
  });

  test('takes every field', () => {
    const given = {
      requestId: 'r',
      reason: 'monday',
      poolId: 'p',
      agentUnderusedPercent: '100',
      agentDepletedPercent: '0',
      poolLowPercent: '12.000000000001',
    };
    expect(review(given)).toEqual({
      requestId: 'r',
      reason: 'monday',
      poolId: 'p',
      thresholds: {
        agentUnderusedPercent: amount('100'),
        agentDepletedPercent: amount('0'),
        poolLowPercent: amount('12.000000000001'),
      },
    });
  });

  test.each<[object, readonly string[]]>([
    [
      { poolId: '/', agentUnderusedPercent: '100.1', poolLowPercent: '-1', requestId: 'ä' },
      ['request_id', 'pool_id', 'agent_underused_percent', 'pool_low_percent'],
    ],
    [{ agentDepletedPercent: '10%' }, ['agent_depleted_percent']],
    [{ agentDepletedPercent: '1e1' }, ['agent_depleted_percent']],
    [{ agentDepletedPercent: '90.1' }, ['agent_depleted_percent']],
    [{ agentUnderusedPercent: '9.9' }, ['agent_depleted_percent']],
    [{ agentDepletedPercent: '50', agentUnderusedPercent: '50' }, []],
  ])('%o is refused in %o', (given, fields) => {
    expect(refusedFields(review(given))).toEqual(fields);
  });
});

describe('a change that a client notes', () => {
  test('takes every field', () => {
    const given = {
      requestId: 'r',
      reason: 'usage',
      oldBudget: '-3.50',
      newBudget: '10',
      changeAmount: '13.500',
      time: { seconds: 1_700_000_000n, nanos: 5_000_000 },
      metadata: { b: '2', a: '1' },
    };
    expect(record(given)).toEqual({
      method: 'RECORD_BUDGET_CHANGE',
      requestId: 'r',
      reason: 'usage',
      agentId: 'a',
      oldBudget: amount('-3.5'),
      newBudget: amount('10'),
      changeTime: 1_700_000_000_005,
      metadata: [
        ['a', '1'],
        ['b', '2'],
      ],
    });
    expect(record()).toMatchObject({ changeTime: undefined, metadata: [] });
  });

  test.each<[object, readonly string[]]>([
    [{ changeAmount: '-24.5' }, []],
    [{ changeAmount: '24.5' }, ['change_amount']],
    [{ changeAmount: '-24.50001' }, ['change_amount']],
    [{ changeAmount: 'less' }, ['change_amount']],
    [{ oldBudget: '', newBudget: '1,5', changeAmount: '1' }, ['old_budget', 'new_budget']],
    [{ agentId: '', newBudget: '1e3' }, ['agent_id', 'new_budget']],
    [{ time: { seconds: 10n ** 12n, nanos: 0 } }, ['time']],
    [{ metadata: { key: 'x'.repeat(1_022) } }, ['metadata']],
    [{ metadata: { key: 'x'.repeat(1_021) } }, []],
  ])('%o is refused in %o', (given, fields) => {
    expect(refusedFields(record(given))).toEqual(fields);
  });
});
