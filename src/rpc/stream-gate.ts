import { reject } from '../domain/answer.js';
import type { Rejection } from '../domain/answer.js';
import { rejectShutdown } from './status.js';

/** Counts the open streaming calls of a listener, bounds them and ends them when it stops. */
export interface StreamGate {
  /**
   * Takes a place. `end` is called once when the listener stops, or when `revoked` has a reason after
   * the credentials changed. Returns what gives the place back (as often as wanted), or why there is
   * none.
   */
  enter(end: (why: Rejection) => void, revoked: Revoked): (() => void) | Rejection;
  /** Ends the streams whose callers would not be let in any more. */
  recheck(): void;
  /** Tells every open stream to end; no other begins. */
  close(): void;
}

/** How long a caller should wait for a place, in milliseconds. */
const RETRY_MS = 1_000;

/** Why a caller would not be let in any more; undefined: it would. */
export type Revoked = () => Rejection | undefined;

/** Makes a gate for at most `streamsMax` streams. */
export function streamGate(streamsMax: number): StreamGate {
  const open = new Set<{ readonly end: (why: Rejection) => void; readonly revoked: Revoked }>();
  let closed = false;
  return {
    enter(end, revoked) {
      if (closed) return rejectShutdown();
      if (open.size >= streamsMax) {
        return {
          ...reject('TOO_MANY_STREAMS', 'The listener has no room for another stream. Close one', {
            streams_max: String(streamsMax),
          }),
          retryAfterMs: RETRY_MS,
        };
      }
      const place = { end, revoked };
      open.add(place);
      return () => {
        open.delete(place);
      };
    },
    recheck() {
      for (const { end, revoked } of [...open]) {
        const why = revoked();
        if (why !== undefined) end(why);
      }
    },
    close() {
      closed = true;
      for (const { end } of [...open]) end(rejectShutdown());
    },
  };
}
