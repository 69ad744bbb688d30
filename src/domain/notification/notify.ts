import { draftRow, putRow, removeRow, type Draft } from '../draft.js';
import { sequenceKey, type Violation, type ViolationEvent as StreamEvent } from '../violation.js';
import {
  channelCooldownKey,
  lookTimeOf,
  putCooldown,
  TOLD_KEPT_MS,
  type ChannelCooldown,
  type CooldownLook,
} from './channel-cooldown.js';
import { cooldownKey, judgeEvent, releaseHeld, type Tell } from './cooldown.js';
import { deliveryKey, type DeliveryRow } from './delivery.js';
import { isWanted } from './filter.js';
import { isClosing, type ToldViolation, type ViolationEvent } from './notification.js';
import type { NotificationChannel } from './notification-channel.js';

/**
 * Puts the deliveries of events into the outbox: for each channel that wants an event and that its
 * cooldown lets hear of it. In the transaction of the events, so that neither is there without the other.
 */
export function notifyChannels(
  draft: Draft,
  events: Iterable<StreamEvent>,
  newId: () => string,
): void {
  const channels = [...draft.state.rules.channels.rows.values()].filter(({ enabled }) => enabled);
  for (const event of events) {
    const told = toldEvent(event);
    for (const channel of channels) {
      if (event.sequence > channel.afterEvent) notifyChannel(draft, channel, told, newId);
    }
  }
}

/** Looks at cooldowns that are due: tells what is held and still open, forgets what nothing depends on. */
export function lookAtCooldowns(
  draft: Draft,
  looks: readonly (readonly [key: string, look: CooldownLook])[],
  newId: () => string,
): void {
  for (const [key, { cooldown }] of looks) {
    const row = draftRow(draft, 'channel_cooldowns', cooldown);
    // A row that looks elsewhere is none of this key's.
    if (row === undefined || row.lookTime !== lookTimeOf(key)) {
      removeRow(draft, 'cooldown_looks', key);
    } else lookAt(draft, cooldown, row, newId);
  }
}

function lookAt(draft: Draft, key: string, row: ChannelCooldown, newId: () => string): void {
  const { channelUid, state } = row;
  const channel = draft.state.rules.channels.byUid.get(channelUid);
  const old = draft.now >= state.toldTime + TOLD_KEPT_MS;
  if (channel === undefined || (old && state.held === undefined)) {
    putCooldown(draft, channelUid, key, undefined, 0);
    return;
  }
  const { cooldownMs } = channel;
  const open = state.held !== undefined && isOpen(draft, state.held);
  const tell = channel.enabled && open ? releaseHeld(state, draft.now, cooldownMs) : undefined;
  if (tell !== undefined) {
    put(draft, channel, tell, newId);
    putCooldown(draft, channelUid, key, tell.state, cooldownMs);
    return;
  }
  const drops = state.held !== undefined && !(channel.enabled && open);
  const left = drops ? { ...state, held: undefined, suppressed: state.suppressed + 1 } : state;
  putCooldown(draft, channelUid, key, left, cooldownMs);
}

/** The channel may not have heard of its end: it was muted, or its filter has changed. */
function isOpen(draft: Draft, { violation }: ViolationEvent): boolean {
  return draftRow(draft, 'violations', sequenceKey(Number(violation.id)))?.state === 'OPEN';
}

function notifyChannel(
  draft: Draft,
  channel: NotificationChannel,
  event: ViolationEvent,
  newId: () => string,
): void {
  const { uid, filter, cooldownMs } = channel;
  const key = channelCooldownKey(uid, cooldownKey(event.violation));
  const state = draftRow(draft, 'channel_cooldowns', key)?.state;
  // The end of what was told is told even where the filter or the severity has changed since.
  const awaited =
    isClosing(event.kind) &&
    state?.open.some(({ violationId }) => violationId === event.violation.id);
  if (awaited !== true && !isWanted(filter, event)) return;
  const judged = judgeEvent(state, event, draft.now, cooldownMs);
  if (judged.verdict === 'TELL') put(draft, channel, judged, newId);
  if (judged.state !== state) putCooldown(draft, uid, key, judged.state, cooldownMs);
}

function put(draft: Draft, { uid }: NotificationChannel, tell: Tell, newId: () => string): void {
  const row: DeliveryRow = {
    id: newId(),
    channelUid: uid,
    event: tell.event,
    suppressed: tell.suppressed,
    toldSeverity: tell.toldSeverity,
    createTime: draft.now,
    attempts: 0,
    dueTime: draft.now,
    lastAttempt: undefined,
    deadTime: 0,
  };
  putRow(draft, 'deliveries', deliveryKey(uid, row.id), row);
}

/** An event as channels are told of it. */
export function toldEvent({ sequence, time, kind, violation }: StreamEvent): ViolationEvent {
  return { sequence, time, kind, violation: toldViolation(violation) };
}

function toldViolation(violation: Violation): ToldViolation {
  const { type, severity, agentId, poolId, rule, message, source, count } = violation;
  const ofRule = rule.kind === 'LIMIT' || rule.kind === 'MONITOR' || rule.kind === 'ALERT';
  return {
    id: String(violation.sequence),
    type,
    severity,
    agentId,
    poolId,
    ruleId: ofRule ? rule.id : '',
    message,
    details: Object.fromEntries(violation.details),
    source,
    count,
  };
}
