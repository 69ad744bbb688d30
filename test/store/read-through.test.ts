/** What a start reads of a store beside the tail, in a process of its own. */
import { beforeAll, expect, test } from 'vitest';
import * as records from '../../src/gen/safeguards/store/v1/records_pb.js';
import type { KeyRange, Row, Table } from '../../src/store/kv.js';
import { HEADER_KEY } from '../../src/store/record-reader.js';
import { verifyRows } from '../../src/store/verify.js';
import { MemoryKeyValueStore } from '../fakes/memory-kv.js';
import { STORE_ID } from '../fakes/memory-ledger.js';
import { forge, usedLedger, type Used } from './support/tampering.js';

let used: Used;
beforeAll(async () => {
  used = await usedLedger();
});

/** One in which a table cannot be read, and which says what was. */
class BrokenStore extends MemoryKeyValueStore {
  readonly read = new Set<Table>();

  override range(table: Table, range: KeyRange): Generator<Row> {
    this.read.add(table);
    if (table === 'idempotency') throw new Error('a page cannot be read');
    return super.range(table, range);
  }
}

test('after an unclean stop every table, so that what cannot be read is found there', async () => {
  const kv = new BrokenStore(used.disk.copy());
  const { findings } = await verifyRows(kv, STORE_ID, 'TAIL');
  expect(findings).toMatchObject([{ sequence: 0, message: 'a page cannot be read' }]);
  expect(kv.read).toContain('agents');
});

test('after a clean stop nothing that was verified', async () => {
  const disk = used.disk.copy();
  forge(disk, 'meta', HEADER_KEY, records.StoreRecordSchema, (header) => {
    header.verifiedSequence = header.headSequence;
    header.verifiedHash = header.headHash;
  });
  const kv = new BrokenStore(disk);
  expect((await verifyRows(kv, STORE_ID, 'TAIL')).clean).toBe(true);
  expect(kv.read).not.toContain('agents');
});
