import { toJson } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { VERBS } from '../../src/cli/verbs/table.js';
import { MetricsService } from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import { EntryKind } from '../../src/gen/safeguards/v1/entry_pb.js';
import { ReviewTrigger } from '../../src/gen/safeguards/v1/review_pb.js';
import { Severity } from '../../src/gen/safeguards/v1/severity_pb.js';
import { T0 } from '../fakes/manual-time.js';
import { commandLine } from './command-line.js';
import { FakeSidecar } from './fake-sidecar.js';

const { method } = MetricsService;

let fake: FakeSidecar;
beforeAll(async () => {
  fake = await FakeSidecar.start();
});
beforeEach(() => fake.reset());
afterAll(() => fake.close());

async function printed(words: string): Promise<string> {
  const environment = { SAFEGUARDS_ADMIN_ADDRESS: fake.address, SAFEGUARDS_ADMIN_TOKEN: 't' };
  const { code, out, err } = await commandLine(words.split(' '), { environment });
  expect([code, err]).toEqual([0, '']);
  return out;
}

test.each<[words: string, request: unknown]>([
  [
    'review run --pool p --agent-underused-percent 80 --agent-depleted-percent 25 --pool-low-percent 5',
    {
      poolId: 'p',
      agentUnderusedPercent: '80',
      agentDepletedPercent: '25',
      poolLowPercent: '5',
    },
  ],
  ['review get 17', { reviewId: '17' }],
  ['review list --page-size 5', { pageSize: 5 }],
  [
    'change record writer -5 75.5 --change-amount 80.5 --time 2026-01-31T00:00:00Z --metadata team=a',
    {
      agentId: 'writer',
      oldBudget: '-5',
      newBudget: '75.5',
      changeAmount: '80.5',
      time: '2026-01-31T00:00:00Z',
      metadata: { team: 'a' },
    },
  ],
])('%s', async (words, expected) => {
  await printed(words);
  const { method: name, request } = fake.calls.at(-1)!;
  const { input } = VERBS.find((verb) => verb.method.name === name)!.method;
  const { requestId: _, ...rest } = toJson(input, request) as Record<string, unknown>;
  expect(rest).toEqual(expected);
});

const REVIEW = {
  reviewId: '17',
  trigger: ReviewTrigger.SCHEDULED,
  principal: 'sidecar',
  startTime: timestampFromMs(T0),
  endTime: timestampFromMs(T0 + 1_500),
  agentCount: 1_200n,
  poolCount: 3n,
  agentDepletedCount: 1n,
  agentUnderusedCount: 7n,
};
const FINDINGS = [
  {
    severity: Severity.MEDIUM,
    remaining: '9',
    baseline: '100',
    unit: 'USD',
    remainingPercent: '9',
    message: 'Agent X budget nearly depleted - consider increasing',
  },
];

test('a review is shown with what it found and what it did not keep', async () => {
  const review = { ...REVIEW, poolId: 'P', omittedFindingCount: 7n };
  fake.answer(method.runBudgetReview, { sequence: 17n, review, findings: FINDINGS });
  const found =
    'SEVERITY  REMAINING  OF   UNIT  LEFT %  FINDING\n' +
    'MEDIUM    9          100  USD   9       Agent X budget nearly depleted - consider increasing\n' +
    '7 more were counted and not kept.\n';
  const read = 'each read from 2026-01-01T08:00:00.000Z to 2026-01-01T08:00:01.500Z.\n';
  expect(await printed('review run --pool P')).toBe(
    `Review 17 of pool P (entry 17): 1200 agent(s) and 3 pool(s), ${read}${found}`,
  );
  fake.answer(method.getBudgetReview, { review: REVIEW });
  expect(await printed('review get 17')).toBe(
    `Review 17: 1200 agent(s) and 3 pool(s), ${read}Nothing.\n`,
  );
  fake.answer(method.runBudgetReview, { sequence: 17n, replayed: true });
  expect(await printed('review run')).toBe(
    'The review (entry 17, answered before) is not kept any more.\n',
  );
});

test('reviews are a table', async () => {
  fake.answer(method.listBudgetReviews, { reviews: [REVIEW] });
  const columns = (await printed('review list')).trimEnd().split('\n');
  expect(columns.map((line) => line.split(/ {2,}/))).toEqual([
    ['REVIEW', 'TIME', 'POOL', 'AGENTS', 'LOW POOLS', 'DEPLETED', 'UNDER-USED', 'BY', 'TRIGGER'],
    ['17', '2026-01-01T08:00:01.500Z', '1200', '0', '1', '7', 'sidecar', 'SCHEDULED'],
  ]);
});

test('a noted change is told in a line, and marked in the history', async () => {
  const line = 'Budget change for agent x (priority 5): 100 → 75.5 (-24.5). Reason: usage';
  const change = { sequence: 9n, kind: EntryKind.ANNOTATE, oldBudget: '100', newBudget: '75.5' };
  fake.answer(method.recordBudgetChange, { sequence: 9n, change: { ...change, line } });
  expect(await printed('change record x 100 75.5')).toBe(`Noted (entry 9). ${line}\n`);
  const changes = [{ ...change, changeAmount: '-24.5', reason: 'usage', external: true }];
  fake.answer(method.listBudgetChanges, { changes });
  expect(await printed('changes x --kinds annotate')).toBe(
    'TIME  ENTRY  KIND      BEFORE  AFTER  CHANGE  BY  REASON\n' +
      '      9      ANNOTATE  100     75.5   -24.5       usage   noted by a client\n',
  );
  const { request } = fake.calls.at(-1)!;
  expect(request).toMatchObject({ agentId: 'x', kinds: [EntryKind.ANNOTATE] });
});
