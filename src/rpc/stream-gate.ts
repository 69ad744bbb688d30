import { reject } from '../domain/answer.js';
import type { Rejection } from '../domain/answer.js';
import { rejectShutdown } from './status.js';

/** Counts the open streaming calls of a listener, bounds them and ends them when it stops. */
export interface StreamGate {
  /**
   * Takes a place. `closing` is called once when the listener stops. Returns what gives the place
   * back (as often as wanted), or why there is none.
   */
  enter(closing: () => void): (() => void) | Rejection;
  /** Tells every open stream to end; no other begins. */
  close(): void;
}

/** How long a caller should wait for a place, in milliseconds. */
const RETRY_MS = 1_000;

/** Makes a gate for at most `streamsMax` streams. */
export function streamGate(streamsMax: number): StreamGate {
  const open = new Set<() => void>();
  let closed = false;
  return {
    enter(closing) {
      if (closed) return rejectShutdown();
      if (open.size >= streamsMax) {
        return {
          ...reject('TOO_MANY_STREAMS', 'The listener has no room for another stream. Close one', {
            streams_max: String(streamsMax),
          }),
          retryAfterMs: RETRY_MS,
        };
      }
      // An own function, so that two streams never share a place.
      const place = () => closing();
      open.add(place);
      return () => {
        open.delete(place);
      };
    },
    close() {
      closed = true;
      for (const closing of [...open]) closing();
    },
  };
}
