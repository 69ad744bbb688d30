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

/** What getStats returns, as far as it is used; lmdb's own declarations have it empty. */
interface Statistics {
  readonly pageSize: number;
  readonly lastPageNumber: number;
}

/** The same of one table. */
interface TableStatistics {
  readonly entryCount: number;
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

  let working = false;
  return {
    get: (table, key) => databases[table]?.get(key),
    range: (table, range) => readRange(databases[table], range),
    count: (table) =>
      (databases[table]?.getStats() as TableStatistics | undefined)?.entryCount ?? 0,
    put: (table, key, value) => {
      databases[table]?.putSync(key, value);
    },
    remove: (table, key) => {
      databases[table]?.removeSync(key);
    },
    // A throw inside transaction() would keep the writes before it; a child transaction undoes them.
    // Begun inside another's work it would be nested in that one, and run before the rest of it.
    transact: (work) => {
      if (working) throw new Error('a transaction was begun inside the work of another');
      return environment.childTransaction(() => {
        working = true;
        try {
          work();
        } catch (error) {
          throw new WorkFailed('the work of a transaction threw', { cause: error });
        } finally {
          working = false;
        }
      });
    },
    refreshReads: () => {
      environment.resetReadTxn();
    },
    extent: () => {
      const { pageSize, lastPageNumber } = environment.getStats() as Statistics;
      return pageSize * (lastPageNumber + 1);
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

/** No key at all: lmdb-js then compares with none. */
const NO_KEY = Buffer.alloc(0);

function bounds(
  start: Buffer | undefined,
  end: Buffer | undefined,
  reverse: boolean,
): { start?: Buffer; end?: Buffer; exclusiveStart?: boolean; inclusiveEnd?: boolean } {
  if (!reverse) {
    return { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
  }
  return {
    ...(end === undefined ? {} : { start: end }),
    // Without an end, lmdb-js takes the key of the single byte 0 for it and leaves that row out.
    end: start ?? NO_KEY,
    exclusiveStart: end !== undefined,
    inclusiveEnd: start !== undefined,
  };
}
