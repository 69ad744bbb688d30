import type { Rejection } from '../domain/answer.js';
import { changesIn } from '../domain/collection.js';
import { bury, postpone } from '../domain/decide/deliveries.js';
import { beginDraft, removeRow, type Draft } from '../domain/draft.js';
import type { Instant, Uid } from '../domain/model.js';
import { lookKey, lookTimeOf } from '../domain/notification/channel-cooldown.js';
import { channelPrefix, type Attempt } from '../domain/notification/delivery.js';
import { lookAtCooldowns } from '../domain/notification/notify.js';
import type { Rules } from '../domain/rules.js';
import { sequenceKey } from '../domain/violation.js';
import { makeDeliveryBook, type Waiting } from './delivery-book.js';
import type { Judging } from './judge.js';
import type { Delivery, Due, DueQuery, Outbox } from './outbox.js';
import type { StoreReader } from './store.js';
import { SIDECAR_STAMP, type Workspace } from './workspace.js';

/** How much of notifications is kept. Each is a setting of the same name in the configuration. */
export interface OutboxBounds {
  /** Of one channel. */
  readonly pendingDeliveriesMax: number;
  /** Of one channel. */
  readonly deadLettersMax: number;
  readonly deadLettersRetentionMs: number;
}

/** What an outbox works with. */
export interface OutboxOptions {
  readonly reader: StoreReader;
  readonly rules: () => Rules;
  readonly now: () => Instant;
  readonly bounds: OutboxBounds;
  /** Runs work in the next group, and resolves when that is durable. */
  readonly transact: <T>(work: (judging: Judging) => T) => Promise<T | Rejection>;
  /** Whether nothing can be recorded now: nothing is sent either, since it would be sent again. */
  readonly paused: () => boolean;
  /** Called when more waited for a channel than may: so many became dead letters. */
  readonly onDropped: (channelId: string, count: number) => void;
}

/** The outbox of a ledger: rows of its store, written in the groups of its writer. */
export interface DurableOutbox extends Outbox {
  /** Whom to call when there may be something to do. One at a time. */
  onWork(wake: () => void): void;
  /** How many deliveries of a channel wait, and how many were given up. */
  counts(channelUid: Uid): { readonly pending: number; readonly dead: number };
  /** Takes note of what a group wrote: it is durable. */
  publish(workspace: Workspace): void;
}

/** Rows that one step changes, at most: no spend in its group waits for more. */
const STEP_MAX = 200;

/** How long nothing is sent when nothing can be recorded. */
const PAUSE_MS = 1_000;

/** Dead letters are looked through for old ones at least so often. */
const AGE_CHECK_MS_MAX = 60 * 60_000;

/** Makes the outbox of a store, with what waits in it. */
export function makeOutbox(options: OutboxOptions): DurableOutbox {
  const { reader, now, bounds } = options;
  const book = makeDeliveryBook();
  /** Keys of dead letters, by channel. */
  const dead = new Map<Uid, Set<string>>();
  const ended = new Set<Uid>();
  const ageCheckMs = Math.min(AGE_CHECK_MS_MAX, bounds.deadLettersRetentionMs / 10);
  let nextLook = firstLook();
  let nextAgeCheck = 0;
  let wake: () => void = () => undefined;

  for (const [, { uid }] of reader.rows('ended_channels', {})) ended.add(uid);
  for (const [, row] of reader.rows('deliveries', {})) {
    if (!ended.has(row.channelUid)) book.put(row);
  }
  for (const [key, row] of reader.rows('dead_letters', {})) noteDead(row.channelUid, key);

  function firstLook(): Instant {
    for (const [key] of reader.rows('cooldown_looks', {})) return lookTimeOf(key);
    return Infinity;
  }

  function noteDead(uid: Uid, key: string): void {
    if (ended.has(uid)) return;
    const keys = dead.get(uid) ?? new Set();
    dead.set(uid, keys.add(key));
  }

  function publish({ rowChanges }: Workspace): void {
    const changed = (name: keyof typeof rowChanges) => rowChanges[name] !== undefined;
    if (!NAMES.some(changed)) return;
    for (const [key, row] of changesIn(rowChanges, 'ended_channels')) {
      if (row === undefined) ended.delete(Number(key));
      else {
        ended.add(row.uid);
        book.removeChannel(row.uid);
        dead.delete(row.uid);
      }
    }
    for (const [key, row] of changesIn(rowChanges, 'deliveries')) {
      if (row === undefined) book.remove(key);
      else if (!ended.has(row.channelUid)) book.put(row);
    }
    for (const [key, row] of changesIn(rowChanges, 'dead_letters')) {
      if (row !== undefined) noteDead(row.channelUid, key);
      else dead.get(Number(key.slice(0, key.indexOf('/'))))?.delete(key);
    }
    for (const [key, row] of changesIn(rowChanges, 'cooldown_looks')) {
      if (row !== undefined) nextLook = Math.min(nextLook, lookTimeOf(key));
    }
    wake();
  }

  /** Runs work on a draft of its own in the next group. */
  async function write<T>(work: (draft: Draft, judging: Judging) => T): Promise<T> {
    const done = await options.transact((judging) => {
      const draft = beginDraft(judging.workspace, judging.context.now);
      const result = work(draft, judging);
      judging.workspace.install(draft, SIDECAR_STAMP);
      return { result };
    });
    if ('verdict' in done) throw new Error(`${done.reason}: ${done.message}`);
    return done.result;
  }

  /** One small step of what keeps the outbox within its bounds. Returns whether there may be more. */
  async function tidy(isInFlight: (id: string) => boolean): Promise<boolean> {
    const [uid] = ended;
    if (uid !== undefined) return clear(uid);
    if (nextLook <= now()) return look();
    for (const { id, uid: channel } of options.rules().channels.rows.values()) {
      const excess = book.count(channel) - bounds.pendingDeliveriesMax;
      if (excess > 0) {
        return drop(id, book.least(channel, Math.min(excess, STEP_MAX), isInFlight));
      }
    }
    return forgetDead();
  }

  /** What is due is read beside the group: ranges would make it wait for the ones under way. */
  async function look(): Promise<boolean> {
    const time = now();
    const looks = [...take(reader.rows('cooldown_looks', {}), STEP_MAX)].filter(
      ([key]) => lookTimeOf(key) <= time,
    );
    await write((draft, { context }) => lookAtCooldowns(draft, looks, context.newId));
    nextLook = firstLook();
    return looks.length === STEP_MAX;
  }

  async function clear(uid: Uid): Promise<boolean> {
    const range = { prefix: channelPrefix(uid) };
    const rows = (name: 'deliveries' | 'dead_letters') => take(reader.rows(name, range), STEP_MAX);
    const waiting = [...rows('deliveries')];
    const letters = [...rows('dead_letters')];
    const cooldowns = [...take(reader.rows('channel_cooldowns', range), STEP_MAX)];
    await write((draft) => {
      for (const [key] of waiting) removeRow(draft, 'deliveries', key);
      for (const [key] of letters) removeRow(draft, 'dead_letters', key);
      for (const [key, { lookTime }] of cooldowns) {
        removeRow(draft, 'channel_cooldowns', key);
        removeRow(draft, 'cooldown_looks', lookKey(lookTime, key));
      }
      if (waiting.length + letters.length + cooldowns.length === 0) {
        removeRow(draft, 'ended_channels', sequenceKey(uid));
      }
    });
    return true;
  }

  async function drop(channelId: string, least: readonly Waiting[]): Promise<boolean> {
    const reason = `more than ${bounds.pendingDeliveriesMax} notifications waited for the channel`;
    await write((draft) => {
      for (const { key } of least) bury(draft, key, reason);
    });
    options.onDropped(channelId, least.length);
    return least.length === STEP_MAX;
  }

  async function forgetDead(): Promise<boolean> {
    const old = now() >= nextAgeCheck;
    const keys: string[] = [];
    for (const [uid, letters] of dead) {
      const excess = letters.size - bounds.deadLettersMax;
      if (excess > 0 || old) keys.push(...oldest(uid, excess, STEP_MAX - keys.length));
      if (keys.length >= STEP_MAX) break;
    }
    const full = keys.length >= STEP_MAX;
    if (old && !full) nextAgeCheck = now() + ageCheckMs;
    if (keys.length > 0) {
      await write((draft) => {
        for (const key of keys) removeRow(draft, 'dead_letters', key);
      });
    }
    return full;
  }

  /** The dead letters of a channel that go: the first so many, and those that are too old. */
  function oldest(uid: Uid, excess: number, max: number): readonly string[] {
    const before = now() - bounds.deadLettersRetentionMs;
    const keys: string[] = [];
    for (const [key, { event }] of reader.rows('dead_letters', { prefix: channelPrefix(uid) })) {
      if (keys.length >= max || (keys.length >= excess && event.time > before)) break;
      keys.push(key);
    }
    return keys;
  }

  async function next(query: DueQuery): Promise<Due> {
    if (options.paused()) return { deliveries: [], nextTime: query.now + PAUSE_MS };
    const more = await tidy(query.isInFlight);
    const channels = [...options.rules().channels.rows.values()].sort((a, b) =>
      a.id < b.id ? -1 : 1,
    );
    const first = channels.findIndex(({ id }) => id > query.afterChannelId);
    const turns = first < 0 ? channels : [...channels.slice(first), ...channels.slice(0, first)];
    let nextTime = more ? query.now : nextLook;
    if (dead.size > 0) nextTime = Math.min(nextTime, nextAgeCheck);
    const queues = turns.map(({ id, uid }) => {
      const found = book.due(uid, query.now, query.roomOf(id), query.isInFlight);
      nextTime = Math.min(nextTime, found.nextTime ?? Infinity);
      return found.due;
    });
    const deliveries: Delivery[] = [];
    for (let turn = 0; queues.some((queue) => turn < queue.length); turn += 1) {
      for (const queue of queues) {
        const one = queue[turn];
        const delivery = one && deliveries.length < query.limit ? deliveryOf(one) : undefined;
        if (delivery !== undefined) deliveries.push(delivery);
      }
    }
    return { deliveries, nextTime: nextTime === Infinity ? undefined : nextTime };
  }

  function deliveryOf({ key, channelUid }: Waiting): Delivery | undefined {
    const row = reader.row('deliveries', key);
    const channel = options.rules().channels.byUid.get(channelUid);
    if (row === undefined || channel === undefined) return undefined;
    const { id: deliveryId, event, suppressed, toldSeverity, createTime, attempts } = row;
    const { storeId } = reader.header();
    return {
      channel: channel.channel,
      notification: { deliveryId, channelId: channel.id, storeId, event, suppressed, toldSeverity },
      createTime,
      attempts,
    };
  }

  async function record(id: string, note: (draft: Draft, key: string) => void): Promise<void> {
    const key = book.keyOf(id);
    if (key !== undefined) await write((draft) => note(draft, key));
  }

  return {
    next,
    delivered: (id) => record(id, (draft, key) => removeRow(draft, 'deliveries', key)),
    retryLater: (id, time, attempt: Attempt) =>
      record(id, (draft, key) => postpone(draft, key, time, attempt)),
    dead: (id, attempt) => record(id, (draft, key) => bury(draft, key, attempt)),
    onWork: (listener) => {
      wake = listener;
    },
    counts: (uid) => ({ pending: book.count(uid), dead: dead.get(uid)?.size ?? 0 }),
    publish,
  };
}

/** The first so many. */
function* take<T>(items: Iterable<T>, max: number): Generator<T> {
  let taken = 0;
  for (const item of items) {
    if (taken === max) return;
    taken += 1;
    yield item;
  }
}

/** What the outbox is made of. */
const NAMES = [
  'channels',
  'deliveries',
  'dead_letters',
  'ended_channels',
  'cooldown_looks',
] as const;
