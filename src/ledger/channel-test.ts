import type { Channel } from '../domain/notification/channel.js';
import type { Notification } from '../domain/notification/notification.js';

/** What a receiver said to one notification that was sent as a test. Holds no secrets. */
export interface ChannelTestResult {
  readonly delivered: boolean;
  /** The HTTP status; 0: there was no answer, or the channel is no webhook. */
  readonly status: number;
  /** Why it failed, with what to do; empty: it did not. */
  readonly reason: string;
  /** The beginning of the answer's body, at most 256 characters. */
  readonly excerpt: string;
}

/** Sends one notification now, once. Undefined: too many tests are going on. Never rejects. */
export type TestChannel = (
  channel: Channel,
  notification: Notification,
) => Promise<ChannelTestResult | undefined>;
