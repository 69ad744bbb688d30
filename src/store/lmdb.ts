import { open, type Database, type RootDatabaseOptions } from 'lmdb';
import {
  TABLES,
  type Guard,
  type KeyRange,
  type KeyValueStore,
  type Row,
  type Table,
  type Write,
} from './kv.js';

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
  readonly pageSize: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

/** lmdb's own declarations lack safeRestore. */
interface EnvironmentOptions extends RootDatabaseOptions {
  readonly safeRestore: boolean;
  readonly readOnly: boolean;
}

/**
 * Opens an LMDB environment. `overlappingSync: false` makes a failed flush reject the transaction and
 * roll it back, where the default leaves it visible; group writing hides what it costs. Without
 * `eventTurnBatching` a transaction is a block of its own that the writing thread can take at once. The
 * caches and encodings of lmdb-js are off: this store has its own.
 */
export function openLmdb(options: LmdbOptions): KeyValueStore {
  const settings: EnvironmentOptions = {
    // Otherwise a folder whose name has a point in it is taken for a file.
    noSubdir: false,
    maxDbs: TABLES.length + 4,
    mapSize: options.mapBytes,
    overlappingSync: false,
    eventTurnBatching: false,
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

  const { meta } = databases;
  // Nothing here throws: what was begun of a block would be written without the rest.
  const emit = (writes: readonly Write[]) => () => {
    for (const { table, key, value } of writes) {
      if (value === undefined) void databases[table]?.remove(key);
      else void databases[table]?.put(key, value);
    }
  };
  const write = (writes: readonly Write[], guard: Guard | undefined): Promise<boolean> => {
    if (guard === undefined || meta === undefined) return environment.batch(emit(writes));
    const { key, number } = guard;
    return number === undefined
      ? meta.ifNoExists(key, emit(writes))
      : meta.ifVersion(key, number, emit(writes));
  };
  return {
    get: (table, key) => databases[table]?.get(key),
    range: (table, range) => readRange(databases[table], range),
    count: (table) =>
      (databases[table]?.getStats() as TableStatistics | undefined)?.entryCount ?? 0,
    bytes: (table) => {
      const of = databases[table]?.getStats() as TableStatistics | undefined;
      if (of === undefined) return 0;
      return of.pageSize * (of.treeBranchPageCount + of.treeLeafPageCount + of.overflowPages);
    },
    // The writes happen in a thread of lmdb-js, which undoes all of them when one fails.
    transact: (writes, guard) => write(writes, guard).catch(rethrowCause),
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

/** lmdb-js rejects with an error that only says where the reason will be. */
async function rethrowCause(error: unknown): Promise<never> {
  const { commitError } = error as { readonly commitError?: Promise<never> };
  await commitError;
  throw error;
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
