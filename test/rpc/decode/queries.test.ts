import { describe, expect, test } from 'vitest';
import {
  BackupRequestSchema,
  ListAgentsRequestSchema,
  ListPoolsRequestSchema,
} from '../../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import {
  BatchGetBudgetsRequestSchema,
  ListReservationsRequestSchema,
  WatchBudgetsRequestSchema,
} from '../../../src/gen/safeguards/v1/budget_service_pb.js';
import {
  ExportLedgerRequestSchema,
  GetUsageHistoryRequestSchema,
  ListAgentMetricsRequestSchema,
  ListBudgetChangesRequestSchema,
  ListPoolMetricsRequestSchema,
} from '../../../src/gen/safeguards/v1/metrics_service_pb.js';
import {
  decodeBudgetChanges,
  decodeExport,
  decodeListAgentMetrics,
  decodeListPoolMetrics,
  decodeUsage,
  usageKey,
} from '../../../src/rpc/decode/metrics.js';
import {
  decodeBackup,
  decodeBatchGet,
  decodeListAgents,
  decodeListPools,
  decodeListReservations,
  decodeWatch,
} from '../../../src/rpc/decode/query.js';
import { timestampOf } from '../../../src/rpc/encode/time.js';
import { nextPageToken } from '../../../src/rpc/paging.js';
import { decoding, refusedFields } from '../support/requests.js';
import { T0 } from '../support/rows.js';

const DAY = 86_400_000;

const listPools = decoding(ListPoolsRequestSchema, {}, decodeListPools);
const listAgents = decoding(ListAgentsRequestSchema, {}, decodeListAgents);
const listReservations = decoding(ListReservationsRequestSchema, {}, decodeListReservations);
const usage = decoding(GetUsageHistoryRequestSchema, { agentId: 'a' }, (request) =>
  decodeUsage(request, T0),
);
const changes = decoding(ListBudgetChangesRequestSchema, { agentId: 'a' }, decodeBudgetChanges);
const agentMetrics = decoding(ListAgentMetricsRequestSchema, {}, decodeListAgentMetrics);
const poolMetrics = decoding(ListPoolMetricsRequestSchema, {}, decodeListPoolMetrics);

describe('a page', () => {
  const own = { listPools, listAgents, listReservations };
  const lists = { ...own, usage, changes, agentMetrics, poolMetrics };

  test.each(Object.entries(lists))('of %s is bounded', (_name, decode) => {
    expect(decode()).toMatchObject({ page: { after: undefined, size: 50 } });
    expect(decode({ pageSize: 7 })).toMatchObject({ page: { size: 7 } });
    expect(decode({ pageSize: 1_000 })).toMatchObject({ page: { size: 1_000 } });
    expect(decode({ pageSize: 1_001 })).toMatchObject({ page: { size: 1_000 } });
    expect(refusedFields(decode({ pageSize: -1 }))).toEqual(['page_size']);
  });

  test.each(Object.entries(lists))('of %s is found by no altered token', (_name, decode) => {
    for (const pageToken of ['x', 'AAAA', '!', 'x'.repeat(1_000), nextPageToken(['Other'], 'a')]) {
      expect(decode({ pageToken })).toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
    }
    expect(refusedFields(decode({ pageToken: 'x', pageSize: -1 }))).toEqual(['page_size']);
  });

  test('goes on where the last one ended, with the same filter only', () => {
    const filter = { agentId: 'a', state: 1, runId: 'r' };
    const listing = listReservations(filter);
    if (!('identity' in listing)) throw new Error('not a listing');
    const pageToken = nextPageToken(listing.identity, 'v-1');
    expect(listReservations({ ...filter, pageToken, pageSize: 3 })).toMatchObject({
      filter: { agentId: 'a', state: 'OPEN', runId: 'r' },
      page: { after: 'v-1', size: 3 },
    });
    for (const other of [{ agentId: 'b' }, { state: 0 }, { runId: '' }]) {
      expect(listReservations({ ...filter, ...other, pageToken })).toMatchObject({
        reason: 'PAGE_TOKEN_INVALID',
      });
    }
  });
});

describe('lists', () => {
  test('of agents are of a pool or of all', () => {
    expect(listAgents()).toMatchObject({ filter: { poolId: '', showClosed: false } });
    expect(listAgents({ poolId: 'p', showClosed: true })).toMatchObject({
      filter: { poolId: 'p', showClosed: true },
    });
    expect(refusedFields(listAgents({ poolId: 'a b' }))).toEqual(['pool_id']);
  });

  test.each([
    [0, undefined],
    [1, 'OPEN'],
    [2, 'COMMITTED'],
    [3, 'RELEASED'],
    [4, 'EXPIRED'],
  ])('of reservations in state %i are of %s', (state, expected) => {
    expect(listReservations({ state })).toMatchObject({ filter: { state: expected } });
  });

  test('of reservations refuse what cannot be', () => {
    const bad = { agentId: 'a b', state: 5, runId: 'ä', pageSize: -1 };
    expect(refusedFields(listReservations(bad)).slice().sort()).toEqual([
      'agent_id',
      'page_size',
      'run_id',
      'state',
    ]);
  });
});

describe('usage', () => {
  test('is of the last day up to this millisecond', () => {
    expect(usage()).toMatchObject({
      filter: { granularity: 'ENTRY', range: { start: T0 + 1 - DAY, end: T0 + 1 } },
    });
    expect(usage({ endTime: timestampOf(5 * DAY) })).toMatchObject({
      filter: { range: { start: 4 * DAY, end: 5 * DAY } },
    });
    expect(usage({ startTime: timestampOf(0), endTime: timestampOf(7) })).toMatchObject({
      filter: { range: { start: 0, end: 7 } },
    });
  });

  test.each(['ENTRY', 'ENTRY', 'MINUTE', 'HOUR', 'DAY'].map((name, at) => [at, name] as const))(
    'of granularity %i is by %s',
    (granularity, name) => {
      expect(usage({ granularity })).toMatchObject({ filter: { granularity: name } });
    },
  );

  test('on later pages is of the range of the first', () => {
    const first = usage();
    if (!('identity' in first)) throw new Error('not a listing');
    const pageToken = nextPageToken(first.identity, usageKey(first.filter.range, '12 x'));
    const later = decoding(GetUsageHistoryRequestSchema, { agentId: 'a', pageToken }, (request) =>
      decodeUsage(request, T0 + 5_000),
    );
    expect(later()).toMatchObject({
      filter: { agentId: 'a', range: first.filter.range },
      page: { after: '12 x' },
    });
    expect(later({ agentId: 'b' })).toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
    expect(later({ startTime: timestampOf(0) })).toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
  });

  test.each([
    ['agent_id', { agentId: '' }],
    ['granularity', { granularity: 5 }],
    ['start_time', { startTime: { seconds: 0n, nanos: -1 } }],
    ['end_time', { endTime: { seconds: 253_402_300_800n, nanos: 0 } }],
    ['start_time', { startTime: timestampOf(2), endTime: timestampOf(1) }],
  ])('refuses %s in %o', (field, change) => {
    expect(refusedFields(usage(change))).toEqual([field]);
  });

  test('between two milliseconds is of the later one', () => {
    const between = { seconds: 1n, nanos: 1 };
    expect(usage({ startTime: between, endTime: between })).toMatchObject({
      filter: { range: { start: 1_001, end: 1_001 } },
    });
  });
});

describe('budget changes', () => {
  test('are of all kinds and times unless asked for', () => {
    const all = { agentId: 'a', kinds: [], range: { start: 0, end: Number.MAX_SAFE_INTEGER } };
    expect(changes()).toMatchObject({ filter: all });
    expect(changes({ kinds: [16, 0] })).toMatchObject({ filter: all });
    expect(changes({ kinds: [16, 1, 16] })).toMatchObject({
      filter: { kinds: ['SET_BUDGET', 'SPEND'] },
    });
    expect(refusedFields(changes({ kinds: [1, 99] }))).toEqual(['kinds[1]']);
    expect(refusedFields(changes({ agentId: '' }))).toEqual(['agent_id']);
  });
});

describe('an export', () => {
  const exported = decoding(ExportLedgerRequestSchema, {}, decodeExport);

  test('is of a part of the ledger', () => {
    expect(exported()).toEqual({ after: 0, through: 0 });
    expect(exported({ afterSequence: 3n, throughSequence: 3n })).toEqual({ after: 3, through: 3 });
    expect(exported({ afterSequence: 9n })).toEqual({ after: 9, through: 0 });
  });

  test.each([
    ['through_sequence', { afterSequence: 3n, throughSequence: 2n }],
    ['after_sequence', { afterSequence: 2n ** 53n }],
    ['through_sequence', { throughSequence: 2n ** 64n - 1n }],
  ])('refuses %s in %o', (field, change) => {
    expect(refusedFields(exported(change))).toEqual([field]);
  });
});

test('budgets are read by 1 to 1000 ids, each once', () => {
  const batch = decoding(BatchGetBudgetsRequestSchema, {}, decodeBatchGet);
  expect(batch({ agentIds: ['b', 'a', 'b'] })).toEqual(['b', 'a']);
  expect(refusedFields(batch())).toEqual(['agent_ids']);
  expect(refusedFields(batch({ agentIds: Array(1_001).fill('a') }))).toEqual(['agent_ids']);
  expect(refusedFields(batch({ agentIds: ['a', '', 'b b'] }))).toEqual([
    'agent_ids[1]',
    'agent_ids[2]',
  ]);
});

describe('a watch', () => {
  const watch = decoding(WatchBudgetsRequestSchema, { agentIds: ['a'] }, (request) =>
    decodeWatch(request, { watchedAgentsMax: 2 }),
  );

  test('is of agents or of a pool', () => {
    expect(watch({ agentIds: ['a', 'b'] })).toEqual({
      selection: { kind: 'AGENTS', agentIds: ['a', 'b'] },
      minIntervalMs: 100,
    });
    expect(watch({ agentIds: [], poolId: 'p', minInterval: { seconds: 1n, nanos: 0 } })).toEqual({
      selection: { kind: 'POOL', poolId: 'p' },
      minIntervalMs: 1_000,
    });
  });

  test.each([
    [['agent_ids'], { agentIds: [] }],
    [['agent_ids'], { agentIds: ['a', 'b', 'c'] }],
    [['agent_ids[0]'], { agentIds: ['a b'] }],
    [['agent_ids'], { poolId: 'p' }],
    [['pool_id'], { agentIds: [], poolId: 'a b' }],
    [['min_interval'], { minInterval: { seconds: 0n, nanos: 99_999_999 } }],
    [['min_interval'], { minInterval: { seconds: 86_401n, nanos: 0 } }],
  ])('refuses %j in %o', (fields, change) => {
    expect(refusedFields(watch(change))).toEqual(fields);
  });
});

test('a backup has a name that is no path', () => {
  const backup = decoding(BackupRequestSchema, {}, decodeBackup);
  expect(backup()).toBe('');
  expect(backup({ name: 'nightly-2026.01' })).toBe('nightly-2026.01');
  for (const name of ['..', '.x', 'a/b', '/a', 'a\\b', 'a b', 'x'.repeat(129)]) {
    expect(refusedFields(backup({ name }))).toEqual(['name']);
  }
});
