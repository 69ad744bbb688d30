import {
  TABLES,
  type Guard,
  type KeyRange,
  type KeyValueStore,
  type Row,
  type Table,
  type Write,
} from '../../src/store/kv.js';

/** A write as it is kept. */
interface KeptWrite {
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

  apply({ table, key, value }: KeptWrite): void {
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

  bytes(table: Table): number {
    let sum = 0;
    for (const value of this.#values.get(table)!.values()) sum += value.length;
    return sum;
  }

  *all(): Generator<KeptWrite> {
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

interface Transaction {
  readonly writes: readonly KeptWrite[];
  readonly guard: Guard | undefined;
  readonly resolve: (written: boolean) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A key-value store in memory. It is as strict as its port: a read sees what was durable when reads were
 * last refreshed, not a row more; a transaction is durable a turn after it was asked for, or when the
 * test lets it; a crash is a new store on the same disk.
 */
export class MemoryKeyValueStore implements KeyValueStore {
  readonly #disk: MemoryDisk;
  /** As reads see them. */
  readonly #visible: Rows;
  #unseen: KeptWrite[] = [];
  readonly #queue: Transaction[] = [];
  #turnTaken = false;
  #held = false;
  #failure: Error | undefined;
  #failures = 0;
  /** Transactions that were asked for. */
  transactions = 0;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
    this.#visible = disk.rows.copy();
  }

  get(table: Table, key: Buffer): Buffer | undefined {
    const value = this.#visible.get(table, key.toString('latin1'));
    return value === undefined ? undefined : Buffer.from(value);
  }

  *range(table: Table, { start, end, reverse, limit }: KeyRange): Generator<Row> {
    const rows = this.#visible;
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
    return this.#visible.keys(table, 0, Infinity).length;
  }

  bytes(table: Table): number {
    return this.#visible.bytes(table);
  }

  transact(writes: readonly Write[], guard?: Guard): Promise<boolean> {
    this.transactions += 1;
    const kept = writes.map(({ table, key, value }) => ({
      table,
      key: key.toString('latin1'),
      value: value && Buffer.from(value),
    }));
    return new Promise((resolve, reject) => {
      this.#queue.push({ writes: kept, guard, resolve, reject });
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

  /** The next transactions fail, by default every one from now on. */
  fail(error: Error, count = Infinity): void {
    this.#failure = error;
    this.#failures = count;
  }

  #takeTurn(): void {
    if (this.#turnTaken) return;
    this.#turnTaken = true;
    setImmediate(() => {
      this.#turnTaken = false;
      if (!this.#held) this.#flush();
    });
  }

  #flush(): void {
    for (const { writes, guard, resolve, reject } of this.#queue.splice(0)) {
      if (this.#failure !== undefined && this.#failures > 0) {
        this.#failures -= 1;
        reject(this.#failure);
        continue;
      }
      const met = guard === undefined || this.#meets(guard);
      if (met) {
        for (const write of writes) this.#disk.rows.apply(write);
        this.#unseen.push(...writes);
      }
      resolve(met);
    }
  }

  #meets({ key, number }: Guard): boolean {
    return this.#disk.get('meta', key)?.readDoubleLE(0) === number;
  }
}
