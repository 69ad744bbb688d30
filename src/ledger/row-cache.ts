/** What a cache knows of a row: undefined where there is none. */
export interface Cached<Row> {
  /** Durable or not: for decisions. */
  readonly newest: Row | undefined;
  /** For reads; undefined also where the cache was not told. */
  readonly durable: Row | undefined;
}

/**
 * A bounded cache of rows in two generations: what is used moves to the young one; when that is full
 * the old one is forgotten. A slot remembers the newest row and the newest durable one, and is never
 * forgotten while a writing of it is under way, so a row is never read back from the store before that.
 */
export interface RowCache<Key, Row> {
  /** What is known of a row, or undefined: nothing, the store has it. */
  find(key: Key): Cached<Row> | undefined;
  /** The newest row, durable or not: for decisions. */
  newest(key: Key): Row | undefined;
  /** The newest durable row: for reads. */
  durable(key: Key): Row | undefined;
  /** Remembers a durable row that was read from the store. */
  load(key: Key, row: Row): void;
  /** Remembers a row that is being written, or with undefined that it is being taken away. */
  write(key: Key, row: Row | undefined): void;
  /** What was written became durable: once for each time, in their order. */
  settle(key: Key, row: Row | undefined): void;
  readonly size: number;
}

interface Slot<Row> {
  newest: Row | undefined;
  durable: Row | undefined;
  /** Writings under way. */
  writing: number;
}

/** Makes a cache of about `max` rows, at least 2. */
export function rowCache<Key, Row>(max: number): RowCache<Key, Row> {
  const half = Math.max(1, Math.floor(max / 2));
  /** Rows of the young generation at which it becomes the old one. */
  let full = half;
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
    if (young.size >= full) {
      const kept = [...old].filter(([, { writing }]) => writing > 0);
      old = young;
      young = new Map(kept);
      // What is kept must not make the next one full at once: that would copy it for every row.
      full = half + 2 * young.size;
    }
    young.set(key, slot);
  }

  return {
    find,
    newest: (key) => find(key)?.newest,
    durable: (key) => find(key)?.durable,
    load: (key, row) => {
      if (find(key) === undefined) add(key, { newest: row, durable: row, writing: 0 });
    },
    write: (key, row) => {
      const slot = find(key);
      if (slot === undefined) add(key, { newest: row, durable: undefined, writing: 1 });
      else {
        slot.newest = row;
        slot.writing += 1;
      }
    },
    settle: (key, row) => {
      const slot = find(key);
      if (slot === undefined) return;
      slot.writing -= 1;
      slot.durable = row;
      if (slot.writing > 0 || row !== undefined) return;
      young.delete(key);
      old.delete(key);
    },
    get size() {
      return young.size + old.size;
    },
  };
}
