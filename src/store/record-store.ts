import type { Store } from '../ledger/store.js';
import type { KeyValueStore } from './kv.js';
import { ownedBy } from './owner.js';
import { recordReader } from './record-reader.js';
import { recordWriter, STORE_FORMAT } from './record-writer.js';

/** What a store does beside reading and writing rows; where it lives decides how. */
export interface StoreUpkeep extends Pick<Store, 'verify' | 'backup' | 'close'> {
  /** Who may write: it must have claimed the store. Empty: whoever has it open. */
  readonly owner: string;
}

/**
 * Another process owns the store, or the transaction before this one failed: this process must leave,
 * whatever it was about to write.
 */
class StoreTaken extends Error {
  override readonly name = 'StoreTaken';
}

/** The ledger's store over any ordered, transactional key-value store. */
export function recordStore(kv: KeyValueStore, upkeep: StoreUpkeep): Store {
  const reader = recordReader(kv);
  const writer = recordWriter(reader);
  const ownership = upkeep.owner === '' ? undefined : ownedBy(upkeep.owner);
  return {
    ...reader,
    ...upkeep,
    format: STORE_FORMAT,
    transact: (work) => {
      try {
        work(writer);
      } catch (error) {
        writer.take();
        throw error;
      }
      const writes = writer.take();
      if (writes.length === 0) return Promise.resolve();
      if (ownership === undefined) return kv.transact(writes).then(assertWritten);
      const { guard, write } = ownership.next();
      return kv.transact([...writes, write], guard).then(assertWritten);
    },
    refreshReads: () => {
      kv.refreshReads();
    },
  };
}

function assertWritten(written: boolean): void {
  if (!written) throw new StoreTaken('another process took over the store');
}
