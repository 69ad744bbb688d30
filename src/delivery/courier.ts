import type { WebhookChannel } from '../domain/notification/channel.js';
import type { Notification } from '../domain/notification/notification.js';
import { templateOf } from '../domain/notification/presets.js';
import { render } from '../domain/notification/template.js';
import type { Log } from './log.js';
import { sendToLog } from './log-channel.js';
import type { Delivery } from '../ledger/outbox.js';
import type { SendResult } from './send-result.js';
import type { WebhookPost, WebhookSender } from './webhook.js';

/** Makes one attempt. Resolves soon after the signal, whatever the receiver does. */
export type Send = (
  delivery: Pick<Delivery, 'channel' | 'notification'>,
  signal: AbortSignal,
) => Promise<SendResult>;

/** What a courier works with. */
export interface CourierOptions {
  readonly webhooks: Pick<WebhookSender, 'send'>;
  readonly log: Log;
}

/** Sends a notification the way its channel wants it. A test of a channel sends by it too. */
export function courierOf({ webhooks, log }: CourierOptions): Send {
  return ({ channel, notification }, signal) => {
    switch (channel.kind) {
      case 'WEBHOOK':
        return webhooks.send(postOf(channel, notification), signal);
      case 'LOG':
        return Promise.resolve(sendToLog(log, notification));
    }
  };
}

function postOf(channel: WebhookChannel, notification: Notification): WebhookPost {
  const template = templateOf(channel.format);
  return {
    url: channel.url,
    headers: channel.headers,
    secrets: channel.secrets,
    contentType: template.contentType,
    body: render(template, notification),
    deliveryId: notification.deliveryId,
    sequence: notification.event.sequence,
  };
}
