import { textKey } from './keys.js';
import type { Guard, KeyValueStore, Write } from './kv.js';

/**
 * Who may write, and what was written last, is one row that every transaction is guarded by and changes:
 * a number made of the owner's name and a count. LMDB compares it where it writes. So no process writes
 * after another took its place, and nothing is written on top of a transaction that failed.
 */
const OWNER_KEY = textKey('owner');

/** Transactions that are told apart; with the 32 bits of a name they fit a double. */
const COUNT_MAX = 2 ** 20;

/** The guards of a process's transactions, in their order. */
export interface Ownership {
  /** Guards the next transaction, and the row that it must write. */
  next(): { readonly guard: Guard; readonly write: Write };
}

/** Guards transactions of an owner, whose name is 8 hex digits, from its claim on. */
export function ownedBy(owner: string): Ownership {
  const base = Number.parseInt(owner, 16) * COUNT_MAX;
  let count = 0;
  return {
    next: () => {
      const guard = { key: OWNER_KEY, number: base + count };
      count = (count + 1) % COUNT_MAX;
      return { guard, write: numberWrite(base + count) };
    },
  };
}

/** Guards the transaction that makes a process the owner, and the row that it must write. */
export function claim(
  kv: KeyValueStore,
  owner: string,
): { readonly guard: Guard; readonly write: Write } {
  const number = kv.get('meta', OWNER_KEY)?.readDoubleLE(0);
  return {
    guard: { key: OWNER_KEY, number },
    write: numberWrite(Number.parseInt(owner, 16) * COUNT_MAX),
  };
}

function numberWrite(number: number): Write {
  const value = Buffer.alloc(8);
  value.writeDoubleLE(number);
  return { table: 'meta', key: OWNER_KEY, value };
}
