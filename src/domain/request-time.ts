import type { RequestTime } from './collection.js';
import { METHODS, type Instant } from './model.js';
import { sequenceKey } from './violation.js';

/** The key of an idempotency record that no entry leads to: by the time of its answer. */
export function requestTimeKey(time: Instant, { uid, method, requestId }: RequestTime): string {
  return `${sequenceKey(time)}/${sequenceKey(uid)}/${METHODS[method]}/${requestId}`;
}
