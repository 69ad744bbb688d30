/** Where an episode ends while another begins, and what a stop keeps of denials. */
import { expect, onTestFinished, test, vi } from 'vitest';
import * as order from '../fakes/commands.js';
import { MINUTE, SECOND } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';

test('an episode that begins in the group that ends the one before goes on', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const memory = await MemoryLedger.open();
  await memory.must(order.createPool('p', '1000'));
  await memory.must(order.createAgent('a', 'p', '10'));
  await memory.do(order.spend('a', '11'));
  memory.time.pass(5 * MINUTE);
  const denied = memory.do(order.spend('a', '11'));
  vi.advanceTimersByTime(SECOND);
  await denied;
  for (let turn = 0; turn < 5; turn += 1) await memory.turn();
  await memory.do(order.spend('a', '11'));
  await memory.turn();
  const events = [...memory.store.rows('violation_events', {})].map(
    ([, { kind, violation }]) => `${kind} #${violation.sequence} x${violation.count}`,
  );
  expect(events).toEqual(['OPENED #1 x1', 'EPISODE_ENDED #1 x1', 'OPENED #3 x1']);
});

test('denials of the last groups are counted at a clean stop', async () => {
  let memory = await MemoryLedger.open();
  await memory.must(order.createPool('p', '1000'));
  await memory.must(order.createAgent('a', 'p', '10'));
  await memory.do(order.spend('a', '11'));
  const last = memory.do(order.spend('a', '11'));
  memory = await memory.restart();
  await last;
  const view = memory.ledger.agentMetrics('a');
  expect('verdict' in view ? undefined : view.denials).toBe(2);
});
