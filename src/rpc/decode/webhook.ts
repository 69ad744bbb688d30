import type { ChannelPatch } from '../../domain/channel-command.js';
import type { AddressPolicy } from '../../domain/notification/address-policy.js';
import { webhookViolations, type WebhookChannel } from '../../domain/notification/channel.js';
import type { BodyFormat } from '../../domain/notification/presets.js';
import type { ContentType } from '../../domain/notification/template.js';
import type { WebhookBody, WebhookTarget } from '../../gen/safeguards/v1/channel_pb.js';
import { partOf, refuseField } from './form.js';
import type { Form } from './form.js';
import { enumOf } from './number.js';
import { wellFormed } from './text.js';

/** The fields of a webhook that an update may name. */
export const WEBHOOK_FIELDS = [
  'webhook.url',
  'webhook.body',
  'webhook.secrets',
  'webhook.headers',
] as const;

/** A webhook as far as it is configured. */
type Webhook = Omit<WebhookChannel, 'kind' | 'id'>;

/** What an update leaves as it is, in a form that nothing is wrong with. */
const KEPT: Webhook = {
  url: 'https://example.com/',
  format: { preset: 'JSON' },
  secrets: [],
  headers: [],
};

const PRESETS: readonly BodyFormat['preset'][] = [
  'JSON',
  'JSON',
  'SLACK',
  'ALERTMANAGER',
  'CUSTOM',
];

const CONTENT_TYPES: readonly ContentType[] = [
  'application/json',
  'application/json',
  'text/plain',
];

/** Reads where a new channel posts. */
export function webhookOf(form: Form, target: WebhookTarget, policy: AddressPolicy): Webhook {
  const { url, body, secrets } = target;
  const headers = headersOf(target);
  return checked(form, { url, format: formatOf(form, body), secrets, headers }, policy);
}

/** Reads the named fields of a webhook. */
export function webhookPatchOf(
  form: Form,
  target: WebhookTarget,
  named: readonly (typeof WEBHOOK_FIELDS)[number][],
  policy: AddressPolicy,
): NonNullable<ChannelPatch['webhook']> {
  const patch = {
    ...(named.includes('webhook.url') && { url: target.url }),
    ...(named.includes('webhook.body') && { format: formatOf(form, target.body) }),
    ...(named.includes('webhook.secrets') && { secrets: target.secrets }),
    ...(named.includes('webhook.headers') && { headers: headersOf(target) }),
  };
  checked(form, { ...KEPT, ...patch }, policy);
  return patch;
}

function checked(form: Form, webhook: Webhook, policy: AddressPolicy): Webhook {
  for (const { field, description } of webhookViolations(webhook, policy)) {
    refuseField(form, field === 'template' ? 'body.template' : field, description);
  }
  return webhook;
}

function headersOf({ headers }: WebhookTarget): Webhook['headers'] {
  return headers.map(({ name, value }) => ({ name, value }));
}

function formatOf(form: Form, body: WebhookBody | undefined): BodyFormat {
  if (body === undefined) return { preset: 'JSON' };
  const part = partOf(form, 'body.');
  const preset = enumOf(part, 'preset', body.preset, PRESETS, 'JSON');
  const contentType = enumOf(
    part,
    'content_type',
    body.contentType,
    CONTENT_TYPES,
    'application/json',
  );
  const { template } = body;
  wellFormed(part, 'template', template);
  if (preset === 'CUSTOM') {
    if (template === '') refuseField(part, 'template', 'Give the template of a custom body');
    return { preset, template, contentType };
  }
  if (template !== '') refuseField(part, 'template', 'Only a custom body has a template');
  return { preset };
}
