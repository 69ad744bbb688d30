import { afterEach, describe, expect, test } from 'vitest';
import type { Send } from '../../src/delivery/courier.js';
import { startDispatcher, type Dispatcher } from '../../src/delivery/dispatcher.js';
import type { Delivery } from '../../src/ledger/outbox.js';
import { refused, retry, type SendResult } from '../../src/delivery/send-result.js';
import { RETRY_POLICY, type RetryPolicy } from '../../src/domain/notification/retry.js';
import { DAY, MINUTE, SECOND, T0 } from '../fakes/manual-time.js';
import { ManualTimer, settled } from '../fakes/manual-timer.js';
import { MemoryOutbox } from '../fakes/memory-outbox.js';
import { eventOf, notificationOf } from '../fakes/notifications.js';

const DELIVERED: SendResult = { kind: 'DELIVERED', status: 200, excerpt: 'ok' };

/** A delivery of a violation of its own unless one is named. */
function delivery(id: string, channelId = 'ops', violationId = id): Delivery {
  const event = eventOf('OPENED', { id: violationId });
  return {
    channel: { kind: 'LOG', id: channelId },
    notification: notificationOf(event, { deliveryId: id, channelId }),
    createTime: T0,
    attempts: 0,
  };
}

/** A send under way that a test ends. */
interface Sending {
  readonly id: string;
  readonly signal: AbortSignal;
  readonly end: (result: SendResult) => void;
  readonly fail: (error: Error) => void;
}

/** What a test works with: what is being sent waits until it is ended, or is answered at once. */
function stage(
  answer?: (id: string, times: number) => SendResult,
  over: Partial<RetryPolicy> = {},
) {
  const outbox = new MemoryOutbox();
  const timer = new ManualTimer();
  const sending: Sending[] = [];
  const sent: string[] = [];
  const logged: string[] = [];
  const log = (level: string) => (_fields: object, message: string) => {
    logged.push(`${level}: ${message}`);
  };
  const send: Send = ({ notification: { deliveryId: id } }, signal) => {
    sent.push(id);
    if (answer !== undefined) {
      return Promise.resolve(answer(id, sent.filter((one) => one === id).length));
    }
    return new Promise((resolve, reject) => {
      sending.push({ id, signal, end: resolve, fail: reject });
    });
  };
  const start = () => {
    const dispatcher = startDispatcher({
      outbox,
      send,
      now: () => timer.time.wall(),
      random: () => 0.5,
      timer,
      log: { info: log('info'), warn: log('warn'), error: log('error') },
      retry: { ...RETRY_POLICY, ...over },
      bounds: { inFlightMax: 3, inFlightPerChannelMax: 2 },
    });
    open.push(dispatcher);
    return dispatcher;
  };
  return { outbox, timer, sending, sent, logged, start };
}

const open: Dispatcher[] = [];
afterEach(async () => {
  for (const dispatcher of open.splice(0)) await dispatcher.close();
});

const late = new Error('the disk is slow');

describe('what is due', () => {
  test('is sent at the start, and what comes later when it is told of', async () => {
    const { outbox, sent, start } = stage(() => DELIVERED);
    outbox.put(delivery('a'));
    const dispatcher = start();
    await settled();
    outbox.put(delivery('b'));
    dispatcher.wake();
    await settled();
    expect(sent).toEqual(['a', 'b']);
    expect(outbox.recorded).toEqual(['delivered a', 'delivered b']);
    expect(outbox.attempts[0]).toEqual({
      number: 1,
      startTime: T0,
      endTime: T0,
      status: 200,
      reason: '',
      excerpt: 'ok',
    });
  });

  test('is sent at its time without being told', async () => {
    const { outbox, timer, sent, start } = stage(() => DELIVERED);
    outbox.put(delivery('a'), T0 + 10 * MINUTE);
    start();
    await timer.pass(10 * MINUTE - 1);
    expect(sent).toEqual([]);
    await timer.pass(1);
    expect(sent).toEqual(['a']);
  });

  test('goes in the order of its time on a channel, the channels in turns', async () => {
    const { outbox, sent, start } = stage(() => DELIVERED);
    outbox.put(delivery('a2', 'a'), T0 - 2);
    outbox.put(delivery('a1', 'a'), T0 - 3);
    outbox.put(delivery('a3', 'a'), T0 - 1);
    outbox.put(delivery('b1', 'b'), T0);
    outbox.put(delivery('c1', 'c'), T0);
    start();
    await settled();
    expect(sent.slice(0, 3)).toEqual(['a1', 'b1', 'c1']);
    expect(sent.slice(3)).toEqual(['a2', 'a3']);
  });

  test('a thousand of them arrive, each once', async () => {
    const { outbox, sent, start } = stage(() => DELIVERED);
    const ids = Array.from({ length: 1_000 }, (_, n) => `d-${n}`);
    ids.forEach((id, n) => outbox.put(delivery(id, `channel-${n % 7}`)));
    start();
    while (outbox.rows.length > 0) await settled();
    expect([...sent].sort()).toEqual([...ids].sort());
  });
});

describe('at most so many at once', () => {
  test('over all channels and of each', async () => {
    const { outbox, sending, sent, start } = stage();
    for (const channel of ['a', 'b', 'c']) {
      for (let n = 1; n <= 3; n += 1) outbox.put(delivery(`${channel}${n}`, channel));
    }
    const dispatcher = start();
    for (let times = 0; times < 5; times += 1) {
      dispatcher.wake();
      await settled();
    }
    expect(sent).toEqual(['a1', 'b1', 'c1']);
    sending[0]?.end(DELIVERED);
    await settled();
    expect(sent).toHaveLength(4);
  });

  test('a dead receiver does not hold up the others', async () => {
    const { outbox, sending, sent, start } = stage();
    for (let n = 1; n <= 50; n += 1) outbox.put(delivery(`dead${n}`, 'dead'));
    for (let n = 1; n <= 5; n += 1) outbox.put(delivery(`live${n}`, 'live'));
    start();
    await settled();
    for (let n = 1; n <= 5; n += 1) {
      sending.find(({ id }) => id === `live${n}`)?.end(DELIVERED);
      await settled();
    }
    expect(outbox.recorded).toEqual([1, 2, 3, 4, 5].map((n) => `delivered live${n}`));
    expect(sent.filter((id) => id.startsWith('dead'))).toHaveLength(2);
  });

  test('also when the outbox offers more than it was asked for', async () => {
    const { outbox, sent, start } = stage();
    const all = Array.from({ length: 9 }, (_, n) => delivery(`d${n}`, `channel-${n % 2}`));
    outbox.next = async () => ({ deliveries: [...all, ...all], nextTime: undefined });
    const dispatcher = start();
    dispatcher.wake();
    await settled();
    expect(sent).toEqual(['d0', 'd1', 'd2']);
  });

  test('also when the outbox offers one channel more than it was asked for', async () => {
    const { outbox, sent, start } = stage();
    const deliveries = ['a', 'b', 'c'].map((id) => delivery(id));
    outbox.next = async () => ({ deliveries, nextTime: undefined });
    start();
    await settled();
    expect(sent).toEqual(['a', 'b']);
  });

  test('the end of a violation never overtakes its beginning', async () => {
    const { outbox, timer, sent, start } = stage((id, times) =>
      id === 'opened' && times < 3 ? retry('down') : DELIVERED,
    );
    outbox.put(delivery('opened', 'ops', 'v'));
    outbox.put(delivery('resolved', 'ops', 'v'));
    start();
    await timer.pass(MINUTE);
    expect(sent).toEqual(['opened', 'opened', 'opened', 'resolved']);
  });
});

describe('a failure', () => {
  test('is tried again after a while that grows', async () => {
    const { outbox, timer, sent, logged, start } = stage((_id, times) =>
      times <= 3 ? retry('down') : DELIVERED,
    );
    outbox.put(delivery('a'));
    start();
    const times: number[] = [];
    for (let ms = 0; ms <= 4_000; ms += 500) {
      await timer.pass(ms === 0 ? 0 : 500);
      times.push(sent.length);
    }
    // Half of 1 s, 2 s and 4 s: at 0.5, 1.5 and 3.5 s.
    expect(times).toEqual([1, 2, 2, 3, 3, 3, 3, 4, 4]);
    expect(outbox.recorded).toEqual(['retry a', 'retry a', 'retry a', 'delivered a']);
    expect(outbox.attempts.map(({ number, reason }) => [number, reason])).toEqual([
      [1, 'down'],
      [2, 'down'],
      [3, 'down'],
      [4, ''],
    ]);
    expect(logged).toEqual(['warn: A notification was not delivered. It is tried again']);
  });

  test('waits as long as the receiver asks', async () => {
    const { outbox, timer, sent, start } = stage(() => ({ ...retry('x'), retryAfterMs: 30_000 }));
    outbox.put(delivery('a'));
    start();
    await timer.pass(30 * SECOND - 1);
    expect(sent).toHaveLength(1);
    await timer.pass(1);
    expect(sent).toHaveLength(2);
  });

  test('is a dead letter after the last attempt', async () => {
    const { outbox, timer, sent, logged, start } = stage(() => retry('down'), { attemptsMax: 3 });
    outbox.put(delivery('a'));
    start();
    await timer.pass(DAY);
    expect(sent).toHaveLength(3);
    expect(outbox.deadIds).toEqual(['a']);
    expect(outbox.attempts.at(-1)?.reason).toBe('down; given up after 3 attempts');
    expect(logged.at(-1)).toBe('error: A notification is given up. It is among the dead letters');
  });

  test('is a dead letter after a day', async () => {
    const { outbox, timer, sent, start } = stage(() => retry('down'));
    outbox.put(delivery('a'));
    start();
    await timer.pass(DAY);
    expect(outbox.deadIds).toEqual(['a']);
    expect(outbox.attempts.at(-1)?.reason).toBe(
      'down; given up since it would be older than 1440 minutes at the next attempt',
    );
    expect(sent.length).toBeGreaterThan(150);
  });

  test('that will not pass is a dead letter at once', async () => {
    const { outbox, timer, start } = stage(() => refused('answered with status 404'));
    outbox.put(delivery('a'));
    start();
    await timer.pass(DAY);
    expect(outbox.recorded).toEqual(['dead a']);
  });

  test('of the sidecar itself is logged and tried again', async () => {
    const { outbox, sending, logged, start } = stage();
    outbox.put(delivery('a'));
    start();
    await settled();
    sending[0]?.fail(new Error('a fault'));
    await settled();
    expect(outbox.recorded).toEqual(['retry a']);
    expect(logged[0]).toBe('error: A notification could not be sent');
  });
});

describe('an outbox that fails', () => {
  test('to record is asked again, and nothing is sent twice', async () => {
    const { outbox, timer, sending, sent, start } = stage();
    outbox.put(delivery('a'));
    const dispatcher = start();
    await settled();
    outbox.failures.push(late, late);
    sending[0]?.end(DELIVERED);
    await settled();
    dispatcher.wake();
    await timer.pass(3 * SECOND);
    expect(outbox.recorded).toEqual(['delivered a']);
    expect(sent).toEqual(['a']);
  });

  test('to offer is asked again', async () => {
    const { outbox, timer, sent, logged, start } = stage(() => DELIVERED);
    outbox.put(delivery('a'));
    outbox.failures.push(late, late);
    start();
    await timer.pass(1 * SECOND);
    expect(sent).toEqual([]);
    await timer.pass(2 * SECOND);
    expect(sent).toEqual(['a']);
    expect(logged).toHaveLength(2);
  });
});

describe('a stop', () => {
  test('abandons what is being sent, and the next start sends it again under its id', async () => {
    const { outbox, timer, sending, sent, start } = stage();
    outbox.put(delivery('a'));
    const dispatcher = start();
    await settled();
    await dispatcher.close();
    expect(sending[0]?.signal.aborted).toBe(true);
    expect(outbox.recorded).toEqual([]);
    expect(timer.waiting).toBe(0);
    sending[0]?.end(DELIVERED);
    await settled();
    expect(outbox.recorded).toEqual([]);

    start();
    await settled();
    sending[1]?.end(DELIVERED);
    await settled();
    expect(sent).toEqual(['a', 'a']);
    expect(outbox.recorded).toEqual(['delivered a']);
  });

  test('between sending and recording makes the receiver get it twice, under one id', async () => {
    const { outbox, sending, sent, start } = stage();
    outbox.put(delivery('a'));
    const dispatcher = start();
    await settled();
    // The receiver has it, and the process dies before the outbox could say so.
    outbox.failures.push(late);
    sending[0]?.end(DELIVERED);
    await settled();
    await dispatcher.close();
    start();
    await settled();
    sending[1]?.end(DELIVERED);
    await settled();
    expect(sent).toEqual(['a', 'a']);
    expect(outbox.rows).toEqual([]);
  });

  test('waits for what is being recorded, takes nothing on and leaves no timer', async () => {
    const { outbox, timer, sending, sent, start } = stage();
    outbox.put(delivery('a'));
    outbox.put(delivery('b'), T0 + MINUTE);
    const dispatcher = start();
    await settled();
    let record: (() => void) | undefined;
    outbox.delivered = () => new Promise((resolve) => (record = resolve));
    sending[0]?.end(DELIVERED);
    await settled();
    let closed = false;
    const closing = dispatcher.close().then(() => (closed = true));
    await settled();
    expect(closed).toBe(false);
    record?.();
    await closing;
    expect(timer.waiting).toBe(0);
    dispatcher.wake();
    await timer.pass(DAY);
    expect(sent).toEqual(['a']);
  });

  test('may be asked for twice', async () => {
    const dispatcher = stage().start();
    await Promise.all([dispatcher.close(), dispatcher.close()]);
  });
});
