import type { Instant, Uid } from '../model.js';
import type { Channel } from './channel.js';
import type { ChannelFilter } from './filter.js';

/** Ids that one list of a channel's filter may have. */
export const FILTER_IDS_MAX = 100;

/** How long a channel may be left in peace: up to a day. */
export const COOLDOWN_MS_MAX = 24 * 60 * 60_000;

/** One notification channel. Rows are never mutated. Guide: NotificationManager. */
export interface NotificationChannel {
  readonly uid: Uid;
  readonly id: string;
  readonly name: string;
  /** Where notifications go, with its secrets: nothing of it but its kind may be shown. */
  readonly channel: Channel;
  readonly filter: ChannelFilter;
  /** How long it is left in peace after it was told of a rule and agent; 0: never. */
  readonly cooldownMs: number;
  /** When false it is told of nothing new. */
  readonly enabled: boolean;
  /** It is told of events after this one: those of before it was made are none of its business. */
  readonly afterEvent: number;
  /** Counts changes of configuration, from 1. */
  readonly revision: number;
  readonly createTime: Instant;
  readonly updateTime: Instant;
}

/** Every channel there is. */
export interface ChannelBook {
  /** By id. */
  readonly rows: ReadonlyMap<string, NotificationChannel>;
  readonly byUid: ReadonlyMap<Uid, NotificationChannel>;
}

/** Puts channels where they are found. */
export function channelBook(rows: ReadonlyMap<string, NotificationChannel>): ChannelBook {
  return { rows, byUid: new Map([...rows.values()].map((row) => [row.uid, row])) };
}

/** Scheme, host and port of a webhook's URL: all of it that may be shown. Empty for the log. */
export function originOf(channel: Channel): string {
  if (channel.kind === 'LOG') return '';
  return originPart.exec(channel.url)?.[0].toLowerCase() ?? '';
}

const originPart = /^https?:\/\/[^/?#]*/i;
