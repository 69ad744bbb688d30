/** Bytes on the disk: whatever became of them, a record is read as it was or is CorruptRecord. */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { CorruptRecord } from '../../src/ledger/store.js';
import { recordReader } from '../../src/store/record-reader.js';
import { CODECS, COLLECTION_NAMES } from '../../src/store/collections/table.js';
import { FRAME_BYTES, openFrame, readFrame, sealFrame } from '../../src/store/frame.js';
import * as decode from '../../src/store/decode.js';
import type { Table } from '../../src/store/kv.js';
import { MemoryDisk, MemoryKeyValueStore } from '../fakes/memory-kv.js';
import { recordsOf } from '../store/support/backends.js';
import { COLLECTION_ROWS } from '../store/support/collection-rows.js';
import { idempotency } from '../store/support/idempotency-rows.js';
import * as rows from '../store/support/rows.js';
import { mutated } from './mutate.js';
import { FUZZ_TIMEOUT_MS, fuzz } from './run.js';

const timeout = FUZZ_TIMEOUT_MS;

/** What reads each table that has records. */
const DECODERS: Partial<Record<Table, (message: Uint8Array) => unknown>> = {
  meta: decode.readHeader,
  pools: decode.readPool,
  pool_ids: decode.readUid,
  agents: decode.readAgent,
  agent_ids: decode.readUid,
  reservations: decode.readReservation,
  entries: decode.readEntry,
  idempotency: decode.readIdempotency,
  refunds: decode.readRefunded,
  usage: decode.readUsage,
  ...Object.fromEntries(COLLECTION_NAMES.map((name) => [name, CODECS[name].read])),
};

interface Sample {
  readonly table: Table;
  readonly value: Buffer;
}

const samples: Sample[] = [];

beforeAll(async () => {
  const kv = new MemoryKeyValueStore(new MemoryDisk());
  const store = recordsOf(kv);
  const draw = <T>(arbitrary: fc.Arbitrary<T>) => fc.sample(arbitrary, { seed: 1, numRuns: 8 });
  await store.transact((writer) => {
    for (const row of draw(rows.header)) writer.putHeader(row);
    for (const row of draw(rows.pool)) {
      writer.putPool(row);
      writer.putPoolId(row.id, row.uid);
    }
    for (const row of draw(rows.agent)) {
      writer.putAgent(row);
      writer.putAgentId(row.id, row.uid);
    }
    for (const row of draw(rows.reservation)) writer.putReservation(row, undefined, row.endTime);
    for (const row of draw(rows.entry)) writer.appendEntry(row);
    for (const [scope, row] of draw(fc.tuple(rows.scope, idempotency))) {
      writer.putIdempotency(scope, row);
    }
    for (const [at, row] of draw(rows.usage).entries()) {
      writer.putUsage('HOUR', 20_000 + at, 7, row);
    }
    for (const { sequence, amount } of draw(rows.refunded)) writer.putRefunded(sequence, amount);
    for (const name of COLLECTION_NAMES) {
      const arbitrary = fc.tuple(rows.id, COLLECTION_ROWS[name] as fc.Arbitrary<never>);
      for (const [key, row] of draw(arbitrary)) writer.putRow(name, key, row);
    }
  });
  store.refreshReads();
  for (const table of Object.keys(DECODERS) as Table[]) {
    for (const { value } of kv.range(table, {})) samples.push({ table, value: Buffer.from(value) });
  }
});

test('there is a record of every kind to begin with', () => {
  const seen = new Set(samples.map(({ table }) => table));
  expect([...seen].sort()).toEqual(Object.keys(DECODERS).sort());
});

/** Reads a record as the store does. True when it could be read. */
function reads(table: Table, value: Buffer): boolean {
  try {
    readFrame(table, value, DECODERS[table]!);
    return true;
  } catch (error) {
    if (error instanceof CorruptRecord) return false;
    throw error;
  }
}

test('bytes that were changed are not taken for a record', { timeout }, async () => {
  await fuzz('records', (random) => {
    const { table, value } = samples[Math.floor(random() * samples.length)]!;
    const others = samples.map((one) => one.value);
    const bytes = mutated(value, others, random);
    const isKnown = others.some((other) => other.equals(bytes));
    const read = reads(table, bytes);
    if (bytes.equals(value)) expect(read).toBe(true);
    else if (!isKnown) expect(read).toBe(false);
  });
});

test(
  'a message that was changed before it was sealed is read or CorruptRecord',
  { timeout },
  async () => {
    await fuzz('sealed records', (random) => {
      const { table, value } = samples[Math.floor(random() * samples.length)]!;
      const others = samples.map((one) => openFrame(one.table, one.value));
      const message = mutated(openFrame(table, value), others, random);
      const bytes = Buffer.concat([Buffer.alloc(FRAME_BYTES), message]);
      sealFrame(bytes, 0);
      reads(table, bytes);
    });
  },
);

test('the reader of the store says so too', async () => {
  const kv = new MemoryKeyValueStore(new MemoryDisk());
  const garbage = Buffer.concat([Buffer.alloc(FRAME_BYTES), Buffer.from([0xff, 0xff, 0xff])]);
  sealFrame(garbage, 0);
  await kv.transact([
    { table: 'agent_ids', key: Buffer.from('a'), value: garbage },
    { table: 'limits', key: Buffer.from('l'), value: garbage },
  ]);
  recordsOf(kv).refreshReads();
  const reader = recordReader(kv);
  expect(() => reader.agentUid('a')).toThrow(CorruptRecord);
  expect(() => reader.row('limits', 'l')).toThrow(CorruptRecord);
  expect(() => [...reader.rows('limits', {})]).toThrow(CorruptRecord);
  expect(() => [...reader.agentIds(undefined, undefined)]).toThrow(CorruptRecord);
});
