import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import {
  BatchSpendRequestSchema,
  CommitRequestSchema,
  ExtendReservationRequestSchema,
  ReleaseRequestSchema,
  ReserveRequestSchema,
  SpendRequestSchema,
} from '../../../src/gen/safeguards/v1/budget_service_pb.js';
import { decodeCommit, decodeExtend, decodeRelease } from '../../../src/rpc/decode/hold.js';
import { decodeBatch, decodeReserve, decodeSpend } from '../../../src/rpc/decode/spend.js';
import { LIMITS } from '../support/harness.js';
import { decoding, refusedFields } from '../support/requests.js';
import { amount } from '../support/rows.js';

const LONG_ID = 'a'.repeat(128);
const IDS = ['a', '0', 'A.b_c:d/e-f', LONG_ID];
const NO_IDS = ['-a', '.a', '/a', 'a b', 'ä', `${LONG_ID}a`, 'a\n', 'a,b'];
const REQUEST_IDS = ['r', ' ', '~', 'x'.repeat(128), '{"a":1}'];
const NO_REQUEST_IDS = ['x'.repeat(129), 'ä', 'a\n', '\u0000'];
const AMOUNTS = ['0', '0.0', '10', '10.50', '999999999999999999.999999999999', '0.000000000001'];
const NO_AMOUNTS = [
  '',
  '-1',
  '-0',
  '+1',
  '01',
  '1.',
  '.5',
  '1e3',
  '1_000',
  '1,5',
  ' 1',
  '1 ',
  'NaN',
  '0x1f',
  'Infinity',
  '1000000000000000000',
  '0.0000000000001',
  '１',
];

const pairs = (count: number, value = '') =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, value]));

const spend = decoding(
  SpendRequestSchema,
  { requestId: 'r-1', agentId: 'agent-1', amount: '10.50' },
  (request) => decodeSpend(request, LIMITS),
);

const reserve = decoding(
  ReserveRequestSchema,
  { requestId: 'r-1', agentId: 'agent-1', amount: '10.50' },
  decodeReserve,
);

const commit = decoding(
  CommitRequestSchema,
  { requestId: 'r-1', reservationId: 'v-1' },
  decodeCommit,
);

describe('a spend', () => {
  test('has its defaults, and its fields in one order', () => {
    const command = spend();
    expect(command).toEqual({
      method: 'SPEND',
      requestId: 'r-1',
      agentId: 'agent-1',
      amount: amount('10.5'),
      mode: 'STRICT',
      category: '',
      quantities: [],
      unit: '',
      runId: '',
      metadata: [],
      dryRun: false,
    });
    expect(Object.keys(command)).toEqual(Object.keys(spend({ mode: 3, metadata: { a: 'b' } })));
  });

  test('keeps everything that was given, maps sorted by code unit', () => {
    const command = spend({
      mode: 2,
      category: 'llm/chat',
      quantities: { tokens: '12', images: '0.5' },
      unit: 'EUR',
      runId: 'run 1',
      metadata: { b: '2', a: '1', B: '3', ä: '4', '10': '5', '9': '6' },
    });
    expect(command).toMatchObject({
      mode: 'UP_TO',
      category: 'llm/chat',
      quantities: [
        { name: 'images', amount: amount('0.5') },
        { name: 'tokens', amount: amount('12') },
      ],
      unit: 'EUR',
      runId: 'run 1',
      metadata: [
        ['10', '5'],
        ['9', '6'],
        ['B', '3'],
        ['a', '1'],
        ['b', '2'],
        ['ä', '4'],
      ],
    });
  });
});

describe.each([
  ['Spend', spend],
  ['Reserve', reserve],
] as const)('%s', (_name, decode) => {
  test.each([
    ['request_id', { requestId: '' }],
    ...NO_REQUEST_IDS.map((requestId) => ['request_id', { requestId }] as const),
    ['agent_id', { agentId: '' }],
    ...NO_IDS.map((agentId) => ['agent_id', { agentId }] as const),
    ...NO_AMOUNTS.map((text) => ['amount', { amount: text }] as const),
    ['mode', { mode: 4 }],
    ['mode', { mode: -1 }],
    ...['-a', 'a b', 'a'.repeat(65)].map((category) => ['category', { category }] as const),
    ['quantities', { quantities: { requests: '1' } }],
    ['quantities', { quantities: { Tokens: '1' } }],
    ['quantities', { quantities: { '1a': '1' } }],
    ['quantities', { quantities: { ['a'.repeat(33)]: '1' } }],
    ['quantities', { quantities: { tokens: '-1' } }],
    ['quantities', { quantities: { tokens: '' } }],
    ['quantities', { quantities: pairs(17, '1') }],
    ...['1A', 'a b', 'a'.repeat(17), 'é'].map((unit) => ['unit', { unit }] as const),
    ['run_id', { runId: 'x'.repeat(129) }],
    ['run_id', { runId: 'ä' }],
    ['metadata', { metadata: pairs(17) }],
    ['metadata', { metadata: { a: 'x'.repeat(1_024) } }],
    ['metadata', { metadata: { a: 'ä'.repeat(512) } }],
    ['metadata', { metadata: { a: '\ud800' } }],
  ] as const)('refuses %s in %j', (field, change) => {
    expect(refusedFields(decode(change))).toEqual([field]);
  });

  test.each([
    ...REQUEST_IDS.map((requestId) => ({ requestId })),
    ...IDS.map((agentId) => ({ agentId })),
    ...AMOUNTS.map((text) => ({ amount: text })),
    { mode: 0 },
    { mode: 1 },
    { mode: 2 },
    { category: 'a'.repeat(64) },
    { quantities: pairs(16, '1') },
    { quantities: { ['a'.repeat(32)]: '0' } },
    { unit: 'a'.repeat(16) },
    { unit: 'credits_v2-x' },
    { runId: 'x'.repeat(128) },
    { metadata: pairs(16) },
    { metadata: { a: 'x'.repeat(1_023) } },
    { metadata: { '': '' } },
    { metadata: { a: '😀' } },
    { dryRun: true },
    { dryRun: true, requestId: '' },
  ])('takes %j', (change) => {
    expect(refusedFields(decode(change))).toEqual([]);
  });

  test('names every field at once', () => {
    const bad = { requestId: '', agentId: '', amount: '', mode: 9, unit: '1', runId: 'ä' };
    expect(refusedFields(decode(bad))).toEqual([
      'request_id',
      'agent_id',
      'amount',
      'mode',
      'unit',
      'run_id',
    ]);
  });
});

describe('force', () => {
  test('is for Spend, up to the configured amount', () => {
    expect(spend({ mode: 3, amount: '1000000' })).toMatchObject({ mode: 'FORCE' });
    expect(refusedFields(spend({ mode: 3, amount: '1000000.000000000001' }))).toEqual(['amount']);
    expect(refusedFields(spend({ mode: 1, amount: '1000001' }))).toEqual([]);
    expect(refusedFields(reserve({ mode: 3 }))).toEqual(['mode']);
  });
});

describe('a ttl', () => {
  const extend = decoding(
    ExtendReservationRequestSchema,
    { requestId: 'r-1', reservationId: 'v-1' },
    decodeExtend,
  );

  test.each([
    [undefined, 60_000],
    [{ seconds: 1n, nanos: 0 }, 1_000],
    [{ seconds: 1n, nanos: 1_999_999 }, 1_001],
    [{ seconds: 86_400n, nanos: 0 }, 86_400_000],
  ])('of %o is %i ms', (ttl, ttlMs) => {
    expect(reserve({ ttl })).toMatchObject({ ttlMs });
    expect(extend({ ttl })).toMatchObject({ method: 'EXTEND', ttlMs });
  });

  test.each([
    { seconds: 0n, nanos: 0 },
    { seconds: 0n, nanos: 999_999_999 },
    { seconds: 86_400n, nanos: 1 },
    { seconds: -5n, nanos: 0 },
    { seconds: 5n, nanos: -1 },
    { seconds: 5n, nanos: 1_000_000_000 },
    { seconds: 2n ** 62n, nanos: 0 },
  ])('of %o is refused, not clamped', (ttl) => {
    expect(refusedFields(reserve({ ttl }))).toEqual(['ttl']);
    expect(refusedFields(extend({ ttl }))).toEqual(['ttl']);
  });
});

describe('a commit', () => {
  test('has its defaults', () => {
    expect(commit()).toEqual({
      method: 'COMMIT',
      requestId: 'r-1',
      reservationId: 'v-1',
      amount: undefined,
      final: true,
      overage: 'SETTLE_ACTUAL',
      quantities: [],
      metadata: [],
    });
  });

  test.each([
    [{ amount: '0' }, { amount: 0n }],
    [{ amount: '7.5' }, { amount: amount('7.5') }],
    [{ final: false }, { final: false }],
    [{ final: true }, { final: true }],
    [{ overage: 1 }, { overage: 'SETTLE_ACTUAL' }],
    [{ overage: 2 }, { overage: 'WITHIN_AVAILABLE' }],
    [{ overage: 3 }, { overage: 'REJECT' }],
    [{ quantities: { tokens: '3' } }, { quantities: [{ name: 'tokens', amount: amount('3') }] }],
    [{ metadata: { a: 'b' } }, { metadata: [['a', 'b']] }],
  ])('takes %j', (change, expected) => {
    expect(commit(change)).toMatchObject(expected);
  });

  test.each([
    ['request_id', { requestId: '' }],
    ['reservation_id', { reservationId: '' }],
    ['reservation_id', { reservationId: 'a b' }],
    ['amount', { amount: '' }],
    ['amount', { amount: '-1' }],
    ['overage', { overage: 4 }],
    ['quantities', { quantities: { requests: '1' } }],
    ['metadata', { metadata: pairs(17) }],
  ])('refuses %s in %j', (field, change) => {
    expect(refusedFields(commit(change))).toEqual([field]);
  });
});

test('a release needs a request_id and a reservation', () => {
  const release = decoding(
    ReleaseRequestSchema,
    { requestId: 'r-1', reservationId: 'v-1' },
    decodeRelease,
  );
  expect(release()).toEqual({ method: 'RELEASE', requestId: 'r-1', reservationId: 'v-1' });
  expect(refusedFields(release({ requestId: '', reservationId: '' }))).toEqual([
    'request_id',
    'reservation_id',
  ]);
});

describe('a batch', () => {
  const good = { requestId: 'r-1', agentId: 'agent-1', amount: '1' };
  const decode = (...items: object[]) =>
    decodeBatch(create(BatchSpendRequestSchema, { items }), { ...LIMITS, batchItemsMax: 3 });

  test('rejects its malformed items one by one, with their place', () => {
    const items = decode(
      good,
      { ...good, requestId: 'r-2', amount: 'x' },
      { ...good, dryRun: true },
    );
    expect(items).toMatchObject([
      { method: 'SPEND', requestId: 'r-1' },
      { verdict: 'REJECTED', requestId: 'r-2', fields: [{ field: 'items[1].amount' }] },
      { verdict: 'REJECTED', requestId: 'r-1', fields: [{ field: 'items[2].dry_run' }] },
    ]);
  });

  test.each([0, 4])('of %i items is rejected as a whole', (count) => {
    const items = Array.from({ length: count }, () => good);
    expect(decode(...items)).toMatchObject({
      reason: 'BATCH_TOO_LARGE',
      metadata: { items: String(count), batch_items_max: '3' },
    });
  });
});
