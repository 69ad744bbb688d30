import { WorkFailed } from '../../src/ledger/store.js';
import { TABLES, type KeyRange, type KeyValueStore, type Row } from '../../src/store/kv.js';
import type { Table } from '../../src/store/kv.js';

interface Write {
  readonly table: Table;
  readonly key: string;
  /** Undefined takes the row away. */
  readonly value: Buffer | undefined;
}

/** Rows of every table, in the order of their keys' bytes. */
class Rows {
  readonly #values = new Map<Table, Map<string, Buffer>>(TABLES.map((name) => [name, new Map()]));
  readonly #keys = new Map<Table, string[]>(TABLES.map((name) => [name, []]));

  get(table: Table, key: string): Buffer | undefined {
    return this.#values.get(table)?.get(key);
  }

  apply({ table, key, value }: Write): void {
    const values = this.#values.get(table)!;
    const keys = this.#keys.get(table)!;
    if (value === undefined) {
      if (values.delete(key)) keys.splice(this.indexOf(table, key), 1);
    } else {
      if (!values.has(key)) keys.splice(this.indexOf(table, key), 0, key);
      values.set(key, value);
    }
  }

  /** The position of the first key that is not before this one. */
  indexOf(table: Table, key: string): number {
    const keys = this.#keys.get(table)!;
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  keys(table: Table, from: number, to: number): readonly string[] {
    return this.#keys.get(table)!.slice(from, to);
  }

  *all(): Generator<Write> {
    for (const [table, values] of this.#values) {
      for (const [key, value] of values) yield { table, key, value };
    }
  }

  copy(): Rows {
    const other = new Rows();
    for (const write of this.all()) other.apply(write);
    return other;
  }
}

/** What stays when the process ends: the rows whose transactions were made durable. */
export class MemoryDisk {
  readonly rows = new Rows();

  /** The bytes of a row, to tamper with. */
  get(table: Table, key: Buffer): Buffer | undefined {
    return this.rows.get(table, key.toString('latin1'));
  }

  set(table: Table, key: Buffer, value: Buffer | undefined): void {
    this.rows.apply({ table, key: key.toString('latin1'), value });
  }

  copy(): MemoryDisk {
    const other = new MemoryDisk();
    for (const write of this.rows.all()) other.rows.apply(write);
    return other;
  }
}

/**
 * A key-value store in memory. It is as strict as its port: a read outside of a transaction sees what
 * was durable when reads were last refreshed, not a row more; a transaction is durable one turn after
 * it ran, or when the test lets it; a crash is a new store on the same disk.
 */
export class MemoryKeyValueStore implements KeyValueStore {
  readonly #disk: MemoryDisk;
  /** Written, durable or not. */
  readonly #written: Rows;
  /** As reads outside of transactions see them. */
  readonly #visible: Rows;
  /** Written and not durable yet, with who waits for it. */
  readonly #unflushed: { readonly writes: Write[]; readonly settle: (error?: Error) => void }[] =
    [];
  #unseen: Write[] = [];
  #transaction: Write[] | undefined;
  #undo: Write[] = [];
  readonly #queue: (() => void)[] = [];
  #turnTaken = false;
  #held = false;
  #failure: Error | undefined;
  /** Transactions that ran. */
  transactions = 0;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
    this.#written = disk.rows.copy();
    this.#visible = disk.rows.copy();
  }

  get(table: Table, key: Buffer): Buffer | undefined {
    const value = this.#readable().get(table, key.toString('latin1'));
    return value === undefined ? undefined : Buffer.from(value);
  }

  *range(table: Table, { start, end, reverse, limit }: KeyRange): Generator<Row> {
    const rows = this.#readable();
    const from = start === undefined ? 0 : rows.indexOf(table, start.toString('latin1'));
    const to = end === undefined ? Infinity : rows.indexOf(table, end.toString('latin1'));
    const keys = rows.keys(table, from, Math.max(from, to));
    const ordered = reverse === true ? keys.toReversed() : keys;
    for (const key of ordered.slice(0, limit)) {
      const value = rows.get(table, key);
      if (value === undefined) throw new Error('a row was removed while it was read');
      yield { key: Buffer.from(key, 'latin1'), value: Buffer.from(value) };
    }
  }

  count(table: Table): number {
    return this.#readable().keys(table, 0, Infinity).length;
  }

  put(table: Table, key: Buffer, value: Buffer): void {
    this.#write({ table, key: key.toString('latin1'), value: Buffer.from(value) });
  }

  remove(table: Table, key: Buffer): void {
    this.#write({ table, key: key.toString('latin1'), value: undefined });
  }

  transact(work: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#transaction !== undefined) throw new Error('a transaction within a transaction');
      this.#queue.push(() => {
        this.#run(work, resolve, reject);
      });
      this.#takeTurn();
    });
  }

  refreshReads(): void {
    for (const write of this.#unseen.splice(0)) this.#visible.apply(write);
  }

  extent(): number {
    return 0;
  }

  backup(): Promise<void> {
    return Promise.reject(new Error('a store in memory has no folder'));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** From now on nothing becomes durable until `flush`. */
  hold(): void {
    this.#held = true;
  }

  /** Makes everything written durable, and lets what follows be so by itself again. */
  flush(): void {
    this.#held = false;
    this.#flush();
  }

  /** The next flush fails, and every one after it. */
  fail(error: Error): void {
    this.#failure = error;
  }

  #readable(): Rows {
    return this.#transaction === undefined ? this.#visible : this.#written;
  }

  #write(write: Write): void {
    if (this.#transaction === undefined) throw new Error('a write outside of a transaction');
    const { table, key } = write;
    this.#undo.push({ table, key, value: this.#written.get(table, key) });
    this.#transaction.push(write);
    this.#written.apply(write);
  }

  /** Transactions asked for in one turn run in the next, one after the other, and share a flush. */
  #takeTurn(): void {
    if (this.#turnTaken) return;
    this.#turnTaken = true;
    setImmediate(() => {
      this.#turnTaken = false;
      // What the work of one asks for runs in the same turn, as in LMDB's.
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) next();
      if (!this.#held) setImmediate(() => this.#flush());
    });
  }

  #run(work: () => void, resolve: () => void, reject: (error: unknown) => void): void {
    const writes: Write[] = [];
    this.#transaction = writes;
    this.#undo = [];
    this.transactions += 1;
    try {
      work();
    } catch (error) {
      for (const write of this.#undo.toReversed()) this.#written.apply(write);
      reject(new WorkFailed('the work of a transaction threw', { cause: error }));
      return;
    } finally {
      this.#transaction = undefined;
    }
    this.#unflushed.push({
      writes,
      settle: (error) => {
        if (error === undefined) resolve();
        else reject(error);
      },
    });
  }

  #flush(): void {
    for (const { writes, settle } of this.#unflushed.splice(0)) {
      if (this.#failure === undefined) {
        for (const write of writes) this.#disk.rows.apply(write);
        this.#unseen.push(...writes);
      }
      settle(this.#failure);
    }
  }
}
