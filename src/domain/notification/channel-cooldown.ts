import { draftRow, putRow, removeRow, type Draft } from '../draft.js';
import type { Instant, Uid } from '../model.js';
import { sequenceKey } from '../violation.js';
import { isForgettable, type CooldownState } from './cooldown.js';
import { channelPrefix } from './delivery.js';

/** What a channel knows about one rule and agent, as it is kept. */
export interface ChannelCooldown {
  readonly channelUid: Uid;
  readonly state: CooldownState;
  /** When it is looked at next: to tell what is held, or to forget it. */
  readonly lookTime: Instant;
}

/** Names a cooldown that is to be looked at. */
export interface CooldownLook {
  readonly cooldown: string;
}

/**
 * How long a channel that nothing is said to waits for the end of what it was told: what nobody has
 * ended after 90 days ends without a notification.
 */
export const TOLD_KEPT_MS = 90 * 24 * 60 * 60_000;

/** The key of a channel's cooldown; `key` is its cooldownKey. */
export function channelCooldownKey(channelUid: Uid, key: string): string {
  return `${channelPrefix(channelUid)}${key}`;
}

/** The key under which a cooldown is looked at: by time. */
export function lookKey(time: Instant, cooldown: string): string {
  return `${sequenceKey(time)}/${cooldown}`;
}

/** The time of such a key. */
export function lookTimeOf(key: string): Instant {
  return Number(key.slice(0, key.indexOf('/')));
}

/** Writes what a channel knows now, and when it is looked at; undefined: nothing any more. */
export function putCooldown(
  draft: Draft,
  channelUid: Uid,
  key: string,
  state: CooldownState | undefined,
  cooldownMs: number,
): void {
  const before = draftRow(draft, 'channel_cooldowns', key);
  const forgotten = state === undefined || isForgettable(state, draft.now, cooldownMs);
  const lookTime = forgotten ? 0 : nextLook(state, cooldownMs);
  if (before !== undefined && before.lookTime !== lookTime) {
    removeRow(draft, 'cooldown_looks', lookKey(before.lookTime, key));
  }
  if (forgotten) {
    if (before !== undefined) removeRow(draft, 'channel_cooldowns', key);
    return;
  }
  putRow(draft, 'channel_cooldowns', key, { channelUid, state, lookTime });
  if (before?.lookTime !== lookTime) {
    putRow(draft, 'cooldown_looks', lookKey(lookTime, key), { cooldown: key });
  }
}

function nextLook({ toldTime, held, open, suppressed }: CooldownState, cooldownMs: number) {
  const depends = held === undefined && (open.length > 0 || suppressed > 0);
  return toldTime + (depends ? Math.max(TOLD_KEPT_MS, cooldownMs) : cooldownMs);
}
