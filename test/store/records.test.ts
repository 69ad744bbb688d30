import { fromBinary, toBinary, type DescMessage } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Store, StoreWriter } from '../../src/ledger/store.js';
import * as schemas from '../../src/gen/safeguards/store/v1/records_pb.js';
import { openFrame } from '../../src/store/frame.js';
import { idempotencyKey } from '../../src/store/keys.js';
import { TABLES, type KeyValueStore, type Table } from '../../src/store/kv.js';
import { runs } from '../support/seed.js';
import { COLLECTION_NAMES } from '../../src/store/collections/table.js';
import { BACKENDS, recordsOf } from './support/backends.js';
import { COLLECTION_ROWS } from './support/collection-rows.js';
import { answeredAgent, idempotency } from './support/idempotency-rows.js';
import * as rows from './support/rows.js';

/** The message in every table whose rows have one. */
const MESSAGES: Partial<Record<Table, DescMessage>> = {
  meta: schemas.StoreRecordSchema,
  pools: schemas.PoolRecordSchema,
  pool_ids: schemas.UidRecordSchema,
  agents: schemas.AgentRecordSchema,
  agent_ids: schemas.UidRecordSchema,
  agents_by_pool: schemas.UidRecordSchema,
  reservations: schemas.ReservationRecordSchema,
  entries: schemas.EntryRecordSchema,
  idempotency: schemas.IdempotencyRecordSchema,
  refunds: schemas.RefundRecordSchema,
  usage: schemas.UsageRecordSchema,
  violations: schemas.ViolationRecordSchema,
  violations_by_agent: schemas.ViolationNumberRecordSchema,
  violation_events: schemas.ViolationEventRecordSchema,
  episodes: schemas.EpisodeRecordSchema,
  denials: schemas.DenialsRecordSchema,
  service_levels: schemas.ServiceLevelsRecordSchema,
  limits: schemas.SpendingLimitRecordSchema,
  limit_counters: schemas.LimitCounterRecordSchema,
  limit_counts: schemas.LimitCountsRecordSchema,
  monitors: schemas.BudgetMonitorRecordSchema,
  emergency_policies: schemas.EmergencyPolicyRecordSchema,
  emergency_requests: schemas.EmergencyRequestRecordSchema,
  emergency_request_ids: schemas.EmergencyNumberRecordSchema,
  emergency_pending: schemas.EmergencyNumberRecordSchema,
  emergency_grants: schemas.EmergencyGrantsRecordSchema,
  budget_reviews: schemas.BudgetReviewRecordSchema,
  budget_review_findings: schemas.BudgetReviewFindingsRecordSchema,
  review_orders: schemas.ReviewOrderRecordSchema,
  violation_stats: schemas.ViolationCountsRecordSchema,
  request_times: schemas.RequestTimeRecordSchema,
  alerts: schemas.BudgetAlertRecordSchema,
  alert_states: schemas.AlertStateRecordSchema,
  ended_alerts: schemas.EndedAlertRecordSchema,
  schedules: schemas.ScheduleRecordSchema,
  schedule_runs: schemas.ScheduleRunRecordSchema,
  schedule_marks: schemas.ScheduleMarkRecordSchema,
  channels: schemas.ChannelRecordSchema,
  channel_cooldowns: schemas.ChannelCooldownRecordSchema,
  cooldown_looks: schemas.CooldownLookRecordSchema,
  deliveries: schemas.DeliveryRecordSchema,
  dead_letters: schemas.DeliveryRecordSchema,
  ended_channels: schemas.EndedChannelRecordSchema,
  openings: schemas.OpeningRecordSchema,
  retention: schemas.RetentionRecordSchema,
};

/** How a kind of row is written, and what reading it must give. */
interface Kind {
  readonly name: string;
  readonly cases: fc.Arbitrary<Case>;
}

interface Case {
  readonly write: (writer: StoreWriter) => void;
  readonly read: (store: Store) => unknown;
  readonly expected: unknown;
}

function kind<Row>(
  name: string,
  row: fc.Arbitrary<Row>,
  write: (writer: StoreWriter, row: Row) => void,
  read: (store: Store, row: Row) => unknown,
  expected: (row: Row) => unknown = (same) => same,
): Kind {
  const cases = row.map((value) => ({
    write: (writer: StoreWriter) => write(writer, value),
    read: (store: Store) => read(store, value),
    expected: expected(value),
  }));
  return { name, cases };
}

const KINDS: readonly Kind[] = [
  kind(
    'header',
    rows.header,
    (writer, row) => writer.putHeader(row),
    (store) => store.header(),
  ),
  kind(
    'pool',
    rows.pool,
    (writer, row) => {
      writer.putPool(row);
      writer.putPoolId(row.id, row.uid);
    },
    (store, { id, uid }) => [store.pool(uid), store.poolUid(id)],
    (row) => [row, row.uid],
  ),
  kind(
    'agent',
    rows.agent,
    (writer, row) => {
      writer.putAgent(row);
      writer.putAgentId(row.id, row.uid);
      writer.putAgentPool(row, undefined);
    },
    (store, { id, uid, poolUid }) => [
      store.agent(uid),
      store.agentUid(id),
      [...store.agentIds(undefined, poolUid)],
    ],
    (row) => [row, row.uid, [[row.id, row.uid]]],
  ),
  kind(
    'reservation',
    rows.reservation,
    (writer, row) => writer.putReservation(row, undefined, row.endTime),
    (store, { id, agentUid }) => [
      store.reservation(id),
      [...store.reservationIds(agentUid, undefined)],
    ],
    (row) => [row, [row.id]],
  ),
  kind(
    'entry',
    rows.entry,
    (writer, row) => writer.appendEntry(row),
    (store, { sequence }) => store.entry(sequence)?.entry,
  ),
  kind(
    'idempotency record',
    fc.tuple(rows.scope, idempotency),
    (writer, [scope, row]) => writer.putIdempotency(scope, row),
    (store, [scope]) => store.idempotency(scope),
    ([, row]) => row,
  ),
  kind(
    'usage row',
    rows.usage,
    (writer, row) => writer.putUsage('HOUR', 20_000, 7, row),
    (store) => store.usage('HOUR', 20_000, 7),
  ),
  kind(
    'refund',
    rows.refunded,
    (writer, { sequence, amount }) => writer.putRefunded(sequence, amount),
    (store, { sequence }) => store.refunded(sequence),
    ({ amount }) => amount,
  ),
  ...COLLECTION_NAMES.map((name) =>
    kind(
      `row of ${name}`,
      fc.tuple(rows.id, COLLECTION_ROWS[name] as fc.Arbitrary<never>),
      (writer, [key, row]) => writer.putRow(name, key, row),
      (store, [key]) => [store.row(name, key), [...store.rows(name, { prefix: key })][0]],
      ([key, row]) => [row, [key, row]],
    ),
  ),
];

describe.each(BACKENDS)('in $name', ({ name: backend, begin }) => {
  test.each(KINDS)('a $name is read as it was written', async ({ name, cases }) => {
    const check = fc.asyncProperty(
      fc.array(cases, { minLength: 1, maxLength: 5 }),
      async (list) => {
        for (const one of list) {
          const { kv } = begin();
          const store = recordsOf(kv);
          await store.transact(one.write);
          store.refreshReads();
          expect(plain(one.read(store))).toEqual(plain(one.expected));
          expectCanonical(kv);
          await kv.close();
        }
      },
    );
    await fc.assert(check, runs(`${name} in ${backend}`, backend === 'memory' ? 100 : 4));
  });

  test('metadata whose keys look like numbers keep the order of their characters', async () => {
    const kv = begin().kv;
    const store = recordsOf(kv);
    const [given] = fc.sample(rows.agent, { seed: 1, numRuns: 1 });
    const metadata = ['', '1', '10', '2', 'a'].map((key) => [key, `value ${key}`] as const);
    await store.transact((writer) => writer.putAgent({ ...given!, metadata }));
    store.refreshReads();
    expect(store.agent(given!.uid)?.metadata).toEqual(metadata);
  });

  test('records longer than every buffer are read as they were written', async () => {
    const kv = begin().kv;
    const store = recordsOf(kv);
    const [given] = fc.sample(idempotency, { seed: 1, numRuns: 1 });
    const [agent] = fc.sample(answeredAgent, { seed: 2, numRuns: 1 });
    const metadata = Array.from({ length: 64 }, (_, at) => {
      return [`key ${String(at).padStart(2, '0')}`, '😀'.repeat(2_000)] as const;
    });
    const scope = { uid: 0, method: 'UPDATE_AGENT', requestId: 'r' } as const;
    const row = { ...given!, agent: { ...agent!, metadata }, otherAgent: { ...agent!, metadata } };
    await store.transact((writer) => writer.putIdempotency(scope, row));
    store.refreshReads();
    expect(plain(store.idempotency(scope))).toEqual(plain(row));
    expectCanonical(kv);
  });
});

test('no two request ids, methods and agents share a record', () => {
  const check = fc.property(rows.scope, rows.scope, (a, b) => {
    const same = a.uid === b.uid && a.method === b.method && a.requestId === b.requestId;
    const keys = [a, b].map(({ uid, method, requestId }) => idempotencyKey(uid, method, requestId));
    expect(keys[0]!.equals(keys[1]!)).toBe(same);
  });
  fc.assert(check, runs('idempotency keys', 1_000));
});

/** Every byte is what protobuf-es writes. */
function expectCanonical(kv: KeyValueStore): void {
  for (const table of TABLES) {
    const schema = MESSAGES[table];
    for (const { value } of kv.range(table, {})) {
      if (schema === undefined) {
        expect(value.length, table).toBe(0);
        continue;
      }
      const message = openFrame(table, value);
      const again = toBinary(schema, fromBinary(schema, message));
      expect(Buffer.from(again).equals(message), table).toBe(true);
    }
  }
}

/** Bytes as hex: what matters is their value, not their class. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
