import type { Entry } from '../domain/entry.js';
import type { Method } from '../domain/model.js';
import type { IdempotencyScope } from './store.js';

/** Methods whose records go with the reservation's row. */
const RESERVATION_METHODS: readonly (Method | undefined)[] = [
  'RESERVE',
  'COMMIT',
  'RELEASE',
  'EXTEND',
];

/**
 * Names the idempotency record that an entry leads to: the one to take away when the entry is old enough.
 * Undefined where it leads to none, or to one that goes with its reservation.
 */
export function recordScopeOf(entry: Entry): IdempotencyScope | undefined {
  const { method, requestId } = entry;
  if (requestId === '' || method === undefined || RESERVATION_METHODS.includes(method)) {
    return undefined;
  }
  const agent = entry.accounts.find((account) => account.kind === 'AGENT');
  const ofAgent = method === 'SPEND' || method === 'REQUEST_EMERGENCY';
  return { uid: ofAgent ? (agent?.uid ?? 0) : 0, method, requestId };
}
