import type { Channel } from '../../domain/notification/channel.js';
import type { Attempt } from '../../domain/notification/delivery.js';
import { originOf } from '../../domain/notification/notification-channel.js';
import { SEVERITIES, VIOLATION_EVENT_KINDS, VIOLATION_TYPES } from '../../domain/violation.js';
import {
  BodyContentType,
  BodyPreset,
  DeliveryState,
  type Delivery,
  type DeliveryAttempt,
  type NotificationChannel,
  type WebhookBody,
} from '../../gen/safeguards/v1/channel_pb.js';
import type { ChannelView, DeliveryView } from '../../ledger/channel-views.js';
import { durationOf, timestampOf } from './time.js';

/**
 * Prints a channel. Its URL, its secrets and the values of its headers stay where they are. The numbers
 * of severities and types are those on disk.
 */
export function encodeChannel({
  row,
  pendingCount,
  deadLetterCount,
}: ChannelView): NotificationChannel {
  const { filter } = row;
  return {
    $typeName: 'safeguards.v1.NotificationChannel',
    id: row.id,
    uid: String(row.uid),
    name: row.name,
    target: targetOf(row.channel),
    minSeverity: SEVERITIES[filter.minSeverity],
    agentIds: [...filter.agentIds],
    poolIds: [...filter.poolIds],
    types: filter.types.map((type) => VIOLATION_TYPES[type]),
    cooldown: durationOf(row.cooldownMs),
    enabled: row.enabled,
    pendingCount: BigInt(pendingCount),
    deadLetterCount: BigInt(deadLetterCount),
    revision: BigInt(row.revision),
    createTime: timestampOf(row.createTime),
    updateTime: timestampOf(row.updateTime),
  };
}

/** Prints a delivery. */
export function encodeDelivery({ row, channelId }: DeliveryView): Delivery {
  const { event, deadTime, lastAttempt } = row;
  const { violation } = event;
  const dead = deadTime !== 0;
  return {
    $typeName: 'safeguards.v1.Delivery',
    id: row.id,
    channelId,
    state: dead ? DeliveryState.DEAD : DeliveryState.PENDING,
    eventSequence: BigInt(event.sequence),
    eventTime: timestampOf(event.time),
    eventKind: VIOLATION_EVENT_KINDS[event.kind],
    violationId: violation.id,
    type: VIOLATION_TYPES[violation.type],
    severity: SEVERITIES[violation.severity],
    agentId: violation.agentId,
    poolId: violation.poolId,
    message: violation.message,
    suppressed: BigInt(row.suppressed),
    attempts: row.attempts,
    createTime: timestampOf(row.createTime),
    ...(dead ? { deadTime: timestampOf(deadTime) } : { nextAttemptTime: timestampOf(row.dueTime) }),
    ...(lastAttempt !== undefined && { lastAttempt: encodeAttempt(lastAttempt) }),
  };
}

function encodeAttempt(attempt: Attempt): DeliveryAttempt {
  const { number, startTime, endTime, status, reason, excerpt } = attempt;
  return {
    $typeName: 'safeguards.v1.DeliveryAttempt',
    number,
    startTime: timestampOf(startTime),
    endTime: timestampOf(endTime),
    status,
    reason,
    excerpt,
  };
}

function targetOf(channel: Channel): NotificationChannel['target'] {
  if (channel.kind === 'LOG') {
    return { case: 'log', value: { $typeName: 'safeguards.v1.LogTarget' } };
  }
  const { format, secrets, headers } = channel;
  return {
    case: 'webhook',
    value: {
      $typeName: 'safeguards.v1.WebhookTarget',
      url: '',
      origin: originOf(channel),
      body: bodyOf(format),
      secrets: [],
      secretCount: secrets.length,
      headers: headers.map(({ name }) => ({
        $typeName: 'safeguards.v1.WebhookHeader',
        name,
        value: '',
      })),
    },
  };
}

function bodyOf(format: Extract<Channel, { readonly kind: 'WEBHOOK' }>['format']): WebhookBody {
  const custom = format.preset === 'CUSTOM' ? format : undefined;
  const text = custom?.contentType === 'text/plain';
  return {
    $typeName: 'safeguards.v1.WebhookBody',
    preset: BodyPreset[format.preset],
    template: custom?.template ?? '',
    contentType:
      custom === undefined
        ? BodyContentType.UNSPECIFIED
        : text
          ? BodyContentType.TEXT
          : BodyContentType.JSON,
  };
}
