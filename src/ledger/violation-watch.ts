import { reject, type Rejection } from '../domain/answer.js';
import {
  SEVERITIES,
  type Severity,
  type ViolationEvent,
  type ViolationEventKind,
  type ViolationType,
} from '../domain/violation.js';
import type { AgentScope } from './api.js';
import { SILENCE_MS, type ViolationFeed } from './violation-feed.js';

/** Which events to watch. Judged by the violation as it is in the event. */
export interface ViolationWatchFilter {
  /** Empty: any. */
  readonly agentIds: ReadonlySet<string>;
  /** Empty: any. */
  readonly poolId: string;
  /** Empty: any. */
  readonly types: ReadonlySet<ViolationType>;
  readonly minSeverity: Severity;
  /** Empty: any. */
  readonly kinds: ReadonlySet<ViolationEventKind>;
  /** Undefined: those of every agent, and of none. */
  readonly admits?: AgentScope | undefined;
}

/** A watch of violations as it was asked for. */
export interface ViolationWatch {
  readonly filter: ViolationWatchFilter;
  /** After which event, with the oldest that is kept, or with what comes from now on. */
  readonly start: number | 'OLDEST' | 'NOW';
  /** The store that the cursor is of; empty: this one. */
  readonly storeId: string;
}

/** What WatchViolations sends. */
export type ViolationMessage =
  | { readonly kind: 'EVENT'; readonly event: ViolationEvent }
  | {
      readonly kind: 'BOOKMARK';
      readonly sequence: number;
      readonly storeId: string;
      readonly live: boolean;
    }
  /** The last one: nothing follows. */
  | { readonly kind: 'ENDED'; readonly rejection: Rejection };

/** What a watch reads from. */
export interface ViolationWatchSources {
  readonly feed: ViolationFeed;
  readonly storeId: string;
  /** Milliseconds that only go forward. */
  readonly monotonic: () => number;
}

/** Messages that a watcher sends in a row before others have their turn. */
const MESSAGES_MAX = 16;

/**
 * Watches violations: every event after the cursor, then every new one, without gap or duplicate.
 * What the watch holds is a cursor and at most 16 events that it shares with others, however slow its
 * reader. Rejects a cursor that this store cannot continue.
 */
export function watchViolations(
  sources: ViolationWatchSources,
  watch: ViolationWatch,
  signal: AbortSignal,
): AsyncIterable<ViolationMessage> | Rejection {
  const { feed, storeId } = sources;
  if (watch.storeId !== '' && watch.storeId !== storeId) return unknownStore(storeId);
  const head = feed.head();
  if (watch.start === 'NOW') return messages(sources, watch.filter, head, signal);
  const oldest = feed.oldest();
  if (watch.start === 'OLDEST') return messages(sources, watch.filter, oldest - 1, signal);
  if (watch.start > head) return fromTheFuture(watch.start, head);
  if (watch.start + 1 < oldest) return compacted(oldest);
  return messages(sources, watch.filter, watch.start, signal);
}

async function* messages(
  { feed, storeId, monotonic }: ViolationWatchSources,
  filter: ViolationWatchFilter,
  start: number,
  signal: AbortSignal,
): AsyncGenerator<ViolationMessage> {
  let cursor = start;
  let live = cursor >= feed.head();
  let spoke = monotonic();
  const isEnding = (): boolean => signal.aborted;
  const bookmark = (): ViolationMessage => {
    spoke = monotonic();
    return { kind: 'BOOKMARK', sequence: cursor, storeId, live };
  };
  yield bookmark();
  while (!isEnding()) {
    const sifted = sift(filter, feed.after(cursor), cursor);
    if (sifted === undefined) {
      yield { kind: 'ENDED', rejection: compacted(feed.oldest()) };
      return;
    }
    for (const event of sifted.events) {
      if (isEnding()) break;
      cursor = event.sequence;
      yield { kind: 'EVENT', event };
      spoke = monotonic();
    }
    if (isEnding()) break;
    cursor = sifted.through;
    const through = cursor >= feed.head();
    if ((through && !live) || monotonic() - spoke >= SILENCE_MS) {
      live ||= through;
      yield bookmark();
    }
    await (through ? feed.news(cursor, spoke, signal) : feed.turn(cursor));
  }
  yield { kind: 'ENDED', rejection: stopping(cursor) };
}

/** The next events that a filter lets through, as many as are sent in a row, and how far they go. */
function sift(
  filter: ViolationWatchFilter,
  slice: readonly ViolationEvent[] | undefined,
  after: number,
): { readonly events: readonly ViolationEvent[]; readonly through: number } | undefined {
  if (slice === undefined) return undefined;
  const events: ViolationEvent[] = [];
  let through = after;
  for (const event of slice) {
    if (events.length === MESSAGES_MAX) break;
    through = event.sequence;
    if (lets(filter, event)) events.push(event);
  }
  return { events, through };
}

function lets(filter: ViolationWatchFilter, { kind, violation }: ViolationEvent): boolean {
  const { agentIds, poolId, types, minSeverity, kinds, admits } = filter;
  return (
    admits?.(violation.agentId) !== false &&
    (agentIds.size === 0 || agentIds.has(violation.agentId)) &&
    (poolId === '' || poolId === violation.poolId) &&
    (types.size === 0 || types.has(violation.type)) &&
    (kinds.size === 0 || kinds.has(kind)) &&
    SEVERITIES[violation.severity] >= SEVERITIES[minSeverity]
  );
}

function unknownStore(storeId: string): Rejection {
  return reject(
    'CURSOR_UNKNOWN',
    'The cursor is of another store. Begin with the oldest event of this one',
    { store_id: storeId },
  );
}

function fromTheFuture(after: number, head: number): Rejection {
  return reject(
    'CURSOR_UNKNOWN',
    'The cursor is ahead of this store. Begin with the oldest event',
    { after_sequence: String(after), newest_sequence: String(head) },
  );
}

function compacted(oldest: number): Rejection {
  return reject(
    'CURSOR_COMPACTED',
    'Retention has cut events after the cursor. Begin with the oldest that is left',
    { oldest_sequence: String(oldest) },
  );
}

function stopping(cursor: number): Rejection {
  return reject('SHUTTING_DOWN', 'The sidecar is stopping. Watch again after the last sequence', {
    last_sequence: String(cursor),
  });
}
