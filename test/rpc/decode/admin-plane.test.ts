import { describe, expect, test } from 'vitest';
import {
  AdjustBudgetRequestSchema,
  CreateAgentRequestSchema,
  CreatePoolRequestSchema,
  DeleteAgentRequestSchema,
  DeletePoolRequestSchema,
  FreezeAgentRequestSchema,
  FundPoolRequestSchema,
  MoveAgentRequestSchema,
  RefundSpendRequestSchema,
  SetBudgetRequestSchema,
  TransferBudgetRequestSchema,
  UpdateAgentRequestSchema,
  UpdatePoolRequestSchema,
} from '../../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import {
  decodeAgentState,
  decodeCreateAgent,
  decodeDeleteAgent,
  decodeMoveAgent,
  decodeUpdateAgent,
} from '../../../src/rpc/decode/agent.js';
import {
  decodeAdjustBudget,
  decodeRefund,
  decodeSetBudget,
  decodeTransfer,
} from '../../../src/rpc/decode/budget.js';
import {
  decodeCreatePool,
  decodeFundPool,
  decodePoolState,
  decodeUpdatePool,
} from '../../../src/rpc/decode/pool.js';
import { decoding, refusedFields } from '../support/requests.js';
import { amount } from '../support/rows.js';

const pairs = (count: number, value = '') =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, value]));

const agentParty = (value: string) => ({ party: { case: 'agentId', value } as const });
const poolParty = (value: string) => ({ party: { case: 'poolId', value } as const });

const createPool = decoding(CreatePoolRequestSchema, { name: 'Pool' }, decodeCreatePool);
const createAgent = decoding(CreateAgentRequestSchema, { name: 'Agent' }, decodeCreateAgent);
const updatePool = decoding(
  UpdatePoolRequestSchema,
  { pool: { id: 'p' }, updateMask: { paths: ['metadata'] } },
  decodeUpdatePool,
);
const updateAgent = decoding(
  UpdateAgentRequestSchema,
  { agent: { id: 'a' }, updateMask: { paths: ['metadata'] } },
  decodeUpdateAgent,
);
const fundPool = decoding(FundPoolRequestSchema, { poolId: 'p', delta: '5' }, decodeFundPool);
const deletePool = decoding(
  DeletePoolRequestSchema,
  { poolId: 'p' },
  decodePoolState('DELETE_POOL'),
);
const moveAgent = decoding(MoveAgentRequestSchema, { agentId: 'a', poolId: 'p' }, decodeMoveAgent);
const deleteAgent = decoding(DeleteAgentRequestSchema, { agentId: 'a' }, decodeDeleteAgent);
const freezeAgent = decoding(
  FreezeAgentRequestSchema,
  { agentId: 'a' },
  decodeAgentState('FREEZE_AGENT'),
);
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

describe('what every mutation has', () => {
  const all = {
    createPool,
    updatePool,
    fundPool,
    deletePool,
    createAgent,
    updateAgent,
    moveAgent,
    deleteAgent,
    freezeAgent,
    setBudget,
    adjustBudget,
    transfer,
    refund,
  };
  const revised = {
    updatePool,
    fundPool,
    deletePool,
    updateAgent,
    moveAgent,
    deleteAgent,
    freezeAgent,
    setBudget,
    adjustBudget,
  };

  test.each(Object.entries(all))('%s has an optional request_id and a reason', (_name, decode) => {
    expect(decode()).toMatchObject({ requestId: '', reason: '' });
    const reason = '😀'.repeat(512);
    expect(decode({ requestId: 'r', reason })).toMatchObject({ requestId: 'r', reason });
    expect(refusedFields(decode({ requestId: 'ä' }))).toEqual(['request_id']);
    expect(refusedFields(decode({ reason: 'x'.repeat(513) }))).toEqual(['reason']);
    expect(refusedFields(decode({ reason: '\udc00' }))).toEqual(['reason']);
  });

  test.each(Object.entries(revised))('%s has an optional expected_revision', (_name, decode) => {
    expect(decode()).toMatchObject({ expectedRevision: undefined });
    expect(decode({ expectedRevision: 3n })).toMatchObject({ expectedRevision: 3 });
    for (const expectedRevision of [0n, -1n, 2n ** 53n]) {
      expect(refusedFields(decode({ expectedRevision }))).toEqual(['expected_revision']);
    }
  });
});

describe('a new pool', () => {
  test('has its defaults', () => {
    expect(createPool()).toEqual({
      method: 'CREATE_POOL',
      requestId: '',
      reason: '',
      poolId: '',
      name: 'Pool',
      initialBudget: 0n,
      priority: 5,
      unit: 'USD',
      scale: 9,
      minBalance: 0n,
      funding: 'FIXED',
      metadata: [],
    });
  });

  test.each([
    [{ poolId: 'team/a' }, { poolId: 'team/a' }],
    [{ name: '😀'.repeat(256) }, {}],
    [{ initialBudget: '0' }, { initialBudget: 0n }],
    [{ initialBudget: '1.5' }, { initialBudget: amount('1.5') }],
    [{ priority: 1 }, { priority: 1 }],
    [{ priority: 10 }, { priority: 10 }],
    [{ unit: 'credits' }, { unit: 'credits' }],
    [{ scale: 0 }, { scale: 0 }],
    [{ scale: 12 }, { scale: 12 }],
    [{ minBalance: '2' }, { minBalance: amount('2') }],
    [{ funding: 1 }, { funding: 'FIXED' }],
    [{ funding: 2 }, { funding: 'ON_DEMAND' }],
    [{ metadata: pairs(64, 'v') }, {}],
    [{ metadata: { a: 'x'.repeat(16_383) } }, {}],
  ])('takes %j', (change, expected) => {
    expect(createPool(change)).toMatchObject({ method: 'CREATE_POOL', ...expected });
  });

  test.each([
    ['pool_id', { poolId: 'a b' }],
    ['name', { name: '' }],
    ['name', { name: 'x'.repeat(257) }],
    ['name', { name: '😀'.repeat(257) }],
    ['name', { name: '\ud800' }],
    ['initial_budget', { initialBudget: '-1' }],
    ['priority', { priority: 0 }],
    ['priority', { priority: 11 }],
    ['priority', { priority: -1 }],
    ['unit', { unit: '€' }],
    ['scale', { scale: -1 }],
    ['scale', { scale: 13 }],
    ['min_balance', { minBalance: '-1' }],
    ['funding', { funding: 3 }],
    ['metadata', { metadata: pairs(65) }],
    ['metadata', { metadata: { a: 'x'.repeat(16_384) } }],
  ])('refuses %s in %j', (field, change) => {
    expect(refusedFields(createPool(change))).toEqual([field]);
  });

  test('names every field at once', () => {
    expect(refusedFields(createPool({ name: '', priority: 0, initialBudget: '-100' }))).toEqual([
      'name',
      'initial_budget',
      'priority',
    ]);
  });
});

describe('a new agent', () => {
  test('has its defaults', () => {
    expect(createAgent()).toEqual({
      method: 'CREATE_AGENT',
      requestId: '',
      reason: '',
      agentId: '',
      name: 'Agent',
      poolId: 'default',
      initialBudget: 0n,
      priority: 5,
      overdraftLimit: 0n,
      allowForce: true,
      parentId: '',
      metadata: [],
    });
  });

  test.each([
    [{ agentId: 'a' }, { agentId: 'a' }],
    [{ poolId: 'p' }, { poolId: 'p' }],
    [{ initialBudget: '0.5' }, { initialBudget: amount('0.5') }],
    [{ overdraftLimit: '5' }, { overdraftLimit: amount('5') }],
    [{ allowForce: false }, { allowForce: false }],
    [{ allowForce: true }, { allowForce: true }],
    [{ parentId: 'b' }, { parentId: 'b' }],
    [{ metadata: { a: 'b' } }, { metadata: [['a', 'b']] }],
  ])('takes %j', (change, expected) => {
    expect(createAgent(change)).toMatchObject(expected);
  });

  test.each([
    ['agent_id', { agentId: '-' }],
    ['name', { name: '' }],
    ['pool_id', { poolId: 'a b' }],
    ['initial_budget', { initialBudget: '0' }],
    ['initial_budget', { initialBudget: '0.000' }],
    ['initial_budget', { initialBudget: '-100' }],
    ['priority', { priority: 11 }],
    ['overdraft_limit', { overdraftLimit: '-1' }],
    ['parent_id', { parentId: 'ä' }],
    ['metadata', { metadata: pairs(65) }],
  ])('refuses %s in %j', (field, change) => {
    expect(refusedFields(createAgent(change))).toEqual([field]);
  });
});

describe('an update', () => {
  const paths = (...names: string[]) => ({ updateMask: { paths: names } });

  test('of a pool reads what the mask names, and nothing else', () => {
    const pool = {
      id: 'p',
      name: 'New',
      priority: 7,
      minBalance: '3',
      funding: 2,
      metadata: { a: 'b' },
      unit: 'EUR',
    };
    expect(updatePool({ pool, ...paths('name') })).toEqual({
      method: 'UPDATE_POOL',
      requestId: '',
      reason: '',
      poolId: 'p',
      patch: { name: 'New' },
      expectedRevision: undefined,
    });
    expect(
      updatePool({ pool, ...paths('metadata', 'funding', 'min_balance', 'priority', 'name') }),
    ).toMatchObject({
      patch: {
        name: 'New',
        priority: 7,
        minBalance: amount('3'),
        funding: 'ON_DEMAND',
        metadata: [['a', 'b']],
      },
    });
  });

  test('of an agent reads what the mask names, and nothing else', () => {
    const agent = { id: 'a', name: 'New', priority: 7, overdraftLimit: '3', parentId: 'b' };
    expect(updateAgent({ agent, ...paths('allow_force') })).toMatchObject({
      patch: { allowForce: false },
    });
    const all = ['name', 'priority', 'overdraft_limit', 'allow_force', 'parent_id', 'metadata'];
    const command = updateAgent({ agent, ...paths(...all) });
    expect(command).toMatchObject({
      method: 'UPDATE_AGENT',
      agentId: 'a',
      patch: {
        name: 'New',
        priority: 7,
        overdraftLimit: amount('3'),
        allowForce: false,
        parentId: 'b',
        metadata: [],
      },
    });
    expect(updateAgent({ agent: { id: 'a' }, ...paths('parent_id') })).toMatchObject({
      patch: { parentId: '' },
    });
  });

  test.each([
    [['update_mask'], { updateMask: undefined }],
    [['update_mask'], paths()],
    [['update_mask'], paths('unit')],
    [['update_mask'], paths('*')],
    [['update_mask'], paths('')],
    [['update_mask'], paths('metadata.a')],
    [['update_mask'], paths('minBalance')],
    [['pool'], { pool: undefined }],
    [['pool.id'], { pool: {} }],
    [['pool.name'], { pool: { id: 'p', name: '' }, ...paths('name') }],
    [['pool.priority'], { pool: { id: 'p' }, ...paths('priority') }],
    [['pool.min_balance'], { pool: { id: 'p' }, ...paths('min_balance') }],
    [['pool.funding'], { pool: { id: 'p' }, ...paths('funding') }],
    [['pool.funding'], { pool: { id: 'p', funding: 3 }, ...paths('funding') }],
    [['pool.metadata'], { pool: { id: 'p', metadata: pairs(65) } }],
  ])('of a pool refuses %j in %j', (fields, change) => {
    expect(refusedFields(updatePool(change))).toEqual(fields);
  });

  test.each([
    [['update_mask'], { updateMask: undefined }],
    [['update_mask'], paths('state')],
    [['update_mask'], paths('initial_budget')],
    [['agent'], { agent: undefined }],
    [['agent.id'], { agent: {} }],
    [['agent.name'], { agent: { id: 'a' }, ...paths('name') }],
    [['agent.priority'], { agent: { id: 'a', priority: 11 }, ...paths('priority') }],
    [['agent.overdraft_limit'], { agent: { id: 'a' }, ...paths('overdraft_limit') }],
    [['agent.parent_id'], { agent: { id: 'a', parentId: '-' }, ...paths('parent_id') }],
    [['agent.metadata'], { agent: { id: 'a', metadata: pairs(65) } }],
  ])('of an agent refuses %j in %j', (fields, change) => {
    expect(refusedFields(updateAgent(change))).toEqual(fields);
  });
});

test('states, moves and deletions', () => {
  expect(deletePool()).toEqual({
    method: 'DELETE_POOL',
    requestId: '',
    reason: '',
    poolId: 'p',
    expectedRevision: undefined,
  });
  expect(freezeAgent()).toMatchObject({ method: 'FREEZE_AGENT', agentId: 'a' });
  expect(moveAgent()).toMatchObject({ method: 'MOVE_AGENT', agentId: 'a', poolId: 'p' });
  expect(deleteAgent()).toMatchObject({ method: 'DELETE_AGENT', releaseReservations: false });
  expect(deleteAgent({ releaseReservations: true })).toMatchObject({ releaseReservations: true });
  expect(refusedFields(deletePool({ poolId: '' }))).toEqual(['pool_id']);
  expect(refusedFields(freezeAgent({ agentId: '' }))).toEqual(['agent_id']);
  expect(refusedFields(moveAgent({ agentId: '', poolId: '' }))).toEqual(['agent_id', 'pool_id']);
  expect(refusedFields(deleteAgent({ agentId: 'a b' }))).toEqual(['agent_id']);
});
