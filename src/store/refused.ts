import { messageOf } from './frame.js';

/** Why a store is not opened. The message names the way out. */
export type RefusalReason =
  | 'STORE_LOCKED'
  | 'STORE_EMPTY'
  | 'STORE_FOREIGN'
  | 'STORE_NEWER'
  | 'STORE_CORRUPT'
  | 'CLOCK_AHEAD';

/** A store that must not be opened as it is. Nothing was written. */
export class StoreRefused extends Error {
  override readonly name = 'StoreRefused';
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Does what opens a store for writing. What the database itself fails with, such as a page that a
 * check of what is readable cannot find fault with, becomes a refusal with the way out.
 */
export async function refusingBroken<Result>(
  folder: string,
  open: () => Promise<Result>,
): Promise<Result> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof StoreRefused) throw error;
    throw new StoreRefused(
      'STORE_CORRUPT',
      `The store in ${folder} cannot be written (${messageOf(error)}); make room where the disk is ` +
        'full, otherwise run safeguards verify and restore a backup',
    );
  }
}
