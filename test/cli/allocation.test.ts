import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { toJson } from '@bufbuild/protobuf';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { VERBS } from '../../src/cli/verbs/table.js';
import { commandLine } from './command-line.js';
import { FakeSidecar } from './fake-sidecar.js';

const { allocateByPriority, rebalancePool } = BudgetAdminService.method;

let fake: FakeSidecar;
beforeAll(async () => {
  fake = await FakeSidecar.start();
});
beforeEach(() => fake.reset());
afterAll(() => fake.close());

function call(words: string) {
  const environment = { SAFEGUARDS_ADMIN_ADDRESS: fake.address, SAFEGUARDS_ADMIN_TOKEN: 't' };
  return commandLine(words.split(' '), { environment });
}

test.each([
  [
    'allocate dynamic p a b --base-budget 50 --max-budget 90 --statistic mean-per-hour --window 7d',
    {
      poolId: 'p',
      agentIds: ['a', 'b'],
      baseBudget: '50',
      maxBudget: '90',
      statistic: 'USAGE_STATISTIC_MEAN_PER_HOUR',
      window: '604800s',
    },
  ],
  [
    'allocate priority p --total 1000 --critical-priority 7 --critical-minimum 10 --shortage scale',
    {
      poolId: 'p',
      total: '1000',
      criticalPriority: 7,
      criticalMinimum: '10',
      shortage: 'ALLOCATION_SHORTAGE_POLICY_SCALE',
    },
  ],
  [
    'rebalance p --priority-weight 1 --usage-weight 0 --normalization raw --validate-only',
    {
      poolId: 'p',
      priorityWeight: '1',
      usageWeight: '0',
      normalization: 'REBALANCE_NORMALIZATION_RAW',
      validateOnly: true,
    },
  ],
])('%s', async (words, expected) => {
  expect((await call(words)).code).toBe(0);
  const { method, request } = fake.calls.at(-1)!;
  const verb = VERBS.find((each) => each.method.name === method)!;
  const { requestId, ...rest } = toJson(verb.method.input, request) as Record<string, unknown>;
  expect(requestId).not.toBe('');
  expect(rest).toEqual(expected);
});

test('the answer is a table of before and after', async () => {
  fake.answer(rebalancePool, {
    sequence: 12n,
    total: '350',
    pool: { id: 'p', unit: 'USD', free: '0', funded: '1000' },
    allocations: [
      {
        agentId: 'writer',
        priority: 8,
        oldRemaining: '-5',
        newRemaining: '350',
        changeAmount: '355',
        usageAmount: '12.5',
        usageEntryCount: 3n,
      },
      {
        agentId: 'idle',
        priority: 2,
        oldRemaining: '7',
        newRemaining: '7',
        changeAmount: '0',
        leftOut: true,
      },
    ],
  });
  const { code, out } = await call('rebalance p');
  expect(code).toBe(0);
  expect(out).toBe(
    [
      'Allocated 350 USD (entry 12). Pool p has 0 USD free of 1000.',
      'AGENT   PRIORITY  BEFORE  AFTER  CHANGE  USED',
      'writer  8         -5      350    355     12.5 in 3',
      'idle    2         7       7      0                  left out, frozen',
      '',
    ].join('\n'),
  );
});

test('a shortage says what to do', async () => {
  fake.refuse(allocateByPriority, {
    code: 9,
    message: 'The minimums exceed the total',
    reason: 'ALLOCATION_SHORTAGE',
    metadata: { shortfall: '30' },
  });
  const { code, err } = await call('allocate priority p --total 120');
  expect(code).toBe(1);
  expect(err).toContain('shortfall = 30');
  expect(err).toContain('--shortage scale');
});
