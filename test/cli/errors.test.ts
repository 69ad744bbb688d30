import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adviceFor } from '../../src/cli/advice.js';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { ErrorReason } from '../../src/gen/safeguards/v1/error_reason_pb.js';
import { commandLine } from './command-line.js';
import { FakeSidecar } from './fake-sidecar.js';

const { method } = BudgetService;
let fake: FakeSidecar;
beforeAll(async () => {
  fake = await FakeSidecar.start();
});
afterAll(() => fake.close());

const call = (words: string, address = fake.address) =>
  commandLine([...words.split(' '), '--address', address]);

describe('an error of the sidecar', () => {
  test('is printed with its reason, every field, and what to do', async () => {
    fake.refuse(method.spend, {
      code: status.INVALID_ARGUMENT,
      reason: 'INVALID_REQUEST',
      message: 'The request is malformed',
      metadata: { fields: 'amount and agent_id' },
      fields: [
        { field: 'amount', description: 'Write an amount' },
        { field: 'agent_id', description: 'Name the agent' },
      ],
    });
    expect(await call('spend a x')).toEqual({
      code: 1,
      out: '',
      err: [
        'INVALID_REQUEST: The request is malformed',
        '  amount: Write an amount',
        '  agent_id: Name the agent',
        'Correct what is named above.',
        '',
      ].join('\n'),
    });
  });

  test('is printed with its values and when to come back', async () => {
    fake.refuse(method.spend, {
      code: status.RESOURCE_EXHAUSTED,
      reason: 'SERVER_BUSY',
      message: 'Too much is queued',
      metadata: { queued: '10000' },
      retrySeconds: 2,
    });
    const { err } = await call('spend a 1');
    expect(err.split('\n').slice(0, 3)).toEqual([
      'SERVER_BUSY: Too much is queued',
      '  queued = 10000',
      '  come back in 2000 ms',
    ]);
  });

  test('is one JSON object with --json', async () => {
    fake.refuse(method.getBudget, {
      code: status.NOT_FOUND,
      reason: 'AGENT_NOT_FOUND',
      message: 'No such agent',
      metadata: { agent_id: 'a' },
    });
    const { code, out, err } = await call('budget get a --json');
    expect([code, out]).toEqual([1, '']);
    expect(JSON.parse(err)).toEqual({
      error: {
        code: 'NOT_FOUND',
        reason: 'AGENT_NOT_FOUND',
        message: 'No such agent',
        metadata: { agent_id: 'a' },
        fields: [],
        advice: expect.stringContaining('agent create') as string,
      },
    });
  });

  test('ends a stream the same way', async () => {
    fake.refuse(method.watchBudgets, {
      code: status.UNAVAILABLE,
      reason: 'SHUTTING_DOWN',
      message: 'The sidecar is stopping',
    });
    const { code, err } = await call('budget watch a');
    expect(code).toBe(1);
    expect(err).toContain('SHUTTING_DOWN: The sidecar is stopping');
  });
});

test('nobody there: it says so and how to start one', async () => {
  const { code, err } = await call('budget get a', '127.0.0.1:1');
  expect(code).toBe(1);
  expect(err).toContain('Nothing answers at 127.0.0.1:1.');
  expect(err).toContain('safeguards serve');
});

test('the listener of the other side: it says so', async () => {
  fake.refuse(method.getBudget, { code: status.UNIMPLEMENTED, reason: '', message: 'unknown' });
  expect((await call('budget get a')).err).toContain('Is it the listener of the other side?');
});

test.each(Object.keys(ErrorReason).filter((reason) => reason !== 'UNSPECIFIED'))(
  'there is something to do about %s',
  (reason) => {
    expect(adviceFor(reason)).toMatch(/\.$/);
  },
);

test('a missing token: it says where it looked', async () => {
  fake.refuse(BudgetAdminService.method.listPools, {
    code: status.UNAUTHENTICATED,
    reason: 'CREDENTIALS_MISSING',
    message: 'Credentials are missing',
  });
  const words = ['pool', 'list', '--admin-address', fake.address, '--data-dir', '/nowhere'];
  const { code, err } = await commandLine(words);
  expect(code).toBe(1);
  expect(err).toContain('There is no token in /nowhere/admin.token.\n');
});
