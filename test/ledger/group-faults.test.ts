/** Faults of what a group does beside its tasks. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startClock } from '../../src/ledger/clock.js';
import { startGroupWriter } from '../../src/ledger/group-writer.js';
import { judge } from '../../src/ledger/judge.js';
import { makeRows } from '../../src/ledger/rows.js';
import { numberKey } from '../../src/store/keys.js';
import * as order from '../fakes/commands.js';
import { DAY, HOUR, ManualTime, MINUTE, T0 } from '../fakes/manual-time.js';
import { MemoryDisk } from '../fakes/memory-kv.js';
import { openMemoryStore, OPERATOR, UNCUT } from '../fakes/memory-ledger.js';
import { POLICY } from '../fakes/world.js';

async function start(disk: MemoryDisk, time: ManualTime) {
  const { kv, store } = await openMemoryStore(disk, T0);
  const failures: unknown[] = [];
  const damages: string[] = [];
  let ids = 0;
  const writer = startGroupWriter({
    store,
    rows: makeRows({ agentRows: 100, reservationRows: 100 }, store),
    clock: startClock(time, { jumpMaxMs: MINUTE, settleMs: MINUTE }, T0),
    policy: POLICY,
    purge: { ...UNCUT, idempotencyTtlMs: MINUTE, violationsRetentionMs: DAY, violationsMax: 1_000 },
    newId: () => `id-${(ids += 1)}`,
    queueMax: 100,
    groupMax: 100,
    onDurable: () => undefined,
    onReview: () => undefined,
    onDamage: (message) => damages.push(message),
    onStorageFailed: (e) => failures.push(e),
  });
  const submit = (id: string) =>
    new Promise<string>((resolve) => {
      writer.submit({
        weight: 1,
        abandoned: () => false,
        run: (judging) => void judge(judging, order.createPool(id, '1'), OPERATOR),
        done: () => resolve('done'),
        failed: () => resolve('failed'),
        refused: ({ reason }) => resolve(reason),
      });
    });
  return { kv, store, writer, failures, damages, submit };
}

/** More turns than a stop takes. */
async function manyTurns(): Promise<void> {
  for (let turn = 0; turn < 200; turn += 1) await nextTurn();
}

test('drains although chores were due when the storage failed', async () => {
  const { kv, writer, submit } = await start(new MemoryDisk(), new ManualTime());
  kv.hold();
  const one = submit('a');
  for (let t = 0; t < 4; t += 1) await nextTurn();
  const two = submit('b');
  for (let t = 0; t < 4; t += 1) await nextTurn();
  writer.maintain();
  kv.fail(new Error('EIO'));
  kv.flush();
  await Promise.all([one, two]);
  const drained = await Promise.race([
    writer.drain().then(() => true),
    manyTurns().then(() => false),
  ]);
  expect(drained).toBe(true);
});

test('a damaged record that upkeep meets is told once, and every request is served', async () => {
  const disk = new MemoryDisk();
  const first = await start(disk, new ManualTime());
  expect(await first.submit('a')).toBe('done');
  disk.set('entries', numberKey(1), Buffer.from('garbage'));
  const time = new ManualTime();
  const { writer, submit, failures, damages } = await start(disk, time);
  time.pass(HOUR);
  const outcomes: string[] = [];
  // Under constant load there is always somebody waiting.
  for (let at = 0; at < 20; at += 1) {
    writer.maintain();
    outcomes.push(await submit(`p${at}`));
  }
  expect({ outcomes: [...new Set(outcomes)], failures }).toEqual({
    outcomes: ['done'],
    failures: [],
  });
  expect(damages).toEqual([expect.stringMatching(/^entries: .*; nothing is purged/)]);
  await writer.drain();
});
