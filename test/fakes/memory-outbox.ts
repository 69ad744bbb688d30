import type { Attempt } from '../../src/domain/notification/delivery.js';
import type { Delivery, Due, DueQuery, Outbox } from '../../src/ledger/outbox.js';

interface Row {
  delivery: Delivery;
  dueTime: number;
}

/** An outbox in memory that keeps to the contract and what was recorded. */
export class MemoryOutbox implements Outbox {
  readonly rows: Row[] = [];
  /** What was recorded, in order, such as `delivered d-1`. */
  readonly recorded: string[] = [];
  readonly attempts: Attempt[] = [];
  readonly deadIds: string[] = [];
  /** What the next writes fail with, in order. */
  readonly failures: Error[] = [];

  put(delivery: Delivery, dueTime = delivery.createTime): void {
    this.rows.push({ delivery, dueTime });
  }

  next(query: DueQuery): Promise<Due> {
    if (this.failures.length > 0) return Promise.reject(this.failures.shift()!);
    const { now, limit, afterChannelId, roomOf, isInFlight } = query;
    const due = this.#offered().filter(
      ({ delivery, dueTime }) => dueTime <= now && !isInFlight(delivery.notification.deliveryId),
    );
    const ids = [...new Set(due.map((row) => channelOf(row)))].sort();
    const turns = [
      ...ids.filter((id) => id > afterChannelId),
      ...ids.filter((id) => id <= afterChannelId),
    ];
    const queues = turns.map((id) =>
      due
        .filter((row) => channelOf(row) === id)
        .sort((a, b) => a.dueTime - b.dueTime)
        .slice(0, roomOf(id)),
    );
    const deliveries: Delivery[] = [];
    for (let turn = 0; queues.some((queue) => turn < queue.length); turn += 1) {
      for (const queue of queues) {
        const row = queue[turn];
        if (row !== undefined && deliveries.length < limit) deliveries.push(row.delivery);
      }
    }
    const later = this.rows.map((row) => row.dueTime).filter((time) => time > now);
    const nextTime = later.length === 0 ? undefined : Math.min(...later);
    return Promise.resolve({ deliveries, nextTime });
  }

  delivered(deliveryId: string, attempt: Attempt): Promise<void> {
    return this.#write(`delivered ${deliveryId}`, attempt, () => this.#remove(deliveryId));
  }

  retryLater(deliveryId: string, time: number, attempt: Attempt): Promise<void> {
    return this.#write(`retry ${deliveryId}`, attempt, () => {
      const row = this.rows.find((one) => idOf(one) === deliveryId);
      if (row === undefined) return;
      row.delivery = { ...row.delivery, attempts: row.delivery.attempts + 1 };
      row.dueTime = time;
    });
  }

  dead(deliveryId: string, attempt: Attempt): Promise<void> {
    return this.#write(`dead ${deliveryId}`, attempt, () => {
      this.deadIds.push(deliveryId);
      this.#remove(deliveryId);
    });
  }

  /** The oldest of each violation on each channel. */
  #offered(): readonly Row[] {
    const oldest = new Map<string, Row>();
    for (const row of this.rows) {
      const key = `${channelOf(row)} ${row.delivery.notification.event.violation.id}`;
      if (!oldest.has(key)) oldest.set(key, row);
    }
    return [...oldest.values()];
  }

  #write(what: string, attempt: Attempt, effect: () => void): Promise<void> {
    const failure = this.failures.shift();
    if (failure !== undefined) return Promise.reject(failure);
    this.recorded.push(what);
    this.attempts.push(attempt);
    effect();
    return Promise.resolve();
  }

  #remove(deliveryId: string): void {
    const at = this.rows.findIndex((row) => idOf(row) === deliveryId);
    if (at >= 0) this.rows.splice(at, 1);
  }
}

const idOf = ({ delivery }: Row) => delivery.notification.deliveryId;
const channelOf = ({ delivery }: Row) => delivery.notification.channelId;
