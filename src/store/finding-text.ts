import type { Finding } from '../ledger/api.js';

/** A finding in words, such as `entry 7, AGENT 3: its spent does not add up`. */
export function findingText({ sequence, account, message }: Finding): string {
  const where = [sequence > 0 ? `entry ${sequence}` : '', account].filter((word) => word !== '');
  return [...(where.length > 0 ? [where.join(', ')] : []), message].join(': ');
}
