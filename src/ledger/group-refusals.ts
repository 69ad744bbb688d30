import { reject, type Rejection } from '../domain/answer.js';

/** How long a caller should wait when too many are waiting. */
const BUSY_RETRY_MS = 100;

/** More commands wait than may. */
export function serverBusy(): Rejection {
  return {
    ...reject('SERVER_BUSY', 'Too many requests are waiting. Try again a little later'),
    retryAfterMs: BUSY_RETRY_MS,
  };
}

/** The sidecar stops. */
export function shuttingDown(): Rejection {
  return reject('SHUTTING_DOWN', 'The sidecar is stopping. Try again with the same request_id');
}

/** The storage failed. */
export function storeUnavailable(): Rejection {
  return reject(
    'STORE_UNAVAILABLE',
    'The store failed and the sidecar is leaving. Try again with the same request_id',
  );
}
