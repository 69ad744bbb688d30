import type { Instant, Uid } from '../model.js';
import { sequenceKey } from '../violation.js';
import type { Severity, ViolationEvent } from './notification.js';

/** What is recorded of an attempt. It holds no secrets and may be shown. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  readonly startTime: Instant;
  readonly endTime: Instant;
  /** The HTTP status; 0: there was no answer, or the channel is no webhook. */
  readonly status: number;
  /** Why it failed; empty: it did not. */
  readonly reason: string;
  /** The beginning of the answer's body, at most 256 characters. */
  readonly excerpt: string;
}

/** A delivery as it is kept: it waits for its channel, or it was given up. */
export interface DeliveryRow {
  /** Names it to receivers. Ids sort in the order in which they were made. */
  readonly id: string;
  readonly channelUid: Uid;
  readonly event: ViolationEvent;
  readonly suppressed: number;
  readonly toldSeverity: Severity | undefined;
  /** When it was put, or put back, into the outbox. */
  readonly createTime: Instant;
  /** Attempts that failed since then. */
  readonly attempts: number;
  /** When it is tried next. */
  readonly dueTime: Instant;
  /** The last one that failed. */
  readonly lastAttempt: Attempt | undefined;
  /** When it was given up; 0: it waits. */
  readonly deadTime: Instant;
}

/** Where a delivery is: PENDING in the collection `deliveries`, DEAD in `dead_letters`. */
export type DeliveryState = 'PENDING' | 'DEAD';

/** The key of a delivery, in either collection. */
export function deliveryKey(channelUid: Uid, id: string): string {
  return `${channelPrefix(channelUid)}${id}`;
}

/** What the keys of a channel's deliveries and cooldowns begin with. */
export function channelPrefix(channelUid: Uid): string {
  return `${sequenceKey(channelUid)}/`;
}
