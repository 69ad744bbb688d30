import type { Instant } from '../domain/model.js';
import { NOTHING_CUT, RETENTION_KEY } from '../domain/opening.js';
import { type EntryRetention, makeEntryCutter } from './entry-cutter.js';
import { purge, type Purged, type PurgePolicy } from './purge.js';
import { CorruptRecord, type Header, type StoreWriter } from './store.js';
import { makeUsageCutter, type UsageRetention } from './usage-cutter.js';

/** When what has served goes. */
export interface UpkeepPolicy extends PurgePolicy, EntryRetention, UsageRetention {}

/** Takes away what has served, one small step in a transaction. */
export interface Upkeep {
  /**
   * The last step of a transaction: nothing may be appended after it. `busy` when commands share the
   * transaction, `forget` is called with every reservation that goes.
   */
  step(
    writer: StoreWriter,
    header: Header,
    now: Instant,
    busy: boolean,
    forget: (reservationId: string) => void,
  ): Purged;
}

/** A step met a damaged record: what it had put is to be undone, and no step after it does anything. */
export class UpkeepStopped extends Error {
  override readonly name = 'UpkeepStopped';
}

/**
 * Makes the upkeep of a ledger. A damaged record ends it, and `onDamage` is called with what is wrong.
 */
export function makeUpkeep(policy: UpkeepPolicy, onDamage: (message: string) => void): Upkeep {
  const entries = makeEntryCutter(policy, onDamage);
  const usage = makeUsageCutter(policy);
  let stopped = false;

  const step: Upkeep['step'] = (writer, header, now, busy, forget) => {
    const before = writer.row('retention', RETENTION_KEY) ?? NOTHING_CUT;
    const purged = purge(writer, header, now, policy, forget);
    const used = usage.step(writer, purged.header, now, before);
    const cut = entries.step(writer, purged.header, now, busy, used.retention);
    // Once: a step reads what was durable before it, and not what it wrote itself.
    if (cut.retention !== before) writer.putRow('retention', RETENTION_KEY, cut.retention);
    return { header: cut.header, more: purged.more || used.more || cut.more };
  };

  return {
    step: (writer, header, ...rest) => {
      if (stopped) return { header, more: false };
      try {
        return step(writer, header, ...rest);
      } catch (error) {
        if (!(error instanceof CorruptRecord)) throw error;
        stopped = true;
        onDamage(`${error.message}; nothing is purged or cut any more`);
        throw new UpkeepStopped('a record is damaged', { cause: error });
      }
    },
  };
}
