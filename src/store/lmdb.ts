import { open, type Database, type RootDatabaseOptions } from 'lmdb';
import { WorkFailed } from '../ledger/store.js';
import { TABLES, type KeyRange, type KeyValueStore, type Row, type Table } from './kv.js';

/** How an LMDB environment is opened. */
export interface LmdbOptions {
  /** The folder that holds data.mdb. It must exist. */
  readonly folder: string;
  /** Largest size of the file: address space, not memory. */
  readonly mapBytes: number;
  readonly readOnly: boolean;
}

/** lmdb's own declarations lack safeRestore. */
interface EnvironmentOptions extends RootDatabaseOptions {
  readonly safeRestore: boolean;
  readonly readOnly: boolean;
}

/**
 * Opens an LMDB environment. `overlappingSync: false` makes a failed flush reject the transaction and
 * roll it back, where the default leaves it visible; group writing hides what it costs. The caches and
 * encodings of lmdb-js are off: this store has its own.
 */
export function openLmdb(options: LmdbOptions): KeyValueStore {
  const settings: EnvironmentOptions = {
    // Otherwise a folder whose name has a point in it is taken for a file.
    noSubdir: false,
    maxDbs: TABLES.length + 4,
    mapSize: options.mapBytes,
    overlappingSync: false,
    eventTurnBatching: true,
    safeRestore: true,
    cache: false,
    encoding: 'binary',
    keyEncoding: 'binary',
    readOnly: options.readOnly,
  };
  const environment = open<Buffer, Buffer>(options.folder, settings);
  const databases = Object.fromEntries(
    TABLES.map((name) => [
      name,
      environment.openDB<Buffer, Buffer>({
        name,
        cache: false,
        encoding: 'binary',
        keyEncoding: 'binary',
      }),
    ]),
  ) as Record<Table, Database<Buffer, Buffer> | undefined>;

  return {
    get: (table, key) => databases[table]?.get(key),
    range: (table, range) => readRange(databases[table], range),
    put: (table, key, value) => {
      databases[table]?.putSync(key, value);
    },
    remove: (table, key) => {
      databases[table]?.removeSync(key);
    },
    // A throw inside transaction() would keep the writes before it; a child transaction undoes them.
    transact: (work) =>
      environment.childTransaction(() => {
        try {
          work();
        } catch (error) {
          throw new WorkFailed('the work of a transaction threw', { cause: error });
        }
      }),
    refreshReads: () => {
      environment.resetReadTxn();
    },
    backup: (folder) => environment.backup(folder, false),
    close: () => environment.close(),
  };
}

function readRange(database: Database<Buffer, Buffer> | undefined, range: KeyRange): Iterable<Row> {
  if (database === undefined) return [];
  const { start, end, reverse, limit } = range;
  // lmdb-js wants the bounds of a reverse range the other way round, and excludes the far one only.
  return database.getRange({
    ...(reverse === true ? { reverse } : {}),
    ...(limit === undefined ? {} : { limit }),
    ...bounds(start, end, reverse === true),
  });
}

function bounds(
  start: Buffer | undefined,
  end: Buffer | undefined,
  reverse: boolean,
): { start?: Buffer; end?: Buffer; exclusiveStart?: boolean; inclusiveEnd?: boolean } {
  const [from, to] = reverse ? [end, start] : [start, end];
  return {
    ...(from === undefined ? {} : { start: from }),
    ...(to === undefined ? {} : { end: to }),
    ...(reverse ? { exclusiveStart: end !== undefined, inclusiveEnd: start !== undefined } : {}),
  };
}
