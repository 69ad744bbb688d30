import { afterEach, expect, test } from 'vitest';
import { courierOf } from '../../src/delivery/courier.js';
import { excerptOf } from '../../src/delivery/excerpt.js';
import { createWebhookSender } from '../../src/delivery/webhook.js';
import type { BodyFormat } from '../../src/domain/notification/presets.js';
import { sampleNotification } from '../../src/domain/notification/notification.js';
import { T0 } from '../fakes/manual-time.js';
import { eventOf, notificationOf } from '../fakes/notifications.js';
import { respond, startReceiver } from './receiver.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const lines: unknown[] = [];
const log = {
  info: (fields: object, message: string) => void lines.push(['info', message, fields]),
  warn: (fields: object, message: string) => void lines.push(['warn', message, fields]),
  error: () => undefined,
};

function courier() {
  const policy = { privateAddressesAllowed: true, allowedRanges: [] };
  const webhooks = createWebhookSender({ policy, now: () => T0, version: '1.2.3' });
  closing.push(() => webhooks.close());
  return courierOf({ webhooks, log });
}

const never = new AbortController().signal;

test('a log channel writes one line: a warning while a violation lasts', async () => {
  const channel = { kind: 'LOG', id: 'ops' } as const;
  const send = courier();
  const delivered = { kind: 'DELIVERED', status: 0, excerpt: '' };
  expect(await send({ channel, notification: notificationOf() }, never)).toEqual(delivered);
  await send({ channel, notification: notificationOf(eventOf('RESOLVED')) }, never);
  const message = 'Agent exceeded spending limit of 100';
  expect(lines).toEqual([
    ['warn', `Violation OPENED: ${message}`, expect.objectContaining({ sequence: 7 })],
    ['info', `Violation RESOLVED: ${message}`, expect.objectContaining({ kind: 'RESOLVED' })],
  ]);
  // The log writes a time of its own into every line.
  for (const line of lines as [string, string, object][]) {
    expect(line[2]).toHaveProperty('event_time', expect.stringMatching(/^\d{4}-.*Z$/));
    expect(line[2]).not.toHaveProperty('time');
  }
});

test.each<[string, BodyFormat, string, RegExp]>([
  ['JSON', { preset: 'JSON' }, 'application/json', /^\{\n {2}"version": 1,\n/],
  ['Slack', { preset: 'SLACK' }, 'application/json', /^\{\n {2}"text": "\*INFO CUSTOM\* OPENED/],
  ['Alertmanager', { preset: 'ALERTMANAGER' }, 'application/json', /^\[\n {2}\{\n {4}"labels"/],
  [
    'a template',
    { preset: 'CUSTOM', contentType: 'text/plain', template: '{{violation.message}}!' },
    'text/plain; charset=utf-8',
    /^This is a test of the notification channel!$/,
  ],
])('a webhook sends a body of %s', async (_name, format, contentType, body) => {
  const receiver = await startReceiver(respond(200));
  closing.push(() => receiver.close());
  const names = { deliveryId: 'd-9', channelId: 'ops', storeId: 'store-1' };
  const url = `http://127.0.0.1:${receiver.port}/`;
  const channel = { kind: 'WEBHOOK', id: 'ops', url, format, secrets: [], headers: [] } as const;
  const notification = sampleNotification(names, T0);
  expect(await courier()({ channel, notification }, never)).toMatchObject({ status: 200 });
  const [request] = receiver.received;
  expect(request?.headers['content-type']).toBe(contentType);
  expect(request?.headers['safeguards-delivery']).toBe('d-9');
  expect(request?.body).toMatch(body);
});

test.each([
  ['nothing', '', [], ''],
  ['one line', 'a\r\n\tb\u0000\u202e c', [], 'a b c'],
  ['256 characters', 'x'.repeat(300), [], 'x'.repeat(256)],
  ['no half character', `${'x'.repeat(255)}😀`, [], 'x'.repeat(255)],
  ['no secret', 'a-secret, b', ['a-secret'], '[redacted], b'],
  ['no secret within a longer one', 'https://x/abcd', ['/abcd', 'https://x/abcd'], '[redacted]'],
  ['no beginning of a secret where the reading stopped', 'x a-sec', ['a-secret'], 'x [redacted]'],
  ['what is too short for a secret', 'a/b', ['/', ''], 'a/b'],
])('an excerpt has %s', (_what, body, secrets, excerpt) => {
  expect(excerptOf(Buffer.from(body), secrets)).toBe(excerpt);
});
