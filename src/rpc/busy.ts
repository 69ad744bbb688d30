import { reject } from '../domain/answer.js';
import type { Rejection } from '../domain/answer.js';

/** How long a caller should wait when the listener has no room for its call, in milliseconds. */
const RETRY_MS = 200;

/** A call beyond what the listener takes at a time. */
export function busy(): Rejection {
  return {
    ...reject('SERVER_BUSY', 'The listener has no room for the call. Try again a little later'),
    retryAfterMs: RETRY_MS,
  };
}
