import { onTestFinished, vi } from 'vitest';
import { startDispatcher, type Dispatcher } from '../../src/delivery/dispatcher.js';
import type { SendResult } from '../../src/delivery/send-result.js';
import type { DeliveryState } from '../../src/domain/notification/delivery.js';
import { RETRY_POLICY } from '../../src/domain/notification/retry.js';
import type { Delivery } from '../../src/ledger/outbox.js';
import * as order from '../fakes/commands.js';
import { ManualTimer, settled } from '../fakes/manual-timer.js';
import { MemoryLedger, type Over } from '../fakes/memory-ledger.js';

export const DELIVERED: SendResult = { kind: 'DELIVERED', status: 200, excerpt: 'ok' };

/** A ledger in memory, a real dispatcher on its outbox, and receivers that answer as a test wants. */
export class NotifyingLedger {
  memory: MemoryLedger;
  /** What receivers got, such as `ops OPENED #1 MEDIUM +2`. */
  readonly got: string[] = [];
  readonly ids: string[] = [];
  answer: (delivery: Delivery) => SendResult = () => DELIVERED;
  #timer: ManualTimer;
  #dispatcher: Dispatcher | undefined;

  private constructor(memory: MemoryLedger) {
    this.memory = memory;
    this.#timer = new ManualTimer(memory.time);
  }

  /** With a pool `p` and agents `a` and `b`. It sends from the start. */
  static async open(over: Over = {}): Promise<NotifyingLedger> {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const one = new NotifyingLedger(await MemoryLedger.open(over));
    await one.memory.must(order.createPool('p', '1000'));
    for (const id of ['a', 'b']) await one.memory.must(order.createAgent(id, 'p', '100'));
    one.start();
    onTestFinished(async () => {
      await one.stop();
      vi.useRealTimers();
    });
    return one;
  }

  start(): void {
    this.#timer = new ManualTimer(this.memory.time);
    const { ledger } = this.memory;
    const dispatcher = startDispatcher({
      outbox: ledger.outbox,
      send: async (delivery) => this.#send(delivery as Delivery),
      now: () => ledger.now(),
      random: () => 0.999,
      timer: this.#timer,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      retry: RETRY_POLICY,
    });
    ledger.outbox.onWork(() => dispatcher.wake());
    this.#dispatcher = dispatcher;
  }

  async stop(): Promise<void> {
    await this.#dispatcher?.close();
    this.#dispatcher = undefined;
  }

  /** The process ends without a word, and another one begins. */
  async crash(): Promise<void> {
    await this.stop();
    this.memory = await this.memory.crash();
    this.start();
  }

  /** Time passes, and all that follows from it happens. */
  async pass(ms: number): Promise<void> {
    for (let turns = 0; turns < 5; turns += 1) await settled();
    await this.#timer.pass(ms);
    for (let turns = 0; turns < 5; turns += 1) await settled();
  }

  /** Such as `ops PENDING #1 x2`. */
  listed(state?: DeliveryState): readonly string[] {
    const filter = { channelId: '', state };
    const page = this.memory.ledger.listDeliveries(filter, { after: undefined, size: 1_000 });
    if ('verdict' in page) throw new Error(page.reason);
    return page.items.map(({ row, channelId }) => {
      const { event, attempts, deadTime } = row;
      const where = deadTime === 0 ? 'PENDING' : 'DEAD';
      return `${channelId} ${where} #${event.violation.id} x${attempts}`;
    });
  }

  #send(delivery: Delivery): SendResult {
    const { event, channelId, suppressed, deliveryId } = delivery.notification;
    const { id, severity } = event.violation;
    const kept = suppressed === 0 ? '' : ` +${suppressed}`;
    this.got.push(`${channelId} ${event.kind} #${id} ${severity}${kept}`);
    this.ids.push(deliveryId);
    return this.answer(delivery);
  }
}
