import { StreamFailed } from './method.js';
import { isFailure, isShutdown, rejectShutdown } from './status.js';
import type { Failure } from './status.js';

/** Why a stream was told to end; undefined: it was not, or because its client is gone. */
export function reasonOf(ending: AbortSignal): Failure | undefined {
  const reason: unknown = ending.reason;
  return typeof reason === 'object' && reason !== null && isFailure(reason) ? reason : undefined;
}

/** What a stream ends with whose source threw; undefined: by a fault. */
export function whyEnded(cause: unknown, ending: AbortSignal): Failure | undefined {
  const why = reasonOf(ending);
  // The source knows of no other end than shutdown, of which it tells more.
  if (why !== undefined && !isShutdown(why)) return why;
  if (cause instanceof StreamFailed) return cause.failure;
  return ending.aborted ? rejectShutdown() : undefined;
}
