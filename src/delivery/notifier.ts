import type { Instant } from '../domain/model.js';
import type { AddressPolicy } from '../domain/notification/address-policy.js';
import { RETRY_POLICY } from '../domain/notification/retry.js';
import type { TestChannel } from '../ledger/channel-test.js';
import type { Outbox } from '../ledger/outbox.js';
import { courierOf } from './courier.js';
import { startDispatcher } from './dispatcher.js';
import type { Log } from './log.js';
import { channelTester } from './tester.js';
import { machineTimer } from './timer.js';
import { createWebhookSender } from './webhook.js';

/** What notifications are sent with. */
export interface NotifierOptions {
  readonly outbox: Outbox & { onWork(wake: () => void): void };
  readonly policy: AddressPolicy;
  readonly now: () => Instant;
  /** From 0 up to below 1. */
  readonly random: () => number;
  readonly version: string;
  readonly log: Log;
}

/** Sends what is in an outbox, and tests of channels, until it is closed. */
export interface Notifier {
  readonly test: TestChannel;
  /**
   * Stops without waiting for receivers: what is being sent stays in the outbox. Resolves when the outbox
   * is not used any more.
   */
  close(): Promise<void>;
}

/** Starts to send. */
export function startNotifier(options: NotifierOptions): Notifier {
  const { outbox, policy, now, random, version, log } = options;
  const webhooks = createWebhookSender({ policy, now, version });
  const send = courierOf({ webhooks, log });
  const tester = channelTester(send);
  const timer = machineTimer;
  const dispatcher = startDispatcher({
    outbox,
    send,
    now,
    random,
    timer,
    log,
    retry: RETRY_POLICY,
  });
  outbox.onWork(() => dispatcher.wake());
  return {
    test: tester.test,
    close: async () => {
      tester.close();
      await dispatcher.close();
      webhooks.close();
    },
  };
}
