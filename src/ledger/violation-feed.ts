import { changesIn } from '../domain/collection.js';
import { sequenceKey, type ViolationEvent } from '../domain/violation.js';
import type { StoreReader } from './store.js';
import { makeTurns } from './turns.js';
import type { Workspace } from './workspace.js';

/** Events that a watcher takes at a time. */
export const SLICE_MAX = 256;

/** The newest events, kept in memory for whoever is live: some 3 MiB when they are large. */
const NEWEST_MAX = 1_024;

/** Slices of older events, kept in memory for those who catch up together. */
const SLICES_MAX = 8;

/** After so much silence a watcher is told where it is, in milliseconds: api.md, WatchViolations. */
export const SILENCE_MS = 10_000;

/** What a watch of violations reads from, shared by all of them. */
export interface ViolationFeed {
  /** The newest durable event, 0 before the first. */
  head(): number;
  /** The oldest event that is kept; the one after the head when none is. */
  oldest(): number;
  /**
   * Events right after a sequence, at most 256, none at the head. Undefined when retention has cut
   * the next one.
   */
  after(sequence: number): readonly ViolationEvent[] | undefined;
  /** Settles when it is the caller's turn to read after a sequence: no watcher holds up the others. */
  turn(sequence: number): Promise<void>;
  /**
   * Settles, in turn, when there is an event after a sequence, or 10 s after `since` (monotonic
   * milliseconds), and at once when the signal aborts.
   */
  news(sequence: number, since: number, signal: AbortSignal): Promise<void>;
  /** A group became durable. */
  publish(workspace: Workspace): void;
  /** Lets go of those who have heard nothing for 10 s. To be called several times a second. */
  tick(): void;
}

interface Waiter {
  readonly since: number;
  readonly wake: () => void;
}

/**
 * Makes the feed of a store's violation events. A stream costs a cursor and at most a slice that it
 * shares with others; waking is spread over turns of the event loop, so that a thousand watchers
 * do not delay a spend.
 */
export function makeViolationFeed(reader: StoreReader, monotonic: () => number): ViolationFeed {
  let head = reader.header().violationSequence;
  let newest: ViolationEvent[] = [];
  /** Whole slices by the sequence before their first event, the longest unused first. */
  const slices = new Map<number, readonly ViolationEvent[]>();
  const waiters = new Set<Waiter>();
  const turns = makeTurns();

  function isInMemory(sequence: number): boolean {
    return sequence >= head || sequence + 1 >= (newest[0]?.sequence ?? Infinity);
  }

  function sliceOf(start: number): readonly ViolationEvent[] {
    const kept = slices.get(start);
    const slice = kept ?? read(reader, start);
    slices.delete(start);
    if (slice.length === SLICE_MAX) slices.set(start, slice);
    for (const oldest of slices.keys()) {
      if (slices.size <= SLICES_MAX) break;
      slices.delete(oldest);
    }
    return slice;
  }

  function after(sequence: number): readonly ViolationEvent[] | undefined {
    if (sequence >= head) return [];
    const first = newest[0]?.sequence ?? Infinity;
    if (sequence + 1 >= first) {
      const at = sequence + 1 - first;
      return newest.slice(at, at + SLICE_MAX);
    }
    // Slices begin at multiples of their length, so that those who catch up share them.
    const start = sequence - (sequence % SLICE_MAX);
    const rest = sliceOf(start).filter((event) => event.sequence > sequence);
    return rest[0]?.sequence === sequence + 1 ? rest : undefined;
  }

  return {
    head: () => head,
    oldest: () => {
      for (const [, event] of reader.rows('violation_events', {})) return event.sequence;
      return head + 1;
    },
    after,
    turn: (sequence) => turns.take(isInMemory(sequence) ? 'LIGHT' : 'HEAVY'),
    news: (sequence, since, signal) =>
      new Promise((resolve) => {
        if (sequence < head || signal.aborted) {
          resolve();
          return;
        }
        const end = (): void => {
          signal.removeEventListener('abort', end);
          waiters.delete(waiter);
          resolve();
        };
        const waiter: Waiter = { since, wake: end };
        waiters.add(waiter);
        signal.addEventListener('abort', end);
      }),
    publish: ({ rowChanges, violationSequence }) => {
      if (violationSequence === head) return;
      const events = [...changesIn(rowChanges, 'violation_events').values()]
        .filter((event) => event !== undefined)
        .sort((a, b) => a.sequence - b.sequence);
      // One group may open more than is kept, and cut what it opened.
      const last = newest.at(-1)?.sequence ?? head;
      const earlier = events[0]?.sequence === last + 1 ? newest : [];
      newest = [...earlier.slice(-NEWEST_MAX), ...events];
      head = violationSequence;
      for (const { wake } of waiters) turns.queue(wake);
      waiters.clear();
    },
    tick: () => {
      const before = monotonic() - SILENCE_MS;
      for (const waiter of waiters) {
        if (waiter.since > before) continue;
        waiters.delete(waiter);
        turns.queue(waiter.wake);
      }
    },
  };
}

/** A slice of durable events: those that are kept of the 256 after a sequence. */
function read(reader: StoreReader, start: number): readonly ViolationEvent[] {
  const slice: ViolationEvent[] = [];
  for (const [, event] of reader.rows('violation_events', { after: sequenceKey(start) })) {
    if (event.sequence > start + SLICE_MAX) break;
    slice.push(event);
    if (event.sequence === start + SLICE_MAX) break;
  }
  return slice;
}
