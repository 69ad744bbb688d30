import type { Instant } from '../domain/model.js';
import type { Attempt } from '../domain/notification/delivery.js';
import { backoffMs, exhaustion, type RetryPolicy } from '../domain/notification/retry.js';
import type { Log } from './log.js';
import type { Delivery, Outbox } from '../ledger/outbox.js';
import type { Delivered, SendResult } from './send-result.js';

/** What a recorder works with. */
export interface RecorderOptions {
  readonly outbox: Pick<Outbox, 'delivered' | 'retryLater' | 'dead'>;
  readonly now: () => Instant;
  /** From 0 up to below 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly retry: RetryPolicy;
  /** Resolves after a time with whether to go on. */
  readonly pause: (ms: number) => Promise<boolean>;
}

/** Judges the result of an attempt and records what follows. Never rejects. */
export type Recorder = (
  delivery: Delivery,
  result: SendResult,
  startTime: Instant,
) => Promise<void>;

/** How long to wait for an outbox that failed: this and twice as long each time, up to the maximum. */
const OUTBOX_WAIT = { baseMs: 1_000, factor: 2, msMax: 60_000 } as const;

/** How long an outbox that failed so many times in a row (from 1) is left alone. */
export function outboxWaitMs(times: number): number {
  return Math.min(OUTBOX_WAIT.msMax, OUTBOX_WAIT.baseMs * OUTBOX_WAIT.factor ** (times - 1));
}

/** Makes a recorder. */
export function createRecorder(options: RecorderOptions): Recorder {
  const { outbox, now, random, log } = options;

  async function record(delivery: Delivery, result: SendResult, startTime: Instant): Promise<void> {
    const { deliveryId } = delivery.notification;
    const number = delivery.attempts + 1;
    const { status, excerpt } = result;
    const common = { number, startTime, endTime: now(), status, excerpt };
    if (result.kind === 'DELIVERED') {
      await write(() => outbox.delivered(deliveryId, { ...common, reason: '' }));
      return;
    }
    const { reason, retryTime } = judge(delivery, result, number);
    const attempt: Attempt = { ...common, reason };
    const fields = { ...namesOf(delivery), attempt: number, status, reason };
    if (retryTime === undefined) {
      log.error(fields, 'A notification is given up. It is among the dead letters');
      await write(() => outbox.dead(deliveryId, attempt));
      return;
    }
    if (number === 1) log.warn(fields, 'A notification was not delivered. It is tried again');
    await write(() => outbox.retryLater(deliveryId, retryTime, attempt));
  }

  /** What follows from a failure: when to try again, or never. */
  function judge(
    { createTime }: Delivery,
    result: Exclude<SendResult, Delivered>,
    number: number,
  ): { readonly reason: string; readonly retryTime: Instant | undefined } {
    const { reason } = result;
    if (result.kind === 'REFUSED') return { reason, retryTime: undefined };
    const wait = backoffMs(number, random(), options.retry);
    const retryTime = now() + Math.max(wait, result.retryAfterMs ?? 0);
    const exhausted = exhaustion(number, createTime, retryTime, options.retry);
    if (exhausted === undefined) return { reason, retryTime };
    return { reason: `${reason}; ${exhausted}`, retryTime: undefined };
  }

  /** Writes until it is written. To forget the result would mean to send again at once. */
  async function write(once: () => Promise<void>): Promise<void> {
    for (let times = 1; ; times += 1) {
      try {
        await once();
        return;
      } catch (error) {
        log.error({ error }, 'The result of a notification could not be recorded');
      }
      if (!(await options.pause(outboxWaitMs(times)))) return;
    }
  }

  return record;
}

/** How a delivery is named in the log. */
export function namesOf({ notification: { deliveryId, channelId } }: Delivery) {
  return { delivery_id: deliveryId, channel_id: channelId };
}
