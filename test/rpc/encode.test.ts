import {
  type DescMessage,
  type MessageShape,
  equals,
  fromBinary,
  toBinary,
} from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { ACCOUNT_KINDS, BALANCE_FIELDS, ENTRY_KINDS } from '../../src/domain/entry.js';
import { AgentSchema } from '../../src/gen/safeguards/v1/agent_pb.js';
import { RefundSpendResponseSchema } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetSchema } from '../../src/gen/safeguards/v1/budget_pb.js';
import {
  CommitResponseSchema,
  ExtendReservationResponseSchema,
  ReleaseResponseSchema,
  ReserveResponseSchema,
  SpendResponseSchema,
  SpendResultSchema,
} from '../../src/gen/safeguards/v1/budget_service_pb.js';
import {
  AccountKindSchema,
  BalanceFieldSchema,
  EntryKindSchema,
} from '../../src/gen/safeguards/v1/entry_pb.js';
import { PoolSchema } from '../../src/gen/safeguards/v1/pool_pb.js';
import { ReservationSchema } from '../../src/gen/safeguards/v1/reservation_pb.js';
import { encodeApplied, encodeRefund, encodeTransfer } from '../../src/rpc/encode/admin.js';
import { encodeAgent } from '../../src/rpc/encode/agent.js';
import { encodeBudget } from '../../src/rpc/encode/budget.js';
import { encodeWarnings } from '../../src/rpc/encode/decision.js';
import {
  encodeCommit,
  encodeExtend,
  encodeRelease,
  encodeReserve,
} from '../../src/rpc/encode/hold.js';
import { encodePool } from '../../src/rpc/encode/pool.js';
import { encodeReservation } from '../../src/rpc/encode/reservation.js';
import { encodeResult, encodeSpend } from '../../src/rpc/encode/spend.js';
import { durationOf, timestampOf } from '../../src/rpc/encode/time.js';
import { encodeBudgetChange, encodeUsageBucket } from '../../src/rpc/encode/usage.js';
import {
  FULL,
  T0,
  agent,
  amount,
  budgetChange,
  outcome,
  pool,
  reservation,
} from './support/rows.js';

const SECOND = BigInt(Math.floor(T0 / 1000));

/** What arrives at a client. */
function sent<D extends DescMessage>(desc: D, message: MessageShape<D>): MessageShape<D> {
  const arrived = fromBinary(desc, toBinary(desc, message));
  expect(equals(desc, arrived, message)).toBe(true);
  return arrived;
}

describe('a budget', () => {
  test('shows what follows from its balances', () => {
    expect(sent(BudgetSchema, encodeBudget(agent(), pool()))).toMatchObject({
      agentId: 'agent-1',
      poolId: 'pool-1',
      unit: 'USD',
      initialBudget: '100',
      allocated: '100',
      spent: '30.5',
      reserved: '10',
      remaining: '59.5',
      overdraftLimit: '5',
      available: '64.5',
      baseline: '100',
      remainingPercent: '59.5',
      state: 1,
      revision: 4n,
      updateTime: { seconds: SECOND, nanos: 680_000_000 },
    });
  });

  test.each([
    [
      { spent: amount('150'), reserved: 0n },
      { remaining: '-50', available: '-45', remainingPercent: '-50' },
    ],
    [{ baseline: 0n }, { remainingPercent: '0' }],
    [{ baseline: amount('3'), spent: amount('98'), reserved: 0n }, { remainingPercent: '66.6666' }],
    [{ state: 'FROZEN' }, { state: 2 }],
    [{ state: 'CLOSED' }, { state: 3 }],
  ] as const)('with %o is %o', (change, expected) => {
    expect(encodeBudget(agent(change), pool())).toMatchObject(expected);
  });
});

describe('a pool', () => {
  test('shows what follows from its balances', () => {
    expect(sent(PoolSchema, encodePool(pool()))).toMatchObject({
      id: 'pool-1',
      uid: '1',
      name: 'Pool one',
      priority: 5,
      unit: 'USD',
      scale: 9,
      funding: 1,
      state: 1,
      minBalance: '5',
      initialBudget: '1000',
      funded: '1000',
      spent: '30',
      reserved: '10',
      assigned: '70',
      unallocated: '900',
      remaining: '960',
      debt: '2',
      free: '893',
      baseline: '1000',
      remainingPercent: '96',
      agentCount: 1,
      metadata: { team: 'a' },
      revision: 3n,
      createTime: { seconds: SECOND },
      updateTime: { seconds: SECOND, nanos: 679_000_000 },
    });
  });

  test.each([
    [{ state: 'FROZEN' }, { state: 2 }],
    [{ funding: 'ON_DEMAND' }, { funding: 2 }],
    [{ unallocated: 0n }, { free: '-7' }],
  ] as const)('with %o is %o', (change, expected) => {
    expect(encodePool(pool(change))).toMatchObject(expected);
  });
});

test('an agent shows its configuration', () => {
  expect(sent(AgentSchema, encodeAgent(agent({ parentId: 'boss' }), 'pool-1'))).toMatchObject({
    id: 'agent-1',
    uid: '7',
    poolId: 'pool-1',
    name: 'Agent one',
    priority: 8,
    state: 1,
    overdraftLimit: '5',
    allowForce: true,
    parentId: 'boss',
    initialBudget: '100',
    metadata: { owner: 'ada' },
    revision: 2n,
    openReservationCount: 1,
  });
  expect(encodeAgent(agent(), 'p').deleteTime).toBeUndefined();
  expect(encodeAgent(agent({ deleteTime: T0 }), 'p').deleteTime?.seconds).toBe(SECOND);
});

test('a reservation shows what it holds', () => {
  const open = sent(ReservationSchema, encodeReservation(reservation(), 'agent-1'));
  expect(open).toMatchObject({
    id: '019b0000-0000-7000-8000-000000000001',
    agentId: 'agent-1',
    state: 1,
    amount: '10',
    heldAmount: '10',
    committedAmount: '0',
    category: 'llm',
    quantities: { tokens: '1834' },
    runId: 'run-1',
    metadata: { model: 'm' },
    extensionCount: 1,
    expireTime: { seconds: SECOND + 60n },
    settledLate: false,
  });
  expect(open.endTime).toBeUndefined();
  for (const [at, state] of (['OPEN', 'COMMITTED', 'RELEASED', 'EXPIRED'] as const).entries()) {
    expect(encodeReservation(reservation({ state, endTime: T0 }), 'a')).toMatchObject({
      state: at + 1,
      endTime: { seconds: SECOND },
    });
  }
});

describe('answers to agents', () => {
  const held = outcome({
    reservation: reservation(),
    secondAmount: amount('2'),
    late: true,
    replayed: true,
    warnings: ['LATE_COMMIT'],
  });
  const common = { sequence: 12n, replayed: true, budget: { agentId: 'agent-1' } };

  test('have what each method promises', () => {
    expect(sent(SpendResponseSchema, encodeSpend(held))).toMatchObject({
      ...common,
      decision: 1,
      grantedAmount: '10',
      warnings: [{ code: 2 }],
    });
    expect(sent(ReserveResponseSchema, encodeReserve(held))).toMatchObject({
      ...common,
      decision: 1,
      grantedAmount: '10',
      reservation: { agentId: 'agent-1' },
    });
    expect(sent(CommitResponseSchema, encodeCommit(held))).toMatchObject({
      ...common,
      committedAmount: '10',
      overageAmount: '2',
      late: true,
    });
    expect(sent(ReleaseResponseSchema, encodeRelease(held))).toMatchObject({
      ...common,
      releasedAmount: '10',
    });
    expect(sent(ExtendReservationResponseSchema, encodeExtend(held))).toMatchObject({
      ...common,
      decision: 1,
      reservation: { extensionCount: 1 },
    });
  });

  test('have no reservation when it was denied', () => {
    const denied = outcome({ verdict: 'DENIED', amount: 0n, sequence: 0 });
    expect(encodeReserve(denied)).toMatchObject({ decision: 2, reservation: undefined });
  });

  test('say of an item that was undone what its agent has', () => {
    const undone = encodeResult('r', {
      verdict: 'NOT_APPLIED',
      agent: agent(),
      pool: pool(),
      serviceLevel: FULL,
    });
    expect(sent(SpendResultSchema, undone).result.value).toMatchObject({
      decision: 3,
      grantedAmount: '0',
      available: '64.5',
      serviceLevel: 'full',
    });
    const unknown = encodeResult('r', {
      verdict: 'NOT_APPLIED',
      agent: undefined,
      pool: undefined,
      serviceLevel: undefined,
    });
    expect(unknown.result.value).toMatchObject({ decision: 3, available: '', serviceLevel: '' });
  });

  test('warn with a sentence of their own', () => {
    const codes = ['OVERSPENT', 'LATE_COMMIT', 'PAID_BY_POOL', 'CLOCK_JUMPED'] as const;
    const warnings = encodeWarnings(codes);
    expect(warnings.map(({ code }) => code)).toEqual([1, 2, 3, 4]);
    expect(new Set(warnings.map(({ message }) => message)).size).toBe(4);
  });
});

describe('answers to operators', () => {
  const other = pool({ uid: 2, id: 'pool-2' });

  test('show the sides of a transfer, agents as budgets and pools as pools', () => {
    expect(encodeTransfer(outcome({ otherPool: other }))).toMatchObject({
      sourceBudget: { agentId: 'agent-1' },
      sourcePool: undefined,
      destinationBudget: undefined,
      destinationPool: { id: 'pool-2' },
    });
    expect(
      encodeTransfer(
        outcome({ agent: undefined, otherAgent: agent({ id: 'b' }), otherPool: other }),
      ),
    ).toMatchObject({
      sourceBudget: undefined,
      sourcePool: { id: 'pool-1' },
      destinationBudget: { agentId: 'b', poolId: 'pool-2' },
      destinationPool: undefined,
    });
  });

  test('name the pool of a refund only when the agent is no longer its own', () => {
    const refunded = outcome({ secondAmount: amount('3') });
    expect(sent(RefundSpendResponseSchema, encodeRefund(refunded))).toMatchObject({
      refundedAmount: '10',
      refundableAmount: '3',
      refundedPoolId: '',
      budget: { poolId: 'pool-1' },
    });
    const moved = outcome({ agent: agent({ poolUid: 2 }), pool: other, otherPool: pool() });
    expect(encodeRefund(moved)).toMatchObject({
      refundedPoolId: 'pool-1',
      budget: { poolId: 'pool-2' },
    });
    const closed = outcome({ agent: agent({ state: 'CLOSED' }), otherPool: pool() });
    expect(encodeRefund(closed)).toMatchObject({
      refundedPoolId: 'pool-1',
      budget: { state: 3 },
    });
  });

  test('list what a document changed', () => {
    const actions = ['CREATE', 'UPDATE', 'DELETE', 'MOVE'] as const;
    const changes = actions.map((action) => ({
      action,
      objectKind: 'agent' as const,
      objectId: 'a',
      fields: ['name'],
    }));
    expect(encodeApplied(outcome({ changes })).changes).toMatchObject(
      [1, 2, 3, 4].map((action) => ({
        action,
        objectKind: 'agent',
        objectId: 'a',
        fields: ['name'],
      })),
    );
  });
});

describe('the ledger', () => {
  test('has the numbers of the API', () => {
    const numbers = (
      values: readonly { readonly name: string; readonly number: number }[],
      prefix: string,
    ) =>
      Object.fromEntries(
        values
          .filter(({ number }) => number !== 0)
          .map(({ name, number }) => [name.replace(prefix, ''), number]),
      );
    expect(numbers(EntryKindSchema.values, 'ENTRY_KIND_')).toEqual(ENTRY_KINDS);
    expect(numbers(AccountKindSchema.values, 'ACCOUNT_KIND_')).toEqual(ACCOUNT_KINDS);
    const fields = Object.entries(BALANCE_FIELDS).map(([name, number]) => [
      name.toUpperCase(),
      number,
    ]);
    expect(numbers(BalanceFieldSchema.values, 'BALANCE_FIELD_')).toEqual(
      Object.fromEntries(fields),
    );
  });

  test('shows a change of a budget with its sign', () => {
    expect(encodeBudgetChange(budgetChange())).toEqual({
      $typeName: 'safeguards.v1.BudgetChange',
      sequence: 3n,
      time: timestampOf(T0),
      kind: 1,
      agentId: 'x',
      oldBudget: '100',
      newBudget: '75.5',
      changeAmount: '-24.5',
      reason: 'usage',
      principal: 'agent',
      requestId: 'r',
      line: 'Budget change for agent x (priority 5): 100 → 75.5 (-24.5). Reason: usage',
      priority: 5,
      external: false,
      externalTime: undefined,
      metadata: {},
    });
    const noted = budgetChange({ external: true, externalTime: T0 - 1 });
    expect(encodeBudgetChange(noted)).toMatchObject({
      external: true,
      externalTime: timestampOf(T0 - 1),
      metadata: { team: 'a' },
    });
  });

  test('shows a bucket of usage', () => {
    const bucket = {
      start: T0,
      amount: amount('3'),
      entries: 2,
      requests: 5,
      refunded: amount('1'),
      quantities: [{ name: 'tokens', amount: amount('9') }],
    };
    expect(encodeUsageBucket(bucket)).toMatchObject({
      amount: '3',
      entryCount: 2n,
      requestCount: 5n,
      refundedAmount: '1',
      quantities: { tokens: '9' },
    });
  });
});

test.each([
  [0, 0n, 0],
  [1, 0n, 1_000_000],
  [1_999, 1n, 999_000_000],
  [-1, -1n, 999_000_000],
])('the instant %i is %o s and %i ns', (instant, seconds, nanos) => {
  expect(timestampOf(instant)).toMatchObject({ seconds, nanos });
});

test('a duration is whole milliseconds', () => {
  expect(durationOf(1_500.4)).toMatchObject({ seconds: 1n, nanos: 500_000_000 });
});
