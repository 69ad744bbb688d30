import {
  BodyPreset,
  DeliveryState,
  type Delivery,
  type NotificationChannel,
} from '../gen/safeguards/v1/channel_pb.js';
import { Severity } from '../gen/safeguards/v1/severity_pb.js';
import { ViolationEventKind, ViolationType } from '../gen/safeguards/v1/violation_pb.js';
import { nameIn, table, timeText } from './show.js';

/** Channels. */
export function channelTable(channels: readonly NotificationChannel[]): string {
  const headers = [
    'CHANNEL',
    'TARGET',
    'BODY',
    'SEVERITY',
    'ENABLED',
    'PENDING',
    'DEAD',
    'REVISION',
  ];
  const rows = channels.map((channel) => [
    channel.id,
    targetText(channel),
    bodyText(channel),
    nameIn(Severity, channel.minSeverity),
    channel.enabled ? 'yes' : 'no',
    String(channel.pendingCount),
    String(channel.deadLetterCount),
    String(channel.revision),
  ]);
  return table(headers, rows);
}

/** One channel in a sentence. */
export function channelLine(channel: NotificationChannel | undefined): string {
  if (channel === undefined) return '';
  const severity = nameIn(Severity, channel.minSeverity);
  const muted = channel.enabled ? '' : ', muted';
  return `Channel ${channel.id} to ${targetText(channel)}: ${severity} and above${muted}.\n`;
}

/** Everything of one channel, a line each. */
export function channelText(channel: NotificationChannel | undefined): string {
  if (channel === undefined) return 'Nothing.\n';
  const { target, cooldown } = channel;
  const webhook = target.case === 'webhook' ? target.value : undefined;
  const types = channel.types.map((type) => nameIn(ViolationType, type));
  const lines: readonly (readonly [string, string])[] = [
    ['channel', channel.id],
    ['name', channel.name],
    ['target', targetText(channel)],
    ['body', bodyText(channel)],
    ['secrets', String(webhook?.secretCount ?? 0)],
    ['headers', listText(webhook?.headers.map(({ name }) => name) ?? [], 'none')],
    ['min severity', nameIn(Severity, channel.minSeverity)],
    ['agents', listText(channel.agentIds, 'any')],
    ['pools', listText(channel.poolIds, 'any')],
    ['types', listText(types, 'any')],
    ['cooldown', `${cooldown?.seconds ?? 0n}s`],
    ['enabled', channel.enabled ? 'yes' : 'no'],
    ['pending', String(channel.pendingCount)],
    ['dead letters', String(channel.deadLetterCount)],
    ['revision', String(channel.revision)],
    ['updated', timeText(channel.updateTime)],
  ];
  return lines.map(([name, value]) => `${name.padEnd(13)} ${value}\n`).join('');
}

/** Deliveries. */
export function deliveryTable(deliveries: readonly Delivery[]): string {
  const headers = ['DELIVERY', 'CHANNEL', 'STATE', 'EVENT', 'VIOLATION', 'TRIES', 'NEXT', 'LAST'];
  const rows = deliveries.map((delivery) => [
    delivery.id,
    delivery.channelId,
    nameIn(DeliveryState, delivery.state),
    `${delivery.eventSequence} ${nameIn(ViolationEventKind, delivery.eventKind)}`,
    `${delivery.violationId} ${nameIn(Severity, delivery.severity)}`,
    String(delivery.attempts),
    timeText(delivery.nextAttemptTime),
    delivery.lastAttempt?.reason ?? '',
  ]);
  return table(headers, rows);
}

function targetText({ target }: NotificationChannel): string {
  return target.case === 'webhook' ? target.value.origin : 'the log';
}

function bodyText({ target }: NotificationChannel): string {
  return target.case === 'webhook' ? nameIn(BodyPreset, target.value.body?.preset ?? 0) : 'LOG';
}

function listText(items: readonly string[], none: string): string {
  return items.length === 0 ? none : items.join(', ');
}
