import { setMaxListeners } from 'node:events';
import type { Instant } from '../domain/model.js';
import type { RetryPolicy } from '../domain/notification/retry.js';
import type { Send } from './courier.js';
import type { Log } from './log.js';
import type { Delivery, Outbox } from '../ledger/outbox.js';
import { createRecorder, namesOf, outboxWaitMs } from './recorder.js';
import { retry, type SendResult } from './send-result.js';
import type { Timer } from './timer.js';

/** What a dispatcher works with. */
export interface DispatcherOptions {
  readonly outbox: Outbox;
  readonly send: Send;
  readonly now: () => Instant;
  /** From 0 up to below 1. */
  readonly random: () => number;
  readonly timer: Timer;
  readonly log: Log;
  readonly retry: RetryPolicy;
  readonly bounds?: DispatcherBounds;
}

/** How much is sent at once. */
export interface DispatcherBounds {
  /** Deliveries in flight over all channels. */
  readonly inFlightMax: number;
  /** Of those, per channel: fewer, so that a dead receiver does not hold up the others. */
  readonly inFlightPerChannelMax: number;
}

/** The bounds in force. */
export const DISPATCHER_BOUNDS: DispatcherBounds = { inFlightMax: 16, inFlightPerChannelMax: 2 };

/** Works through an outbox until it is closed. */
export interface Dispatcher {
  /** Something was put into the outbox. Returns at once. */
  wake(): void;
  /**
   * Stops: takes nothing on, abandons what is being sent (it stays in the outbox and is sent after the
   * next start) and resolves when the outbox has answered what it was asked, so that it can be closed.
   */
  close(): Promise<void>;
}

/** The clock may be moved while the dispatcher sleeps, so it looks at it at least this often. */
const SLEEP_MS_MAX = 60_000;

/** Starts a dispatcher: what is due is sent at once. */
export function startDispatcher(options: DispatcherOptions): Dispatcher {
  const { outbox, now, timer, log } = options;
  const { inFlightMax, inFlightPerChannelMax } = options.bounds ?? DISPATCHER_BOUNDS;
  const stop = new AbortController();
  // Each delivery listens to it, and their number is bounded here.
  setMaxListeners(0, stop.signal);
  const record = createRecorder({ ...options, pause });
  /** Deliveries and their channels, from the decision to send until the result is recorded. */
  const inFlight = new Map<string, string>();
  const tasks = new Set<Promise<void>>();
  let cancelSleep: (() => void) | undefined;
  let afterChannelId = '';
  let looking = false;
  let lookAgain = false;
  let failures = 0;

  const isClosed = () => stop.signal.aborted;
  const isInFlight = (deliveryId: string) => inFlight.has(deliveryId);

  function roomOf(channelId: string): number {
    let room = inFlightPerChannelMax;
    for (const busy of inFlight.values()) {
      if (busy === channelId) room -= 1;
    }
    return room;
  }

  /** Runs something to its end before close resolves. It must not reject. */
  function keep(task: Promise<void>): void {
    tasks.add(task);
    void task.finally(() => tasks.delete(task));
  }

  function wake(): void {
    lookAgain = true;
    if (looking || isClosed()) return;
    looking = true;
    keep(look());
  }

  /** Takes on what is due until there is no room or nothing left, then sleeps until more is. */
  async function look(): Promise<void> {
    const wanted = () => lookAgain && !isClosed();
    let sleepMs: number | undefined;
    while (wanted()) {
      lookAgain = false;
      sleepMs = await takeOn();
    }
    looking = false;
    cancelSleep?.();
    cancelSleep = sleepMs === undefined || isClosed() ? undefined : timer.after(sleepMs, wake);
  }

  /** Returns how long to sleep; undefined: until somebody wakes it. */
  async function takeOn(): Promise<number | undefined> {
    const limit = inFlightMax - inFlight.size;
    // Whichever ends first wakes it.
    if (limit <= 0) return undefined;
    try {
      const due = await outbox.next({ now: now(), limit, afterChannelId, roomOf, isInFlight });
      failures = 0;
      if (isClosed()) return undefined;
      for (const delivery of due.deliveries) begin(delivery);
      if (due.nextTime === undefined) return undefined;
      return Math.min(Math.max(due.nextTime - now(), 1), SLEEP_MS_MAX);
    } catch (error) {
      failures += 1;
      log.error({ error }, 'The outbox of notifications could not be read. It is tried again');
      return outboxWaitMs(failures);
    }
  }

  function begin(delivery: Delivery): void {
    const { deliveryId, channelId } = delivery.notification;
    // An outbox that offers more than it was asked for must not make the bounds void.
    if (isInFlight(deliveryId) || inFlight.size >= inFlightMax || roomOf(channelId) <= 0) return;
    afterChannelId = channelId;
    inFlight.set(deliveryId, channelId);
    keep(deliver(delivery));
  }

  async function deliver(delivery: Delivery): Promise<void> {
    const startTime = now();
    const result = await attempt(delivery);
    if (result !== undefined) await record(delivery, result, startTime);
    inFlight.delete(delivery.notification.deliveryId);
    wake();
  }

  /** The result of sending; undefined: the dispatcher closed before there was one worth keeping. */
  async function attempt(delivery: Delivery): Promise<SendResult | undefined> {
    try {
      const result = await orClosed(options.send(delivery, stop.signal));
      return isClosed() && result?.kind !== 'DELIVERED' ? undefined : result;
    } catch (error) {
      if (isClosed()) return undefined;
      log.error({ error, ...namesOf(delivery) }, 'A notification could not be sent');
      return retry('the sidecar failed to send it; its log says why');
    }
  }

  /** Settles as the promise does, or with undefined as soon as the dispatcher closes. */
  function orClosed<T>(promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const abandon = () => resolve(undefined);
      stop.signal.addEventListener('abort', abandon);
      promise
        .then(resolve, reject)
        .finally(() => stop.signal.removeEventListener('abort', abandon));
    });
  }

  /** Resolves after a time with true, or with false as soon as the dispatcher closes. */
  async function pause(ms: number): Promise<boolean> {
    if (isClosed()) return false;
    let cancel: (() => void) | undefined;
    const passed = new Promise<void>((resolve) => {
      cancel = timer.after(ms, resolve);
    });
    await orClosed(passed);
    cancel?.();
    return !isClosed();
  }

  wake();
  return {
    wake,
    close: async () => {
      stop.abort();
      cancelSleep?.();
      while (tasks.size > 0) await Promise.allSettled(tasks);
    },
  };
}
