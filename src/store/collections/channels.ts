import { fromBinary } from '@bufbuild/protobuf';
import type { WebhookChannel } from '../../domain/notification/channel.js';
import type { NotificationChannel } from '../../domain/notification/notification-channel.js';
import type { BodyFormat } from '../../domain/notification/presets.js';
import { SEVERITIES, VIOLATION_TYPES } from '../../domain/violation.js';
import {
  ChannelRecordSchema,
  EndedChannelRecordSchema,
  type WebhookRecord,
} from '../../gen/safeguards/store/v1/records_pb.js';
import { wordsOf } from '../tables.js';
import type { WireWriter } from '../../wire/writer.js';
import type { Codec } from './codec.js';

/** The numbers on disk of how bodies are made. Never reuse one. */
const BODY_PRESETS = { JSON: 1, SLACK: 2, ALERTMANAGER: 3, CUSTOM: 4 } as const;
const CONTENT_TYPES = { 'application/json': 1, 'text/plain': 2 } as const;

const severityOf = wordsOf(SEVERITIES);
const typeOf = wordsOf(VIOLATION_TYPES);
const presetOf = wordsOf(BODY_PRESETS);
const contentTypeOf = wordsOf(CONTENT_TYPES);

/** ChannelRecord. */
export const channelCodec: Codec<NotificationChannel> = {
  write: (wire, row) => {
    wire.uint(1, row.uid);
    wire.text(2, row.id);
    wire.text(3, row.name);
    writeTarget(wire, row);
    wire.uint(5, SEVERITIES[row.filter.minSeverity]);
    wire.texts(6, row.filter.agentIds);
    wire.texts(7, row.filter.poolIds);
    wire.packed(
      8,
      row.filter.types.map((type) => VIOLATION_TYPES[type]),
    );
    wire.uint(9, row.cooldownMs);
    wire.bool(10, row.enabled);
    wire.uint(11, row.afterEvent);
    wire.uint(12, row.revision);
    wire.uint(13, row.createTime);
    wire.uint(14, row.updateTime);
  },
  read: (message) => {
    const record = fromBinary(ChannelRecordSchema, message);
    const { id, webhook } = record;
    return {
      uid: Number(record.uid),
      id,
      name: record.name,
      channel: webhook === undefined ? { kind: 'LOG', id } : webhookOf(id, webhook),
      filter: {
        minSeverity: severityOf(record.minSeverity),
        agentIds: record.agentIds,
        poolIds: record.poolIds,
        types: record.types.map(typeOf),
      },
      cooldownMs: Number(record.cooldownMs),
      enabled: record.enabled,
      afterEvent: Number(record.afterEvent),
      revision: Number(record.revision),
      createTime: Number(record.createTimeMs),
      updateTime: Number(record.updateTimeMs),
    };
  },
};

/** EndedChannelRecord. */
export const endedChannelCodec: Codec<{ readonly uid: number }> = {
  write: (wire, { uid }) => {
    wire.uint(1, uid);
  },
  read: (message) => ({ uid: Number(fromBinary(EndedChannelRecordSchema, message).uid) }),
};

function writeTarget(wire: WireWriter, { channel }: NotificationChannel): void {
  if (channel.kind === 'LOG') return;
  const { url, format, secrets, headers } = channel;
  wire.message(4, () => {
    wire.text(1, url);
    wire.uint(2, BODY_PRESETS[format.preset]);
    if (format.preset === 'CUSTOM') {
      wire.text(3, format.template);
      wire.uint(4, CONTENT_TYPES[format.contentType]);
    }
    wire.texts(5, secrets);
    for (const { name, value } of headers) {
      wire.message(6, () => {
        wire.text(1, name);
        wire.text(2, value);
      });
    }
  });
}

function webhookOf(id: string, record: WebhookRecord): WebhookChannel {
  const { url, secrets } = record;
  const headers = record.headers.map(({ name, value }) => ({ name, value }));
  return { kind: 'WEBHOOK', id, url, format: formatOf(record), secrets, headers };
}

function formatOf({ preset: number, template, contentType }: WebhookRecord): BodyFormat {
  const preset = presetOf(number);
  if (preset !== 'CUSTOM') return { preset };
  return { preset, template, contentType: contentTypeOf(contentType) };
}
