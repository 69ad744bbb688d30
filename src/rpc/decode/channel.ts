import type { Rejection } from '../../domain/answer.js';
import type {
  ChannelPatch,
  ChannelTarget,
  CreateChannelCommand,
  DeleteChannelCommand,
  RetryDeliveryCommand,
  UpdateChannelCommand,
} from '../../domain/channel-command.js';
import type { AddressPolicy } from '../../domain/notification/address-policy.js';
import { COOLDOWN_MS_DEFAULT } from '../../domain/notification/cooldown.js';
import type { DeliveryState } from '../../domain/notification/delivery.js';
import type { ChannelFilter } from '../../domain/notification/filter.js';
import { SEVERITIES, VIOLATION_TYPES } from '../../domain/notification/notification.js';
import { COOLDOWN_MS_MAX, FILTER_IDS_MAX } from '../../domain/notification/notification-channel.js';
import type {
  CreateNotificationChannelRequest,
  DeleteNotificationChannelRequest,
  ListDeliveriesRequest,
  ListNotificationChannelsRequest,
  NotificationChannel,
  RetryDeliveryRequest,
  UpdateNotificationChannelRequest,
} from '../../gen/safeguards/v1/channel_pb.js';
import type { DeliveryFilter } from '../../ledger/channel-views.js';
import { formOf, judged, partOf, refuseField } from './form.js';
import type { Form } from './form.js';
import { maskOf } from './mask.js';
import { enumOf, revisionOf } from './number.js';
import { adminFields } from './pool.js';
import { listingOf, type Listing } from './query.js';
import { nameOf, optionalId, requiredId } from './text.js';
import { durationMs, type DurationBounds } from './time.js';
import { WEBHOOK_FIELDS, webhookOf, webhookPatchOf } from './webhook.js';

/** The fields of a channel that an update may name. */
export const CHANNEL_FIELDS = [
  'name',
  'min_severity',
  'agent_ids',
  'pool_ids',
  'types',
  'cooldown',
  'enabled',
  ...WEBHOOK_FIELDS,
] as const;

const COOLDOWN: DurationBounds = {
  min: 0,
  max: COOLDOWN_MS_MAX,
  default: COOLDOWN_MS_DEFAULT,
  advice: 'Give a cooldown from 0 s to 24 h',
};

const STATES: readonly (DeliveryState | 'ANY')[] = ['ANY', 'PENDING', 'DEAD'];

/** Reads a new channel. */
export function decodeCreateChannel(
  request: CreateNotificationChannelRequest,
  policy: AddressPolicy,
): CreateChannelCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'CREATE_CHANNEL',
    ...adminFields(form, request),
    channelId: optionalId(form, 'channel_id', request.channelId),
    name: request.name === '' ? '' : nameOf(form, request.name),
    target: targetOf(form, request.target, policy),
    filter: {
      minSeverity: severityOf(form, request.minSeverity),
      agentIds: idsOf(form, 'agent_ids', request.agentIds),
      poolIds: idsOf(form, 'pool_ids', request.poolIds),
      types: typesOf(form, request.types),
    },
    cooldownMs: durationMs(form, 'cooldown', request.cooldown, COOLDOWN),
    enabled: request.enabled ?? true,
  });
}

/** Reads a change of a channel. */
export function decodeUpdateChannel(
  request: UpdateNotificationChannelRequest,
  policy: AddressPolicy,
): UpdateChannelCommand | Rejection {
  const form = formOf();
  const { channel } = request;
  const mask = maskOf(form, request.updateMask, CHANNEL_FIELDS);
  if (channel === undefined) refuseField(form, 'channel', 'Give the channel with its id');
  return judged(form, {
    method: 'UPDATE_CHANNEL',
    ...adminFields(form, request),
    channelId: channel === undefined ? '' : requiredId(form, 'channel.id', channel.id),
    patch: channel === undefined ? {} : patchOf(partOf(form, 'channel.'), channel, mask, policy),
    expectedRevision: revisionOf(form, request.expectedRevision),
  });
}

/** Reads which channel goes. */
export function decodeDeleteChannel(
  request: DeleteNotificationChannelRequest,
): DeleteChannelCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'DELETE_CHANNEL',
    ...adminFields(form, request),
    channelId: requiredId(form, 'channel_id', request.channelId),
    expectedRevision: revisionOf(form, request.expectedRevision),
  });
}

/** Reads which delivery is tried again. */
export function decodeRetryDelivery(
  request: RetryDeliveryRequest,
): RetryDeliveryCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'RETRY_DELIVERY',
    ...adminFields(form, request),
    deliveryId: requiredId(form, 'delivery_id', request.deliveryId),
  });
}

/** Reads which channels are listed: all. */
export function decodeListChannels(
  request: ListNotificationChannelsRequest,
): Listing<undefined> | Rejection {
  return listingOf(formOf(), undefined, ['ListNotificationChannels'], request);
}

/** Reads which deliveries are listed. */
export function decodeListDeliveries(
  request: ListDeliveriesRequest,
): Listing<DeliveryFilter> | Rejection {
  const form = formOf();
  const channelId = optionalId(form, 'channel_id', request.channelId);
  const word = enumOf(form, 'state', request.state, STATES, 'ANY');
  const state = word === 'ANY' ? undefined : word;
  return listingOf(form, { channelId, state }, ['ListDeliveries', channelId, word], request);
}

function targetOf(
  form: Form,
  target: CreateNotificationChannelRequest['target'],
  policy: AddressPolicy,
): ChannelTarget {
  switch (target.case) {
    case 'webhook':
      return { kind: 'WEBHOOK', ...webhookOf(partOf(form, 'webhook.'), target.value, policy) };
    case 'log':
      return { kind: 'LOG' };
    case undefined:
      refuseField(form, 'target', 'Say where it leads, to a webhook or the log');
      return { kind: 'LOG' };
  }
}

function patchOf(
  form: Form,
  channel: NotificationChannel,
  mask: ReadonlySet<string>,
  policy: AddressPolicy,
): ChannelPatch {
  const { target } = channel;
  const webhookFields = WEBHOOK_FIELDS.filter((field) => mask.has(field));
  const filter: Partial<ChannelFilter> = {
    ...(mask.has('min_severity') && { minSeverity: severityOf(form, channel.minSeverity) }),
    ...(mask.has('agent_ids') && { agentIds: idsOf(form, 'agent_ids', channel.agentIds) }),
    ...(mask.has('pool_ids') && { poolIds: idsOf(form, 'pool_ids', channel.poolIds) }),
    ...(mask.has('types') && { types: typesOf(form, channel.types) }),
  };
  if (webhookFields.length > 0 && target.case !== 'webhook') {
    refuseField(form, 'webhook', 'Give the webhook with what the mask names');
  }
  return {
    ...(mask.has('name') && { name: nameOf(form, channel.name) }),
    ...(Object.keys(filter).length > 0 && { filter }),
    ...(mask.has('cooldown') && {
      cooldownMs: durationMs(form, 'cooldown', channel.cooldown, COOLDOWN),
    }),
    ...(mask.has('enabled') && { enabled: channel.enabled }),
    ...(webhookFields.length > 0 &&
      target.case === 'webhook' && {
        webhook: webhookPatchOf(partOf(form, 'webhook.'), target.value, webhookFields, policy),
      }),
  };
}

/** Severities by their number; left out it is the least. */
function severityOf(form: Form, number: number): ChannelFilter['minSeverity'] {
  return enumOf(form, 'min_severity', number, ['INFO', ...SEVERITIES], 'INFO');
}

/** Types by their number, each once, in the order of their numbers. */
function typesOf(form: Form, numbers: readonly number[]): ChannelFilter['types'] {
  const given = numbers.map((number) =>
    enumOf(form, 'types', number, [undefined, ...VIOLATION_TYPES], 'CUSTOM'),
  );
  return VIOLATION_TYPES.filter((type) => given.includes(type));
}

/** Ids, each once, sorted: how they were given makes no other request. */
function idsOf(form: Form, field: string, ids: readonly string[]): readonly string[] {
  if (ids.length > FILTER_IDS_MAX) {
    refuseField(form, field, `Give at most ${FILTER_IDS_MAX} ids`);
    return [];
  }
  return [...new Set(ids.map((id, at) => requiredId(form, `${field}[${at}]`, id)))].sort();
}
