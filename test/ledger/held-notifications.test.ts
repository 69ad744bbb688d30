/** What a channel is not told yet, and what becomes of it. */
import { expect, test } from 'vitest';
import { createChannel, updateChannel } from '../fakes/channel-commands.js';
import { HOUR } from '../fakes/manual-time.js';
import { report, resolve } from '../fakes/violations.js';
import { NotifyingLedger } from '../support/notifying-ledger.js';

test('what is held and ended while the channel was muted is not told as open', async () => {
  const world = await NotifyingLedger.open();
  await world.memory.must(createChannel('ops'));
  await world.memory.must(report('a'));
  await world.memory.must(report('a'));
  await world.memory.must(updateChannel('ops', { enabled: false }));
  await world.memory.must(resolve(2));
  await world.memory.must(updateChannel('ops', { enabled: true }));
  await world.pass(HOUR);
  expect(world.got).toEqual(['ops OPENED #1 MEDIUM']);
});

test('what is held and ended after the filter changed is not told as open', async () => {
  const world = await NotifyingLedger.open();
  await world.memory.must(createChannel('ops'));
  await world.memory.must(report('a'));
  await world.memory.must(report('a'));
  await world.memory.must(updateChannel('ops', { filter: { minSeverity: 'CRITICAL' } }));
  await world.memory.must(resolve(2));
  await world.pass(HOUR);
  expect(world.got).toEqual(['ops OPENED #1 MEDIUM']);
});
