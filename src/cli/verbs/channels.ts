import { readFileSync } from 'node:fs';
import type { DescField, JsonValue } from '@bufbuild/protobuf';
import { BudgetAdminService } from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import { WebhookBodySchema, WebhookTargetSchema } from '../../gen/safeguards/v1/channel_pb.js';
import { channelLine, channelTable, channelText, deliveryTable } from '../show-channel.js';
import { entryNote } from '../show.js';
import { EXIT, UsageError } from '../terminal.js';
import { type Given, type Verb, verb } from '../verb.js';

const { method } = BudgetAdminService;
const onAdmin = { listener: 'admin' } as const;

const WEBHOOK_NAMES = ['url', 'secrets', 'headers'];

/** What a webhook is made of. */
const INNER: readonly DescField[] = [
  ...WebhookTargetSchema.fields.filter(({ name }) => WEBHOOK_NAMES.includes(name)),
  ...WebhookBodySchema.fields,
];

/** Where violations are told. */
export const CHANNEL_VERBS: readonly Verb[] = [
  verb({
    ...onAdmin,
    words: 'channel create',
    summary: 'Tell violations to a URL, or to the log with --log',
    method: method.createNotificationChannel,
    positional: ['[channel_id]'],
    inner: INNER,
    choices: { '--log': 'write to the log of the sidecar' },
    example: 'channel create ops --url @slack-url.txt --preset slack --min-severity medium',
    complete: withTarget,
    show: (response) => `Created${entryNote(response)}. ${channelLine(response.channel)}`,
  }),
  verb({
    ...onAdmin,
    words: 'channel get',
    summary: 'Show a channel, without its secrets',
    method: method.getNotificationChannel,
    positional: ['channel_id'],
    example: 'channel get ops',
    show: ({ channel }) => channelText(channel),
  }),
  verb({
    ...onAdmin,
    words: 'channel list',
    summary: 'List channels by id',
    method: method.listNotificationChannels,
    positional: [],
    example: 'channel list --all',
    show: ({ channels }) => channelTable(channels),
  }),
  verb({
    ...onAdmin,
    words: 'channel update',
    summary: 'Change a channel, or mute it with --no-enabled',
    method: method.updateNotificationChannel,
    positional: ['channel_id'],
    update: {
      field: 'channel',
      names: ['name', 'min_severity', 'agent_ids', 'pool_ids', 'types', 'cooldown', 'enabled'],
    },
    inner: INNER,
    example: 'channel update ops --secrets @new.txt --secrets @old.txt',
    complete: updatedChannel,
    show: (response) => `Updated${entryNote(response)}. ${channelLine(response.channel)}`,
  }),
  verb({
    ...onAdmin,
    words: 'channel delete',
    summary: 'Take a channel away, with what waits for it',
    method: method.deleteNotificationChannel,
    positional: ['channel_id'],
    example: 'channel delete ops',
    show: (response) => `Deleted the channel${entryNote(response)}.\n`,
  }),
  verb({
    ...onAdmin,
    words: 'channel test',
    summary: 'Send an example to a channel and show what the receiver says',
    method: method.testNotificationChannel,
    positional: ['channel_id'],
    example: 'channel test ops',
    show: ({ delivered, status, reason, excerpt }) => {
      const said = excerpt === '' ? '' : `\n  ${excerpt}`;
      const code = status === 0 ? '' : ` with status ${status}`;
      return delivered
        ? `Delivered${code}.${said}\n`
        : `Not delivered: ${reason === '' ? 'no reason' : reason}.${said}\n`;
    },
    exit: ({ delivered }) => (delivered ? EXIT.done : EXIT.denied),
  }),
  verb({
    ...onAdmin,
    words: 'delivery list',
    summary: 'List notifications that wait, and those that were given up',
    method: method.listDeliveries,
    positional: [],
    example: 'delivery list --channel ops --state dead',
    show: ({ deliveries }) => deliveryTable(deliveries),
  }),
  verb({
    ...onAdmin,
    words: 'delivery retry',
    summary: 'Try a notification again that was given up, or now one that waits',
    method: method.retryDelivery,
    positional: ['delivery_id'],
    example: 'delivery retry 0199c0de-0000-7000-8000-000000000001',
    show: (response) => `It is tried again${entryNote(response)}.\n`,
  }),
];

/** Puts the options of a webhook into its message. */
function withTarget(given: Given): Given {
  const { rest, webhook } = split(given);
  const { log, ...request } = rest;
  if (log !== undefined && webhook !== undefined) {
    throw new UsageError('Choose one of --log and --url: a channel leads to one place.');
  }
  if (log !== undefined) return { ...request, log: {} };
  return webhook === undefined ? request : { ...request, webhook: webhook.value };
}

function updatedChannel({ channel_id: id, ...given }: Given): Given {
  const { rest, webhook } = split(given);
  const outside = ['request_id', 'expected_revision', 'reason'];
  const values = Object.entries(rest).filter(([name]) => !outside.includes(name));
  const paths = [...values.map(([name]) => camel(name)), ...(webhook?.paths ?? [])];
  if (paths.length === 0) throw new UsageError('Nothing to update: give an option to change.');
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([name]) => outside.includes(name))),
    channel: {
      id: id ?? '',
      ...Object.fromEntries(values),
      ...(webhook !== undefined && { webhook: webhook.value }),
    },
    // In JSON a field mask is one text with the names in camel case.
    update_mask: paths.join(','),
  };
}

interface Split {
  readonly rest: Given;
  readonly webhook: { readonly value: Given; readonly paths: readonly string[] } | undefined;
}

function split(given: Given): Split {
  const rest: Given = {};
  const value: Given = {};
  const body: Given = {};
  const names = INNER.map(({ name }) => name);
  for (const [name, one] of Object.entries(given)) {
    if (!names.includes(name)) rest[name] = one;
    else if (WEBHOOK_NAMES.includes(name)) value[name] = valueOf(name, one);
    else body[name] = name === 'template' ? contentOf(one) : one;
  }
  if (Object.keys(body).length > 0) value['body'] = body;
  const paths = Object.keys(value).map((name) => `webhook.${name}`);
  return { rest, webhook: paths.length === 0 ? undefined : { value, paths } };
}

function valueOf(name: string, given: JsonValue): JsonValue {
  if (!Array.isArray(given)) return contentOf(given);
  // An empty text empties the list, which an update could not say otherwise.
  const filled = given.filter((one) => one !== '');
  return name === 'headers' ? filled.map(headerOf) : filled.map(contentOf);
}

function headerOf(given: JsonValue): Given {
  const text = typeof given === 'string' ? given : '';
  const at = text.indexOf('=');
  if (at <= 0) throw new UsageError('--headers: write NAME=VALUE or NAME=@FILE.');
  return { name: text.slice(0, at), value: contentOf(text.slice(at + 1)) };
}

/** A text, or with `@` in front what its file holds: the command line is no place for a secret. */
function contentOf(given: JsonValue): string {
  const text = typeof given === 'string' ? given : '';
  if (!text.startsWith('@')) return text;
  const file = text.slice(1);
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}.`);
  }
}

function camel(name: string): string {
  return name.replace(/_(.)/g, (_match, letter: string) => letter.toUpperCase());
}
