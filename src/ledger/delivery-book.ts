import type { Instant, Uid } from '../domain/model.js';
import { deliveryKey, type DeliveryRow } from '../domain/notification/delivery.js';
import { rankOf } from '../domain/notification/notification.js';

/** A delivery that waits, as far as it must be in memory. */
export interface Waiting {
  readonly id: string;
  readonly key: string;
  readonly channelUid: Uid;
  readonly violationId: string;
  /** Of the event: the order within a violation. */
  readonly sequence: number;
  /** Of the severity. */
  readonly rank: number;
  readonly dueTime: Instant;
}

/** What a channel can be sent, and when there is more. */
export interface ChannelDue {
  readonly due: readonly Waiting[];
  /** Undefined: nothing waits for a later time. */
  readonly nextTime: Instant | undefined;
}

/**
 * Every delivery that waits, so that nothing is searched for in the store. Only the oldest of a violation
 * on a channel is ever due: its head.
 */
export interface DeliveryBook {
  /** A delivery waits, or waits differently. */
  put(row: DeliveryRow): void;
  /** It does not wait any more. */
  remove(key: string): void;
  removeChannel(uid: Uid): void;
  /** Of a delivery by its id. */
  keyOf(id: string): string | undefined;
  count(uid: Uid): number;
  /** Heads that are due, the earliest first, at most `room` of those that are not in flight. */
  due(uid: Uid, now: Instant, room: number, isInFlight: (id: string) => boolean): ChannelDue;
  /** The least severe and among those the oldest, at most so many. */
  least(uid: Uid, count: number, isInFlight: (id: string) => boolean): readonly Waiting[];
}

interface ChannelQueues {
  readonly waiting: Map<string, Waiting>;
  /** By violation, in the order of events. */
  readonly queues: Map<string, Waiting[]>;
  /** The first of each queue, by due time and id. */
  readonly heads: Waiting[];
}

/** Makes an empty book. */
export function makeDeliveryBook(): DeliveryBook {
  const channels = new Map<Uid, ChannelQueues>();
  /** By id. */
  const all = new Map<string, Waiting>();
  const byKey = new Map<string, Waiting>();

  function add(one: Waiting): void {
    const channel: ChannelQueues = channels.get(one.channelUid) ?? {
      waiting: new Map(),
      queues: new Map(),
      heads: [],
    };
    channels.set(one.channelUid, channel);
    channel.waiting.set(one.id, one);
    all.set(one.id, one);
    byKey.set(one.key, one);
    const queue: Waiting[] = channel.queues.get(one.violationId) ?? [];
    channel.queues.set(one.violationId, queue);
    changeHead(channel, queue, () => {
      queue.splice(
        lowerBound(queue, (other) => other.sequence < one.sequence),
        0,
        one,
      );
    });
  }

  function take(one: Waiting): void {
    all.delete(one.id);
    byKey.delete(one.key);
    const channel = channels.get(one.channelUid);
    const queue = channel?.queues.get(one.violationId);
    if (channel === undefined || queue === undefined) return;
    channel.waiting.delete(one.id);
    changeHead(channel, queue, () => {
      queue.splice(queue.indexOf(one), 1);
    });
    if (queue.length === 0) channel.queues.delete(one.violationId);
    if (channel.waiting.size === 0) channels.delete(one.channelUid);
  }

  return {
    put: (row) => {
      const one = waitingOf(row);
      const before = byKey.get(one.key);
      if (before !== undefined) take(before);
      add(one);
    },
    remove: (key) => {
      const one = byKey.get(key);
      if (one !== undefined) take(one);
    },
    removeChannel: (uid) => {
      for (const { id, key } of channels.get(uid)?.waiting.values() ?? []) {
        all.delete(id);
        byKey.delete(key);
      }
      channels.delete(uid);
    },
    keyOf: (id) => all.get(id)?.key,
    count: (uid) => channels.get(uid)?.waiting.size ?? 0,
    due: (uid, now, room, isInFlight) => {
      const heads = channels.get(uid)?.heads ?? [];
      const end = lowerBound(heads, ({ dueTime }) => dueTime <= now);
      const due: Waiting[] = [];
      for (let at = 0; at < end && due.length < room; at += 1) {
        const head = heads[at];
        if (head !== undefined && !isInFlight(head.id)) due.push(head);
      }
      return { due, nextTime: heads[end]?.dueTime };
    },
    least: (uid, count, isInFlight) => {
      const free = [...(channels.get(uid)?.waiting.values() ?? [])].filter(
        ({ id }) => !isInFlight(id),
      );
      return free.sort((a, b) => a.rank - b.rank || a.sequence - b.sequence).slice(0, count);
    },
  };
}

/** Changes a queue, and the heads with it. */
function changeHead({ heads }: ChannelQueues, queue: readonly Waiting[], change: () => void): void {
  const [before] = queue;
  change();
  const [after] = queue;
  if (before === after) return;
  if (before !== undefined) heads.splice(placeOf(heads, before), 1);
  if (after !== undefined) heads.splice(placeOf(heads, after), 0, after);
}

function placeOf(heads: readonly Waiting[], one: Waiting): number {
  return lowerBound(
    heads,
    ({ dueTime, id }) => dueTime < one.dueTime || (dueTime === one.dueTime && id < one.id),
  );
}

/** The first place whose item is not before. Items that are before come first. */
function lowerBound<T>(items: readonly T[], isBefore: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && isBefore(item)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function waitingOf({ id, channelUid, event, dueTime }: DeliveryRow): Waiting {
  const { id: violationId, severity } = event.violation;
  return {
    id,
    key: deliveryKey(channelUid, id),
    channelUid,
    violationId,
    sequence: event.sequence,
    rank: rankOf(severity),
    dueTime,
  };
}
