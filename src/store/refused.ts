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
