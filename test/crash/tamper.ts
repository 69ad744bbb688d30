import { createHash } from 'node:crypto';
import { cpSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { MessageShape } from '@bufbuild/protobuf';
import {
  EntryRecordSchema,
  StoreRecordSchema,
} from '../../src/gen/safeguards/store/v1/records_pb.js';
import { readUid } from '../../src/store/decode.js';
import { readFrame } from '../../src/store/frame.js';
import { numberKey, textKey } from '../../src/store/keys.js';
import type { KeyValueStore, Table, Write } from '../../src/store/kv.js';
import { openLmdb } from '../../src/store/lmdb.js';
import { STORE_FOLDER } from '../../src/store/open.js';
import { HEADER_KEY } from '../../src/store/record-reader.js';
import { forgeValue } from '../store/support/tampering.js';

const MAP_BYTES = 2 ** 30;

/** Writes into a store that no sidecar has open: LMDB itself stays sound. */
export async function tamper(
  dataDir: string,
  work: (kv: KeyValueStore) => readonly Write[],
): Promise<void> {
  const folder = path.join(dataDir, STORE_FOLDER);
  const kv = openLmdb({ folder, mapBytes: MAP_BYTES, readOnly: false });
  try {
    await kv.transact(work(kv));
  } finally {
    await kv.close();
  }
}

/** A record with a byte flipped in its middle, so that its check value disagrees. */
export function flipped(kv: KeyValueStore, table: Table, key: Buffer): Write {
  const value = Buffer.from(valueOf(kv, table, key));
  const at = Math.floor(value.length / 2);
  value[at] = value[at]! ^ 0xff;
  return { table, key, value };
}

/** An entry as it is stored. */
export type EntryRecord = MessageShape<typeof EntryRecordSchema>;

/** An entry with a change in it, in a frame that fits: only its hash tells. */
export function forgedEntry(
  kv: KeyValueStore,
  sequence: bigint,
  change: (entry: EntryRecord) => void,
): Write {
  const key = numberKey(Number(sequence));
  const value = forgeValue('entries', valueOf(kv, 'entries', key), EntryRecordSchema, change);
  return { table: 'entries', key, value };
}

/** The header with the time at which the sidecar last ran moved. */
export function movedTime(kv: KeyValueStore, ms: bigint): Write {
  const value = forgeValue('meta', valueOf(kv, 'meta', HEADER_KEY), StoreRecordSchema, (header) => {
    header.timeMs += ms;
  });
  return { table: 'meta', key: HEADER_KEY, value };
}

/** The uid of an agent. */
export function uidOf(kv: KeyValueStore, agentId: string): number {
  return readFrame('agent_ids', valueOf(kv, 'agent_ids', textKey(agentId)), readUid);
}

function valueOf(kv: KeyValueStore, table: Table, key: Buffer): Buffer {
  const value = kv.get(table, key);
  if (value === undefined) throw new Error(`${table} has no such row`);
  return value;
}

/** Copies a data directory, without the files that belong to its processes. */
export function copyData(from: string, to: string): void {
  const own = (source: string) => !/^lock(?:-|$)/.test(path.basename(source));
  cpSync(from, to, { recursive: true, filter: own });
}

/** Every file below a folder with the digest of its bytes. */
export function digestsOf(folder: string): Readonly<Record<string, string>> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    files
      .filter((file) => file.isFile())
      .map((file) => path.join(file.parentPath, file.name))
      .sort()
      .map((file) => [
        path.relative(folder, file),
        createHash('sha256').update(readFileSync(file)).digest('hex'),
      ]),
  );
}
