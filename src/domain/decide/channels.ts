import { reject, rejectFields, type Rejection } from '../answer.js';
import type {
  ChannelPatch,
  CreateChannelCommand,
  DeleteChannelCommand,
  UpdateChannelCommand,
} from '../channel-command.js';
import { carryOut, unchanged, type Decided, type OutcomeFacts } from '../decided.js';
import { beginDraft, closeEntry, putRow, removeRow } from '../draft.js';
import type { Channel } from '../notification/channel.js';
import type { NotificationChannel } from '../notification/notification-channel.js';
import type { Context, State } from '../state.js';
import { sequenceKey } from '../violation.js';
import { channelChanges } from './channel-changes.js';
import { checkRevision } from './checks.js';
import { ruleExists, ruleNotFound } from './rules.js';

/** Makes a channel. It is told of what happens from now on. Guide: NotificationManager. */
export function decideCreateChannel(
  state: State,
  command: CreateChannelCommand,
  { now, newId, policy }: Context,
): Decided {
  const { rows } = state.rules.channels;
  const id = command.channelId === '' ? newId() : command.channelId;
  if (rows.has(id)) return ruleExists('CHANNEL_ALREADY_EXISTS', 'channel', id);
  if (rows.size >= policy.channelsMax) {
    return reject('TOO_MANY_RULES', 'There are as many channels as there may be. Delete some', {
      rules_max: String(policy.channelsMax),
    });
  }

  const draft = beginDraft(state, now);
  const { name, target, filter, cooldownMs, enabled } = command;
  const channel: NotificationChannel = {
    uid: draft.nextUid,
    id,
    name: name === '' ? id : name,
    channel: { ...target, id },
    filter,
    cooldownMs,
    enabled,
    afterEvent: draft.violationSequence,
    revision: 1,
    createTime: now,
    updateTime: now,
  };
  draft.nextUid += 1;
  putRow(draft, 'channels', id, channel);
  closeEntry(draft, 'CONFIGURE', { changes: channelChanges(id, undefined, channel) });
  return carryOut(draft, named(id));
}

/** Changes a channel. A patch that changes nothing writes nothing. */
export function decideUpdateChannel(
  state: State,
  command: UpdateChannelCommand,
  { now }: Context,
): Decided {
  const { channelId: id, patch } = command;
  const before = state.rules.channels.rows.get(id);
  if (before === undefined) return channelNotFound(id);
  const stale = checkRevision(command.expectedRevision, before.revision);
  if (stale !== undefined) return stale;
  const channel = patchedChannel(before.channel, patch);
  if ('verdict' in channel) return channel;
  const patched: NotificationChannel = {
    ...before,
    channel,
    filter: { ...before.filter, ...patch.filter },
    name: patch.name ?? before.name,
    cooldownMs: patch.cooldownMs ?? before.cooldownMs,
    enabled: patch.enabled ?? before.enabled,
  };
  const changes = channelChanges(id, before, patched);
  if (changes.length === 0) return unchanged(named(id));

  const draft = beginDraft(state, now);
  putRow(draft, 'channels', id, { ...patched, revision: before.revision + 1, updateTime: now });
  closeEntry(draft, 'CONFIGURE', { changes });
  return carryOut(draft, named(id));
}

/** Takes a channel away. What it leaves is nobody's from now on, and is cleared in steps. */
export function decideDeleteChannel(
  state: State,
  command: DeleteChannelCommand,
  { now }: Context,
): Decided {
  const { channelId: id } = command;
  const channel = state.rules.channels.rows.get(id);
  if (channel === undefined) return channelNotFound(id);
  const stale = checkRevision(command.expectedRevision, channel.revision);
  if (stale !== undefined) return stale;
  const draft = beginDraft(state, now);
  removeRow(draft, 'channels', id);
  putRow(draft, 'ended_channels', sequenceKey(channel.uid), { uid: channel.uid });
  closeEntry(draft, 'CONFIGURE', { changes: channelChanges(id, channel, undefined) });
  return carryOut(draft, {});
}

/** CHANNEL_NOT_FOUND of an id. */
export function channelNotFound(id: string): Rejection {
  return ruleNotFound('CHANNEL_NOT_FOUND', 'channel', id);
}

function patchedChannel(before: Channel, { webhook }: ChannelPatch): Channel | Rejection {
  if (webhook === undefined) return before;
  if (before.kind === 'WEBHOOK') return { ...before, ...webhook };
  const description = 'The channel is the log; make another channel for a webhook';
  return rejectFields([{ field: 'channel.webhook', description }]);
}

function named(id: string): OutcomeFacts {
  return { object: { collection: 'channels', key: id } };
}
