/**
 * A bounded cache of rows in two generations: what is used moves to the young one; when that is full
 * the old one is forgotten. A slot remembers the newest row and the newest durable one, and is never
 * forgotten while they differ, so a row is never read back from the store before its writing ended.
 */
export interface RowCache<Key, Row> {
  /** The newest row, durable or not: for decisions. */
  newest(key: Key): Row | undefined;
  /** The newest durable row: for reads. */
  durable(key: Key): Row | undefined;
  /** Remembers a row read from the store inside a transaction. */
  load(key: Key, row: Row): void;
  /** Remembers a row that was written and is not durable yet. */
  write(key: Key, row: Row): void;
  /** The row became durable. */
  settle(key: Key, row: Row): void;
  /** The row was taken away. */
  forget(key: Key): void;
  readonly size: number;
}

interface Slot<Row> {
  newest: Row;
  /** Undefined while the row was never durable. */
  durable: Row | undefined;
}

/** Makes a cache of about `max` rows, at least 2. */
export function rowCache<Key, Row>(max: number): RowCache<Key, Row> {
  const half = Math.max(1, Math.floor(max / 2));
  let young = new Map<Key, Slot<Row>>();
  let old = new Map<Key, Slot<Row>>();

  function find(key: Key): Slot<Row> | undefined {
    const slot = young.get(key);
    if (slot !== undefined) return slot;
    const aged = old.get(key);
    if (aged === undefined) return undefined;
    old.delete(key);
    add(key, aged);
    return aged;
  }

  function add(key: Key, slot: Slot<Row>): void {
    if (young.size >= half) {
      const kept = [...old].filter(([, aged]) => aged.newest !== aged.durable);
      old = young;
      young = new Map(kept);
    }
    young.set(key, slot);
  }

  return {
    newest: (key) => find(key)?.newest,
    durable: (key) => find(key)?.durable,
    load: (key, row) => {
      if (find(key) === undefined) add(key, { newest: row, durable: row });
    },
    write: (key, row) => {
      const slot = find(key);
      if (slot === undefined) add(key, { newest: row, durable: undefined });
      else slot.newest = row;
    },
    settle: (key, row) => {
      const slot = find(key);
      if (slot !== undefined) slot.durable = row;
    },
    forget: (key) => {
      young.delete(key);
      old.delete(key);
    },
    get size() {
      return young.size + old.size;
    },
  };
}
