/** From an event to what channels are told of it, on the whole ledger with a real dispatcher. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createChannel, EVERYTHING, updateChannel } from '../fakes/channel-commands.js';
import * as order from '../fakes/commands.js';
import { DAY, HOUR, MINUTE } from '../fakes/manual-time.js';
import { escalate, report, resolve } from '../fakes/violations.js';
import { NotifyingLedger } from '../support/notifying-ledger.js';

let world: NotifyingLedger;
beforeEach(async () => {
  world = await NotifyingLedger.open();
});

describe('an event', () => {
  test('is told to each channel that wants it, and leaves the outbox', async () => {
    await world.memory.must(createChannel('ops'));
    await world.memory.must(
      createChannel('a-only', { filter: { ...EVERYTHING, agentIds: ['a'] } }),
    );
    await world.memory.must(
      createChannel('grave', { filter: { ...EVERYTHING, minSeverity: 'HIGH' } }),
    );
    await world.memory.must(createChannel('muted', { enabled: false }));
    await world.memory.must(report('a'));
    await world.memory.must(report('b', { severity: 'CRITICAL' }));
    await world.pass(0);
    expect(world.got.sort()).toEqual([
      'a-only OPENED #1 MEDIUM',
      'grave OPENED #2 CRITICAL',
      'ops OPENED #1 MEDIUM',
      'ops OPENED #2 CRITICAL',
    ]);
    expect(new Set(world.ids).size).toBe(4);
    expect(world.listed()).toEqual([]);
  });

  test('of a denial is told in its transaction, repeats are not', async () => {
    await world.memory.must(createChannel('ops'));
    for (let times = 0; times < 3; times += 1) await world.memory.do(order.spend('a', '101'));
    await world.pass(0);
    expect(world.got).toEqual(['ops OPENED #1 MEDIUM']);
  });

  test('of before a channel was made is none of its business', async () => {
    await world.memory.must(report('a'));
    const created = world.memory.must(createChannel('ops'));
    await created;
    await world.pass(0);
    expect(world.got).toEqual([]);
  });

  test('writes nothing of notifications where there is no channel', async () => {
    await world.memory.must(report('a'));
    expect([...world.memory.store.rows('deliveries', {})]).toEqual([]);
    expect([...world.memory.store.rows('channel_cooldowns', {})]).toEqual([]);
  });

  test('that an atomic batch undid is not told, its denial is', async () => {
    await world.memory.must(createChannel('ops'));
    await world.memory.batch([order.spend('a', '1'), order.spend('b', '101')], true);
    await world.pass(0);
    expect(world.got).toEqual(['ops OPENED #1 MEDIUM']);
  });
});

describe('a cooldown', () => {
  test('keeps repeats back, and tells at its end what is still open', async () => {
    await world.memory.must(createChannel('ops'));
    await world.memory.must(report('a'));
    await world.memory.must(report('a'));
    await world.memory.must(report('a'));
    await world.memory.must(report('b'));
    await world.pass(4 * MINUTE);
    expect(world.got).toEqual(['ops OPENED #1 MEDIUM', 'ops OPENED #4 MEDIUM']);
    await world.pass(MINUTE);
    expect(world.got.slice(2)).toEqual(['ops OPENED #3 MEDIUM +1']);
    await world.pass(DAY);
    expect(world.got.slice(3)).toEqual([]);
  });

  test('lets through what is severer, and the end of what was told', async () => {
    await world.memory.must(createChannel('ops'));
    await world.memory.must(report('a'));
    await world.memory.must(escalate(1, 'CRITICAL'));
    await world.memory.must(report('a'));
    await world.memory.must(resolve(3));
    await world.memory.must(resolve(1));
    await world.pass(0);
    expect(world.got).toEqual([
      'ops OPENED #1 MEDIUM',
      'ops ESCALATED #1 CRITICAL',
      'ops RESOLVED #1 CRITICAL +2',
    ]);
    await world.pass(DAY);
    expect(world.got).toHaveLength(3);
  });

  test('survives a crash: neither is told twice what was, nor lost what waits', async () => {
    await world.memory.must(createChannel('ops'));
    await world.memory.must(report('a'));
    await world.pass(0);
    await world.memory.must(report('a'));
    await world.crash();
    await world.pass(4 * MINUTE);
    expect(world.got).toEqual(['ops OPENED #1 MEDIUM']);
    await world.pass(2 * MINUTE);
    expect(world.got.slice(1)).toEqual(['ops OPENED #2 MEDIUM']);
  });

  test('tells the end of what was told although the filter has changed', async () => {
    await world.memory.must(createChannel('ops'));
    await world.memory.must(report('a'));
    await world.memory.must(updateChannel('ops', { filter: { minSeverity: 'CRITICAL' } }));
    await world.memory.must(report('b'));
    await world.memory.must(resolve(1));
    await world.pass(0);
    expect(world.got).toEqual(['ops OPENED #1 MEDIUM', 'ops RESOLVED #1 MEDIUM']);
  });

  test('of a channel that was disabled meanwhile holds nothing', async () => {
    await world.memory.must(createChannel('ops'));
    await world.memory.must(report('a'));
    await world.memory.must(report('a'));
    await world.memory.must(updateChannel('ops', { enabled: false }));
    await world.pass(HOUR);
    await world.memory.must(updateChannel('ops', { enabled: true }));
    await world.memory.must(report('a'));
    await world.pass(0);
    expect(world.got).toEqual(['ops OPENED #1 MEDIUM', 'ops OPENED #3 MEDIUM +1']);
  });

  test('leaves no row when nothing depends on it', async () => {
    await world.memory.must(createChannel('ops'));
    await world.memory.must(report('a'));
    await world.memory.must(resolve(1));
    await world.pass(6 * MINUTE);
    expect([...world.memory.store.rows('channel_cooldowns', {})]).toEqual([]);
    expect([...world.memory.store.rows('cooldown_looks', {})]).toEqual([]);
    await world.memory.must(report('b'));
    await world.pass(89 * DAY);
    expect([...world.memory.store.rows('channel_cooldowns', {})]).toHaveLength(1);
    await world.pass(2 * DAY);
    expect([...world.memory.store.rows('channel_cooldowns', {})]).toEqual([]);
    expect([...world.memory.store.rows('cooldown_looks', {})]).toEqual([]);
  });
});
