import { describe, expect, test } from 'vitest';
import {
  AdjustBudgetRequestSchema,
  FundPoolRequestSchema,
  RefundSpendRequestSchema,
  SetBudgetRequestSchema,
  TransferBudgetRequestSchema,
} from '../../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import {
  decodeAdjustBudget,
  decodeRefund,
  decodeSetBudget,
  decodeTransfer,
} from '../../../src/rpc/decode/budget.js';
import { decodeFundPool } from '../../../src/rpc/decode/pool.js';
import { decoding, refusedFields } from '../support/requests.js';
import { amount } from '../support/rows.js';

const agentParty = (value: string) => ({ party: { case: 'agentId', value } as const });
const poolParty = (value: string) => ({ party: { case: 'poolId', value } as const });

const fundPool = decoding(FundPoolRequestSchema, { poolId: 'p', delta: '5' }, decodeFundPool);
const setBudget = decoding(SetBudgetRequestSchema, { agentId: 'a', amount: '5' }, decodeSetBudget);
const adjustBudget = decoding(
  AdjustBudgetRequestSchema,
  { agentId: 'a', delta: '5' },
  decodeAdjustBudget,
);
const transfer = decoding(
  TransferBudgetRequestSchema,
  { source: agentParty('a'), destination: poolParty('p'), amount: '5' },
  decodeTransfer,
);
const refund = decoding(RefundSpendRequestSchema, { sequence: 7n }, decodeRefund);

describe('money', () => {
  test('commands are complete', () => {
    expect(fundPool({ delta: '-5', validateOnly: true })).toEqual({
      method: 'FUND_POOL',
      requestId: '',
      reason: '',
      poolId: 'p',
      delta: amount('-5'),
      validateOnly: true,
      expectedRevision: undefined,
    });
    expect(setBudget({ amount: '0', resetBaseline: true })).toEqual({
      method: 'SET_BUDGET',
      requestId: '',
      reason: '',
      agentId: 'a',
      amount: 0n,
      resetBaseline: true,
      validateOnly: false,
      expectedRevision: undefined,
    });
    expect(adjustBudget({ delta: '-0.5' })).toMatchObject({
      method: 'ADJUST_BUDGET',
      agentId: 'a',
      delta: amount('-0.5'),
    });
    expect(transfer({ validateOnly: true })).toEqual({
      method: 'TRANSFER',
      requestId: '',
      reason: '',
      source: { kind: 'AGENT', id: 'a' },
      destination: { kind: 'POOL', id: 'p' },
      amount: amount('5'),
      validateOnly: true,
    });
    expect(refund()).toEqual({
      method: 'REFUND',
      requestId: '',
      reason: '',
      sequence: 7,
      amount: undefined,
    });
    expect(refund({ amount: '2' })).toMatchObject({ amount: amount('2') });
  });

  test('an agent and a pool of one name are two parties', () => {
    expect(transfer({ source: poolParty('x'), destination: agentParty('x') })).toMatchObject({
      source: { kind: 'POOL', id: 'x' },
      destination: { kind: 'AGENT', id: 'x' },
    });
  });

  test.each([
    ['fundPool', fundPool, 'pool_id', { poolId: '' }],
    ['fundPool', fundPool, 'delta', { delta: '' }],
    ['fundPool', fundPool, 'delta', { delta: '0' }],
    ['fundPool', fundPool, 'delta', { delta: '-0.0' }],
    ['fundPool', fundPool, 'delta', { delta: '+1' }],
    ['setBudget', setBudget, 'agent_id', { agentId: '' }],
    ['setBudget', setBudget, 'amount', { amount: '' }],
    ['setBudget', setBudget, 'amount', { amount: '-1' }],
    ['adjustBudget', adjustBudget, 'agent_id', { agentId: '' }],
    ['adjustBudget', adjustBudget, 'delta', { delta: '0' }],
    ['transfer', transfer, 'source', { source: undefined }],
    ['transfer', transfer, 'source', { source: {} }],
    ['transfer', transfer, 'destination', { destination: undefined }],
    ['transfer', transfer, 'source.agent_id', { source: agentParty('') }],
    ['transfer', transfer, 'destination.pool_id', { destination: poolParty('a b') }],
    ['transfer', transfer, 'destination', { destination: agentParty('a') }],
    ['transfer', transfer, 'amount', { amount: '0' }],
    ['transfer', transfer, 'amount', { amount: '-25' }],
    ['transfer', transfer, 'amount', { amount: '' }],
    ['refund', refund, 'sequence', { sequence: 0n }],
    ['refund', refund, 'sequence', { sequence: 2n ** 53n }],
    ['refund', refund, 'amount', { amount: '0' }],
    ['refund', refund, 'amount', { amount: 'x' }],
  ])('%s refuses %s in %o', (_name, decode, field, change) => {
    expect(refusedFields((decode as typeof fundPool)(change))).toEqual([field]);
  });
});
