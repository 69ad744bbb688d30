/** RunSchedule, repeated, over large pools, and with a full queue. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { formatAmount } from '../../src/domain/amount.js';
import * as order from '../fakes/commands.js';
import { HOUR, ManualTime, MINUTE } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { createSchedule, REVIEWS, runSchedule, setsBudget } from '../fakes/schedules.js';

test('a repeated RunSchedule of a review has one effect', async () => {
  const memory = await MemoryLedger.open({}, new ManualTime(Date.UTC(2026, 0, 31, 12)));
  await memory.must(order.createPool('p', '1000'));
  await memory.must(createSchedule('s', '0 0 1 * *', REVIEWS));
  const command = runSchedule('s', { requestId: 'once' });
  await memory.must(command);
  const again = await memory.must(command);
  expect(again.replayed).toBe(true);
  const page = memory.ledger.scheduleRuns('s', { after: undefined, size: 10 });
  expect('verdict' in page ? [] : page.items).toHaveLength(1);
});

test('a repeated RunSchedule that had failed has one answer', async () => {
  const memory = await MemoryLedger.open({}, new ManualTime(Date.UTC(2026, 0, 31, 12)));
  await memory.must(order.createPool('p', '10'));
  await memory.must(order.createAgent('a', 'p', '0'));
  await memory.must(createSchedule('s', '0 0 1 * *', setsBudget('pool p', '100')));
  const command = runSchedule('s', { requestId: 'once' });
  await memory.must(command);
  await memory.must(order.fundPool('p', '1000'));
  await memory.must(command);
  const page = memory.ledger.scheduleRuns('s', { after: undefined, size: 10 });
  expect('verdict' in page ? [] : page.items.map(({ outcome }) => outcome)).toEqual(['FAILED']);
});

test('an agent that joined a large pool before a run by hand is set by it', async () => {
  const memory = await MemoryLedger.open({}, new ManualTime(Date.UTC(2026, 0, 31, 12)));
  await memory.must(order.createPool('p', '100000'));
  await memory.must(order.createPool('q', '1000'));
  await Promise.all(
    Array.from({ length: 1_001 }, (_, at) =>
      memory.must(order.createAgent(`m${String(at).padStart(4, '0')}`, 'p', '1')),
    ),
  );
  await memory.must(order.createAgent('a', 'q', '1'));
  await memory.must(createSchedule('s', '0 0 1 * *', setsBudget('pool p', '5')));
  // Both in one group.
  await Promise.all([memory.must(order.moveAgent('a', 'p')), memory.must(runSchedule('s'))]);
  for (let turn = 0; turn < 5; turn += 1) await memory.turn();
  const { allocated, spent } = memory.ledger.agent('a')!.agent;
  expect(memory.ledger.schedule('s')?.progress).toBeUndefined();
  expect(formatAmount(allocated - spent)).toBe('5');
}, 30_000);

test('a review that a schedule ordered is made although the queue was full', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const memory = await MemoryLedger.open({ queueCommandsMax: 5 });
  await memory.must(order.createPool('p', '1000'));
  await memory.must(order.createAgent('a', 'p', '100'));
  await memory.must(createSchedule('s', HOUR, REVIEWS));
  await memory.must(runSchedule('s'));
  for (let turn = 0; turn < 30; turn += 1) {
    for (let n = 0; n < 10; n += 1) void memory.do(order.spend('a', '0.01'));
    await nextTurn();
  }
  memory.time.pass(10 * MINUTE);
  vi.advanceTimersByTime(MINUTE);
  for (let turn = 0; turn < 20; turn += 1) {
    await memory.turn();
    await nextTurn();
  }
  expect([...memory.store.rows('review_orders', {})]).toEqual([]);
  expect(memory.ledger.listReviews({ after: undefined, size: 10 }).items).toHaveLength(1);
});
