/** The outbox of a ledger: deliveries from failure to the receiver, and what is kept of them. */
import { beforeEach, describe, expect, test } from 'vitest';
import { refused, retry } from '../../src/delivery/send-result.js';
import type { Attempt } from '../../src/domain/notification/delivery.js';
import type { DueQuery } from '../../src/ledger/outbox.js';
import {
  createChannel,
  deleteChannel,
  retryDelivery,
  SECRETS,
  updateChannel,
} from '../fakes/channel-commands.js';
import { DAY, HOUR, SECOND } from '../fakes/manual-time.js';
import { report, resolve } from '../fakes/violations.js';
import { DELIVERED, NotifyingLedger } from '../support/notifying-ledger.js';

let world: NotifyingLedger;
beforeEach(async () => {
  world = await NotifyingLedger.open();
});

const QUERY: DueQuery = {
  now: 0,
  limit: 16,
  afterChannelId: '',
  roomOf: () => 2,
  isInFlight: () => false,
};

const ATTEMPT: Attempt = {
  number: 1,
  startTime: 1,
  endTime: 2,
  status: 500,
  reason: 'answered with status 500',
  excerpt: 'no',
};

describe('a delivery', () => {
  test('keeps its id through failures, crashes and a return from the dead letters', async () => {
    await world.memory.must(createChannel('ops'));
    world.answer = () => retry('down');
    await world.memory.must(report('a'));
    await world.pass(0);
    expect(world.listed()).toEqual(['ops PENDING #1 x1']);
    await world.crash();
    world.answer = () => refused('answered with status 410');
    await world.pass(2 * SECOND);
    expect(world.listed()).toEqual(['ops DEAD #1 x2']);
    const [id = ''] = world.ids;
    const request = retryDelivery(id);
    const { sequence } = await world.memory.must(request);
    expect(world.memory.store.entry(sequence)?.entry).toMatchObject({
      kind: 'CONFIGURE',
      method: 'RETRY_DELIVERY',
      reason: 'mended',
      changes: [{ field: `delivery/${id}.state`, before: 'DEAD' }],
    });
    world.answer = () => DELIVERED;
    await world.pass(0);
    expect(await world.memory.must(request)).toMatchObject({ replayed: true, sequence });
    expect(new Set(world.ids)).toEqual(new Set([id]));
    expect(world.ids).toHaveLength(3);
    expect(world.listed()).toEqual([]);
    expect(await world.memory.verdict(retryDelivery(id))).toBe('DELIVERY_NOT_FOUND');
  });

  test('of an end never overtakes that of the beginning', async () => {
    await world.memory.must(createChannel('ops'));
    world.answer = () => retry('down');
    await world.memory.must(report('a'));
    await world.memory.must(resolve(1));
    await world.pass(0);
    expect(world.got).toEqual(['ops OPENED #1 MEDIUM']);
    world.answer = () => DELIVERED;
    await world.pass(SECOND);
    expect(world.got.slice(1)).toEqual(['ops OPENED #1 MEDIUM', 'ops RESOLVED #1 MEDIUM']);
  });

  test('that is not done in a day is a dead letter, with what the last attempt said', async () => {
    await world.memory.must(createChannel('ops'));
    world.answer = () => ({ ...retry('answered with status 500'), status: 500, excerpt: 'oh no' });
    await world.memory.must(report('a'));
    await world.pass(DAY);
    expect(world.listed('PENDING')).toEqual([]);
    const [, row] = [...world.memory.store.rows('dead_letters', {})][0]!;
    expect(row.attempts).toBe(world.got.length);
    expect(row.lastAttempt).toMatchObject({
      number: world.got.length,
      status: 500,
      excerpt: 'oh no',
      reason: expect.stringContaining('given up') as string,
    });
  });

  test('is sent the way its channel is now', async () => {
    await world.memory.must(createChannel('ops'));
    const urls: string[] = [];
    world.answer = ({ channel }) => {
      urls.push(channel.kind === 'WEBHOOK' ? channel.url : '');
      return retry('down');
    };
    await world.memory.must(report('a'));
    await world.pass(0);
    await world.memory.must(updateChannel('ops', { webhook: { url: 'https://new.example.com/' } }));
    await world.pass(SECOND);
    expect(urls.at(-1)).toBe('https://new.example.com/');
  });

  test('goes with its channel, which leaves nothing', async () => {
    await world.memory.must(createChannel('ops'));
    world.answer = () => retry('down');
    for (let n = 0; n < 3; n += 1) await world.memory.must(report('a', { severity: 'CRITICAL' }));
    await world.pass(0);
    await world.memory.must(deleteChannel('ops'));
    await world.memory.must(createChannel('ops'));
    await world.pass(SECOND);
    const { length } = world.got;
    await world.pass(HOUR);
    expect(world.got).toHaveLength(length);
    for (const name of ['deliveries', 'channel_cooldowns', 'cooldown_looks'] as const) {
      expect([...world.memory.store.rows(name, {})], name).toEqual([]);
    }
    expect([...world.memory.store.rows('ended_channels', {})]).toEqual([]);
  });
});

describe('what is kept is bounded', () => {
  test('of what waits the least severe and oldest are given up', async () => {
    const dropped: string[] = [];
    const outbox = { pendingDeliveriesMax: 3, deadLettersMax: 2, deadLettersRetentionMs: DAY };
    world = await NotifyingLedger.open({
      outbox,
      onDeliveriesDropped: (id, count) => dropped.push(`${id} ${count}`),
    });
    await world.stop();
    await world.memory.must(createChannel('ops', { cooldownMs: 0 }));
    const severities = ['LOW', 'CRITICAL', 'LOW', 'MEDIUM', 'HIGH', 'LOW'] as const;
    for (const severity of severities) await world.memory.must(report('a', { severity }));
    const { deliveries } = await world.memory.ledger.outbox.next({
      ...QUERY,
      now: world.memory.time.wall(),
      // The oldest is being sent.
      isInFlight: (id) => id === [...world.memory.store.rows('deliveries', {})][0]?.[1].id,
    });
    expect(dropped).toEqual(['ops 3']);
    expect(world.listed('PENDING')).toEqual([
      'ops PENDING #1 x0',
      'ops PENDING #2 x0',
      'ops PENDING #5 x0',
    ]);
    expect(deliveries.map(({ notification }) => notification.event.violation.id)).toEqual([
      '2',
      '5',
    ]);
    await world.memory.ledger.outbox.next({ ...QUERY, now: world.memory.time.wall() });
    expect(world.listed('DEAD')).toEqual(['ops DEAD #4 x0', 'ops DEAD #6 x0']);
    world.memory.time.pass(2 * DAY);
    await world.memory.ledger.outbox.next({ ...QUERY, now: world.memory.time.wall() });
    expect(world.listed('DEAD')).toEqual([]);
  });

  test('channels too', async () => {
    for (let n = 0; n < 10; n += 1) await world.memory.must(createChannel(`c-${n}`));
    expect(await world.memory.verdict(createChannel('more'))).toBe('TOO_MANY_RULES');
  });
});

test('what is recorded of a delivery that is gone is dropped', async () => {
  const { outbox } = world.memory.ledger;
  await outbox.delivered('nobody', ATTEMPT);
  await outbox.retryLater('nobody', 5, ATTEMPT);
  await outbox.dead('nobody', ATTEMPT);
  expect(world.listed()).toEqual([]);
});

test('channels take turns, from the one behind the last', async () => {
  await world.stop();
  for (const id of ['x', 'z', 'y']) await world.memory.must(createChannel(id, { cooldownMs: 0 }));
  for (const agent of ['a', 'b']) await world.memory.must(report(agent));
  const turns = async (over: Partial<DueQuery>) => {
    const query = { ...QUERY, now: world.memory.time.wall(), ...over };
    const { deliveries } = await world.memory.ledger.outbox.next(query);
    return deliveries.map(({ notification: { channelId, event } }) => {
      return `${channelId}${event.violation.id}`;
    });
  };
  expect(await turns({})).toEqual(['x1', 'y1', 'z1', 'x2', 'y2', 'z2']);
  expect(await turns({ afterChannelId: 'x', limit: 4 })).toEqual(['y1', 'z1', 'x1', 'y2']);
  expect(await turns({ roomOf: (id) => (id === 'y' ? 0 : 1) })).toEqual(['x1', 'z1']);
});

test('secrets are in the row of their channel and nowhere else in the store', async () => {
  await world.memory.must(createChannel('ops'));
  await world.memory.must(report('a'));
  await world.memory.must(updateChannel('ops', { webhook: { secrets: [`${SECRETS[0]}-new`] } }));
  await world.memory.must(deleteChannel('ops'));
  await world.pass(0);
  const found: string[] = [];
  for (const { table, value } of world.memory.disk.rows.all()) {
    if (SECRETS.some((secret) => value?.includes(secret) === true)) found.push(table);
  }
  expect(found).toEqual([]);
  const entries = [...world.memory.store.entries(0)].flatMap(({ entry }) => entry.changes);
  expect(entries.filter(({ field }) => /secrets|url|headers/.test(field))).toEqual([
    { field: 'channel/ops.url', before: '', after: 'https://hooks.example.com' },
    { field: 'channel/ops.secrets', before: '', after: '1 secrets' },
    { field: 'channel/ops.headers', before: '', after: 'authorization' },
    { field: 'channel/ops.secrets', before: '1 secrets', after: '1 secrets (new)' },
    { field: 'channel/ops.url', before: 'https://hooks.example.com', after: '' },
    { field: 'channel/ops.secrets', before: '1 secrets', after: '' },
    { field: 'channel/ops.headers', before: 'authorization', after: '' },
  ]);
});
