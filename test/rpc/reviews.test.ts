/** Reviews, and changes that clients note, through the wire, on a real ledger. */
import type { Client } from '@grpc/grpc-js';
import type { DescMethodUnary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { EntryKind } from '../../src/gen/safeguards/v1/entry_pb.js';
import { MetricsService } from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import {
  ReviewFindingKind,
  ReviewTrigger,
  type BudgetReview,
  type ReviewFinding,
} from '../../src/gen/safeguards/v1/review_pb.js';
import { Severity } from '../../src/gen/safeguards/v1/severity_pb.js';
import { encodeReviewView } from '../../src/rpc/encode/review.js';
import { createAgent, createPool, spend, updateAgent } from '../fakes/commands.js';
import { HOUR, SECOND, T0 } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { asAdmin, connect, drain, failing, serverStream, unary } from './support/grpc.js';
import { serve, type Harness } from './support/harness.js';
import { reviewView } from './support/rows.js';

const { runBudgetReview, getBudgetReview, listBudgetReviews } = MetricsService.method;
const { recordBudgetChange, listBudgetChanges, exportLedger } = MetricsService.method;

let memory: MemoryLedger;
let harness: Harness;
let operator: Client;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  onTestFinished(() => memory.ledger.close());
  await memory.must(createPool('P', '1000'));
  await memory.must(createAgent('X', 'P', '100'));
  await memory.must(spend('X', '91'));
  harness = await serve({ ledger: memory.ledger });
  operator = connect(harness.admin);
});

const low: Partial<ReviewFinding> = {
  kind: ReviewFindingKind.AGENT_DEPLETED,
  severity: Severity.MEDIUM,
  agentId: 'X',
  poolId: 'P',
  unit: 'USD',
  remaining: '9',
  baseline: '100',
  remainingPercent: '9',
  message: 'Agent X budget nearly depleted - consider increasing',
};

describe('a review', () => {
  test('is run, answered again, read and listed', async () => {
    const request = { requestId: 'r', poolId: 'P', reason: 'monday' };
    const first = await unary(operator, runBudgetReview, request, asAdmin());
    expect(first).toMatchObject({ replayed: false, sequence: BigInt(memory.head) });
    const { $typeName: _, ...review } = first.review!;
    expect(review).toEqual({
      reviewId: String(memory.head),
      trigger: ReviewTrigger.MANUAL,
      principal: 'admin',
      poolId: 'P',
      startTime: timestampFromMs(T0),
      endTime: timestampFromMs(T0),
      agentUnderusedPercent: '90',
      agentDepletedPercent: '10',
      poolLowPercent: '20',
      agentCount: 1n,
      poolCount: 1n,
      poolLowCount: 0n,
      agentDepletedCount: 1n,
      agentUnderusedCount: 0n,
      omittedFindingCount: 0n,
    } satisfies Omit<BudgetReview, '$typeName'>);
    expect(first.findings).toEqual([{ $typeName: 'safeguards.v1.ReviewFinding', ...low }]);

    const again = await unary(operator, runBudgetReview, request, asAdmin());
    expect(again).toEqual({ ...first, replayed: true });
    const { reviewId } = first.review!;
    const read = await unary(operator, getBudgetReview, { reviewId }, asAdmin());
    expect([read.review, read.findings]).toEqual([first.review, first.findings]);

    memory.time.pass(HOUR);
    const second = await unary(operator, runBudgetReview, {}, asAdmin());
    const page = await unary(operator, listBudgetReviews, { pageSize: 1 }, asAdmin());
    expect(page.reviews).toEqual([second.review]);
    const { nextPageToken: pageToken } = page;
    const rest = await unary(operator, listBudgetReviews, { pageSize: 1, pageToken }, asAdmin());
    expect([rest.reviews, rest.nextPageToken]).toEqual([[first.review], '']);
  });

  test('that is no longer kept, or not well asked for, is refused by name', async () => {
    const failures = await Promise.all([
      failing(operator, getBudgetReview, { reviewId: '1' }, asAdmin()),
      failing(operator, getBudgetReview, { reviewId: '' }, asAdmin()),
      failing(operator, runBudgetReview, { poolId: 'none' }, asAdmin()),
      failing(operator, runBudgetReview, { poolLowPercent: '101' }, asAdmin()),
      failing(operator, listBudgetReviews, { pageToken: 'x' }, asAdmin()),
    ]);
    expect(failures).toMatchObject([
      { code: 'NOT_FOUND', reason: 'REVIEW_NOT_FOUND', metadata: { review_id: '1' } },
      { code: 'INVALID_ARGUMENT', fields: ['review_id'] },
      { code: 'NOT_FOUND', reason: 'POOL_NOT_FOUND' },
      { code: 'INVALID_ARGUMENT', fields: ['pool_low_percent'] },
      { code: 'INVALID_ARGUMENT', reason: 'PAGE_TOKEN_INVALID' },
    ]);
  });

  test('whose stored answer outlived it is answered without', async () => {
    const request = { requestId: 'r' };
    const first = await unary(operator, runBudgetReview, request, asAdmin());
    const key = String(first.sequence).padStart(16, '0');
    await memory.store.transact((writer) => {
      writer.putRow('budget_reviews', key, undefined);
    });
    memory.store.refreshReads();
    const again = await unary(operator, runBudgetReview, request, asAdmin());
    expect(again).toEqual({
      $typeName: first.$typeName,
      sequence: first.sequence,
      replayed: true,
      findings: [],
    });
  });

  test('shows each kind of finding, and how many it did not keep', () => {
    const { review, findings } = encodeReviewView(reviewView());
    expect(review).toMatchObject({
      reviewId: '17',
      trigger: ReviewTrigger.SCHEDULED,
      endTime: timestampFromMs(reviewView().review.endTime),
      omittedFindingCount: 4n,
    });
    expect(findings.map(({ $typeName: _, ...finding }) => finding)).toEqual([
      {
        kind: ReviewFindingKind.POOL_LOW,
        severity: Severity.MEDIUM,
        agentId: '',
        poolId: 'P',
        unit: 'USD',
        remaining: '199',
        baseline: '1000',
        remainingPercent: '19.9',
        message: 'Pool P below 20% remaining - consider rebalancing',
      },
      {
        ...low,
        remaining: '-0.00001',
        baseline: '3',
        remainingPercent: '-0.0003',
      },
      {
        kind: ReviewFindingKind.AGENT_UNDERUSED,
        severity: Severity.INFO,
        agentId: 'Y',
        poolId: 'P',
        unit: 'USD',
        remaining: '91',
        baseline: '100',
        remainingPercent: '91',
        message: 'Agent Y using less than 10% of budget - consider reducing',
      },
    ]);
  });
});

describe('a change that a client notes', () => {
  const request = {
    requestId: 'r',
    agentId: 'X',
    oldBudget: '100',
    newBudget: '75.5',
    changeAmount: '-24.5',
    reason: 'usage',
    time: timestampFromMs(T0 - SECOND),
    metadata: { team: 'a' },
  };

  test('is answered with its line, and listed as external where it is asked for', async () => {
    const noted = await unary(operator, recordBudgetChange, request, asAdmin());
    expect(noted).toMatchObject({ sequence: BigInt(memory.head), replayed: false });
    expect(noted.change).toEqual({
      $typeName: 'safeguards.v1.BudgetChange',
      sequence: noted.sequence,
      time: timestampFromMs(T0),
      kind: EntryKind.ANNOTATE,
      agentId: 'X',
      oldBudget: '100',
      newBudget: '75.5',
      changeAmount: '-24.5',
      reason: 'usage',
      principal: 'admin',
      requestId: 'r',
      line: 'Budget change for agent X (priority 5): 100 → 75.5 (-24.5). Reason: usage',
      priority: 5,
      external: true,
      externalTime: timestampFromMs(T0 - SECOND),
      metadata: { team: 'a' },
    });
    await memory.must(updateAgent('X', { priority: 9 }));
    const again = await unary(operator, recordBudgetChange, request, asAdmin());
    expect(again).toEqual({ ...noted, replayed: true });

    const listed = async (kinds: EntryKind[]) =>
      (await unary(operator, listBudgetChanges, { agentId: 'X', kinds }, asAdmin())).changes;
    expect(await listed([EntryKind.ANNOTATE])).toEqual([noted.change]);
    const own = [
      'Budget change for agent X (priority 5): 100 → 9 (-91). Reason: spend',
      'Budget change for agent X (priority 5): 0 → 100 (+100). Reason: agent create',
    ];
    expect((await listed([])).map(({ line }) => line)).toEqual(own);
  });

  test('is in the ledger that is exported', async () => {
    const { sequence } = await unary(operator, recordBudgetChange, request, asAdmin());
    const after = { afterSequence: sequence - 1n };
    const { messages } = await drain(serverStream(operator, exportLedger, after, asAdmin()));
    expect(messages[0]?.entry).toMatchObject({
      kind: EntryKind.ANNOTATE,
      agentId: 'X',
      poolId: '',
      amount: '-24.5',
      postings: [],
      changes: [{ field: 'external/budget' }, { field: 'external/time' }],
    });
  });

  test('is refused by name', async () => {
    const failures = await Promise.all([
      failing(operator, recordBudgetChange, { ...request, agentId: 'x' }, asAdmin()),
      failing(operator, recordBudgetChange, { ...request, changeAmount: '1' }, asAdmin()),
      failing(
        operator,
        recordBudgetChange,
        { ...request, oldBudget: '0.0000001', changeAmount: '' },
        asAdmin(),
      ),
    ]);
    expect(failures).toMatchObject([
      { code: 'NOT_FOUND', reason: 'AGENT_NOT_FOUND' },
      { code: 'INVALID_ARGUMENT', fields: ['change_amount'] },
      { code: 'INVALID_ARGUMENT', fields: ['old_budget'] },
    ]);
  });
});

const METHODS: readonly DescMethodUnary[] = [
  runBudgetReview,
  getBudgetReview,
  listBudgetReviews,
  recordBudgetChange,
];

test.each(METHODS)('$name does not exist for agents', async (method) => {
  expect((await failing(connect(harness.agent), method, {})).code).toBe('UNIMPLEMENTED');
});
