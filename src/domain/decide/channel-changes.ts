import type { FieldChange } from '../entry.js';
import type { WebhookChannel } from '../notification/channel.js';
import { originOf, type NotificationChannel } from '../notification/notification-channel.js';

/**
 * What the ledger shows of a channel: made, changed or taken away. Entries are read by many, so of what
 * is secret they say how much there is and that it changed.
 */
export function channelChanges(
  id: string,
  before: NotificationChannel | undefined,
  after: NotificationChannel | undefined,
): readonly FieldChange[] {
  const old = before === undefined ? {} : shown(before);
  const young = after === undefined ? {} : shown(after);
  return FIELDS.flatMap((name) => {
    const was = old[name]?.text ?? '';
    const is = young[name]?.text ?? '';
    if (was === is && old[name]?.secret === young[name]?.secret) return [];
    return [
      { field: `channel/${id}.${name}`, before: was, after: was === is ? `${is} (new)` : is },
    ];
  });
}

const FIELDS = [
  'kind',
  'name',
  'url',
  'preset',
  'content_type',
  'template',
  'secrets',
  'headers',
  'min_severity',
  'agent_ids',
  'pool_ids',
  'types',
  'cooldown_ms',
  'enabled',
] as const;

/** A field as text, and what of it is compared and never shown. */
interface Shown {
  readonly text: string;
  readonly secret?: string;
}

type ShownFields = Readonly<Partial<Record<(typeof FIELDS)[number], Shown>>>;

function shown({ name, channel, filter, cooldownMs, enabled }: NotificationChannel): ShownFields {
  const { minSeverity, agentIds, poolIds, types } = filter;
  return {
    kind: { text: channel.kind },
    name: { text: name },
    ...(channel.kind === 'WEBHOOK' && shownWebhook(channel)),
    min_severity: { text: minSeverity },
    agent_ids: { text: agentIds.join(',') },
    pool_ids: { text: poolIds.join(',') },
    types: { text: types.join(',') },
    cooldown_ms: { text: String(cooldownMs) },
    enabled: { text: String(enabled) },
  };
}

function shownWebhook(channel: WebhookChannel): ShownFields {
  const { url, format, secrets, headers } = channel;
  const custom = format.preset === 'CUSTOM' ? format : undefined;
  const names = headers.map(({ name }) => name).join(',');
  return {
    url: { text: originOf(channel), secret: url },
    preset: { text: format.preset },
    content_type: { text: custom?.contentType ?? '' },
    template: {
      text: custom === undefined ? '' : `${custom.template.length} characters`,
      secret: custom?.template ?? '',
    },
    secrets: { text: `${secrets.length} secrets`, secret: secrets.join(' ') },
    headers: { text: names, secret: JSON.stringify(headers) },
  };
}
