import type { Amount } from '../amount.js';

/** The minimums that were asked for exceed what there is to divide. */
export interface Shortage {
  /** Their sum. */
  readonly minimums: Amount;
}
