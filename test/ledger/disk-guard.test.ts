import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Disk } from '../../src/ledger/disk-guard.js';
import { retry } from '../../src/delivery/send-result.js';
import { createChannel } from '../fakes/channel-commands.js';
import {
  agentState,
  commit,
  createAgent,
  createPool,
  deleteAgent,
  extend,
  fundPool,
  release,
  reserve,
  spend,
} from '../fakes/commands.js';
import { HOUR, MINUTE, SECOND } from '../fakes/manual-time.js';
import { AGENT, MemoryLedger } from '../fakes/memory-ledger.js';
import { report } from '../fakes/violations.js';
import { DELIVERED, NotifyingLedger } from '../support/notifying-ledger.js';

class FakeDisk implements Disk {
  left = 1_000;
  reserved = false;
  free(): number {
    return this.left;
  }
  takeReserve(): void {
    this.reserved = true;
  }
  giveReserveBack(): void {
    this.reserved = false;
  }
}

let disk: FakeDisk;
let memory: MemoryLedger;
let holds: string[];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  disk = new FakeDisk();
  const marks = { diskSoftBytes: 400, diskHardBytes: 100 };
  memory = await MemoryLedger.open({ disk, ...marks, sweepIntervalMs: SECOND });
  await memory.must(createPool('p', '1000'));
  await memory.must(createAgent('a', 'p', '100'));
  await memory.must(createAgent('b', 'p', '100'));
  const making = Array.from({ length: 3 }, () => memory.must(reserve('a', '5', { ttlMs: HOUR })));
  holds = (await Promise.all(making)).map(({ reservation }) => reservation!.id);
});
afterEach(() => {
  vi.useRealTimers();
});

function leave(bytes: number): void {
  disk.left = bytes;
  vi.advanceTimersByTime(200);
}

async function sweep(): Promise<void> {
  vi.advanceTimersByTime(SECOND);
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
}

describe('below the soft mark', () => {
  test('what grows is refused, with a time to come back', async () => {
    leave(399);
    for (const command of [
      spend('a', '1'),
      reserve('a', '1'),
      createAgent('c', 'p', '1'),
      fundPool('p', '1'),
    ]) {
      expect(await memory.do(command)).toMatchObject({
        reason: 'DISK_LOW',
        metadata: { level: 'LOW', free_bytes: '399' },
        retryAfterMs: 5_000,
      });
    }
    const batch = await memory.ledger.executeBatch([spend('a', '1')], false, AGENT);
    expect(batch).toMatchObject({ reason: 'DISK_LOW' });
    expect(disk.reserved).toBe(true);
    expect(memory.ledger.info().disk).toEqual({ level: 'LOW', freeBytes: 399 });
  });

  test('what settles, ends or only asks still passes', async () => {
    const command = spend('a', '1', { requestId: 'again' });
    await memory.must(command);
    leave(399);
    await memory.must(commit(holds[0]!, '4'));
    await memory.must(release(holds[1]!));
    await memory.must(extend(holds[2]!, 2 * HOUR));
    await memory.must(spend('a', '1', { mode: 'FORCE' }));
    await memory.must(spend('a', '1', { dryRun: true }));
    await memory.must(agentState('FREEZE_AGENT', 'a'));
    await memory.must(agentState('UNFREEZE_AGENT', 'a'));
    await memory.must(deleteAgent('b'));
    expect(await memory.must(command)).toMatchObject({ replayed: true });
    expect((await memory.verify()).findings).toEqual([]);
  });
});

describe('below the hard mark', () => {
  test('nothing is written, not even what the sidecar does by itself, and reads go on', async () => {
    await memory.must(reserve('a', '5', { ttlMs: MINUTE }));
    leave(99);
    expect(disk.reserved).toBe(false);
    const { transactions } = memory.kv;
    memory.time.pass(HOUR / 2);
    await sweep();
    for (const command of [
      spend('a', '1', { mode: 'FORCE' }),
      spend('a', '1', { dryRun: true }),
      commit(holds[0]!, '4'),
      release(holds[1]!),
    ]) {
      expect(await memory.do(command)).toMatchObject({
        reason: 'DISK_LOW',
        metadata: { level: 'FULL' },
      });
    }
    expect(memory.kv.transactions).toBe(transactions);
    expect(memory.ledger.agent('a')?.agent.openReservations).toBe(4);
    expect((await memory.verify()).findings).toEqual([]);
  });

  test('nothing is sent that could not be recorded, and denied access is left to the log', async () => {
    const marks = { diskSoftBytes: 400, diskHardBytes: 100 };
    const world = await NotifyingLedger.open({ disk, ...marks });
    const { ledger, kv } = world.memory;
    world.answer = () => retry('down');
    await world.memory.must(createChannel('ops'));
    await world.memory.must(report('a'));
    await world.pass(0);
    leave(99);
    let { transactions } = kv;
    await world.pass(MINUTE);
    await ledger.reportDenied({ principal: 'x', method: 'm', agentId: 'a' });
    expect(kv.transactions).toBe(transactions);
    expect(world.listed()).toEqual(['ops PENDING #1 x1']);
    expect(world.got).toHaveLength(1);

    world.answer = () => {
      // The disk fills up while the receiver takes its time.
      leave(99);
      ({ transactions } = kv);
      return DELIVERED;
    };
    leave(1_000);
    await world.pass(MINUTE);
    expect(world.got).toHaveLength(2);
    expect(kv.transactions).toBe(transactions);
    leave(1_000);
    await world.pass(2 * MINUTE);
    expect(world.got).toHaveLength(2);
    expect(world.listed()).toEqual([]);
  });

  test('it ends by itself once there is room, by steps', async () => {
    leave(99);
    leave(112);
    expect(memory.ledger.info().disk.level).toBe('FULL');
    leave(113);
    expect(memory.ledger.info().disk.level).toBe('LOW');
    expect(disk.reserved).toBe(true);
    await memory.must(commit(holds[0]!, '4'));
    expect(await memory.verdict(spend('a', '1'))).toBe('DISK_LOW');
    leave(450);
    await memory.must(spend('a', '1'));
  });
});

test('a sidecar that starts on a full disk has its default pool when there is room', async () => {
  const full = new FakeDisk();
  full.left = 0;
  const started = await MemoryLedger.open({ disk: full, diskSoftBytes: 400, diskHardBytes: 100 });
  expect(started.ledger.info().disk.level).toBe('FULL');
  expect(started.ledger.pool('default')).toBeDefined();
});
