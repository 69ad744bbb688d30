import { v7 as newUuid } from 'uuid';
import type { Store } from '../ledger/store.js';
import type { KeyValueStore } from './kv.js';
import { recordReader } from './record-reader.js';
import { recordWriter, STORE_FORMAT } from './record-writer.js';

/** What a store does beside reading and writing rows; where it lives decides how. */
export interface StoreUpkeep extends Pick<Store, 'verify' | 'backup' | 'close'> {
  /** Who may write. Default: a new name. */
  readonly owner?: string;
}

/** The ledger's store over any ordered, transactional key-value store. */
export function recordStore(kv: KeyValueStore, upkeep: StoreUpkeep): Store {
  const reader = recordReader(kv);
  const writer = recordWriter(kv, reader);
  return {
    ...reader,
    ...upkeep,
    owner: upkeep.owner ?? newUuid(),
    format: STORE_FORMAT,
    transact: (work) =>
      kv.transact(() => {
        work(writer);
      }),
    refreshReads: () => {
      kv.refreshReads();
    },
  };
}
