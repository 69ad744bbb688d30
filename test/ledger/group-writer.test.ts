import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Rejection } from '../../src/domain/answer.js';
import { startClock } from '../../src/ledger/clock.js';
import { startGroupWriter, type GroupWriter } from '../../src/ledger/group-writer.js';
import { judge, type Judging } from '../../src/ledger/judge.js';
import { makeRows } from '../../src/ledger/rows.js';
import type { Store } from '../../src/ledger/store.js';
import { claim } from '../../src/store/owner.js';
import { createPool } from '../fakes/commands.js';
import { DAY, ManualTime, MINUTE, T0 } from '../fakes/manual-time.js';
import { MemoryDisk, type MemoryKeyValueStore } from '../fakes/memory-kv.js';
import { openMemoryStore, OPERATOR, UNCUT } from '../fakes/memory-ledger.js';
import { POLICY } from '../fakes/world.js';

let kv: MemoryKeyValueStore;
let store: Store;
let failures: unknown[];
beforeEach(async () => {
  ({ kv, store } = await openMemoryStore(new MemoryDisk(), T0));
  failures = [];
});

async function start(bounds: { queueMax?: number; groupMax?: number } = {}): Promise<GroupWriter> {
  kv.transactions = 0;
  let ids = 0;
  return startGroupWriter({
    store,
    rows: makeRows({ agentRows: 100, reservationRows: 100 }, store),
    clock: startClock(new ManualTime(), { jumpMaxMs: MINUTE, settleMs: MINUTE }, T0),
    policy: POLICY,
    purge: {
      ...UNCUT,
      idempotencyTtlMs: MINUTE,
      violationsRetentionMs: DAY,
      violationsMax: 1_000,
    },
    newId: () => {
      ids += 1;
      return `id-${ids}`;
    },
    queueMax: 100,
    groupMax: 100,
    ...bounds,
    onDurable: () => undefined,
    onReview: () => undefined,
    onDamage: (message) => failures.push(message),
    onStorageFailed: (error) => failures.push(error),
  });
}

/** Another process claims the store. */
async function takeOver(): Promise<void> {
  const { guard, write } = claim(kv, '0000beef');
  expect(await kv.transact([write], guard)).toBe(true);
}

interface Submission {
  /** How often it was decided. */
  runs: number;
  /** What became of it. */
  outcome: 'waiting' | 'done' | 'failed' | Rejection['reason'];
  /** How long it should wait, where it was refused. */
  retryAfterMs: number | undefined;
  readonly settled: Promise<void>;
}

/** Submits a task that makes a pool, or does something else instead. */
function submit(
  writer: GroupWriter,
  poolId: string,
  instead?: (judging: Judging) => void,
  over: { readonly abandoned?: boolean; readonly weight?: number } = {},
): Submission {
  let settle: () => void = () => undefined;
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const submission: Submission = { runs: 0, outcome: 'waiting', retryAfterMs: undefined, settled };
  const end = (outcome: Submission['outcome']) => {
    submission.outcome = outcome;
    settle();
  };
  writer.submit({
    weight: over.weight ?? 1,
    abandoned: () => over.abandoned ?? false,
    run: (judging) => {
      submission.runs += 1;
      if (instead !== undefined) instead(judging);
      else judge(judging, createPool(poolId, '1'), OPERATOR);
    },
    done: () => end('done'),
    failed: () => end('failed'),
    refused: ({ reason, retryAfterMs }) => {
      submission.retryAfterMs = retryAfterMs;
      end(reason);
    },
  });
  return submission;
}

function outcomes(submissions: readonly Submission[]): readonly string[] {
  return submissions.map(({ outcome }) => outcome);
}

async function settled(submissions: readonly Submission[]): Promise<void> {
  await Promise.all(submissions.map((submission) => submission.settled));
}

function boom(): never {
  throw new Error('boom');
}

describe('a group', () => {
  test('is everything that was asked at once, in one transaction', async () => {
    const writer = await start();
    const all = ['a', 'b', 'c'].map((id) => submit(writer, id));
    await settled(all);
    expect(outcomes(all)).toEqual(['done', 'done', 'done']);
    expect(kv.transactions).toBe(1);
    expect(store.header().headSequence).toBe(3);
  });

  test('is no larger than it may be; the others follow in the next', async () => {
    const writer = await start({ groupMax: 2 });
    const all = ['a', 'b', 'c', 'd', 'e'].map((id) => submit(writer, id));
    await settled(all);
    expect(outcomes(all)).toEqual(Array.from({ length: 5 }, () => 'done'));
    expect(kv.transactions).toBe(3);
    expect(store.header().headSequence).toBe(5);
  });

  test('counts a batch by its items, and takes one that is too large by itself', async () => {
    const writer = await start({ groupMax: 10 });
    const weights = [6, 4, 1, 50, 1];
    const all = weights.map((weight, at) => submit(writer, `p${at}`, undefined, { weight }));
    await settled(all);
    expect(new Set(outcomes(all))).toEqual(new Set(['done']));
    expect(kv.transactions).toBe(4);
  });

  test('is answered when it is durable, not before', async () => {
    const writer = await start();
    kv.hold();
    const one = submit(writer, 'a');
    for (let turns = 0; turns < 5; turns += 1) await nextTurn();
    expect([one.runs, one.outcome]).toEqual([1, 'waiting']);
    expect(store.header().headSequence).toBe(0);
    kv.flush();
    await one.settled;
    expect(one.outcome).toBe('done');
    expect(store.header().headSequence).toBe(1);
  });

  test('leaves out who does not wait any more', async () => {
    const writer = await start();
    const all = [submit(writer, 'a'), submit(writer, 'b', undefined, { abandoned: true })];
    await settled(all);
    expect(all.map(({ runs }) => runs)).toEqual([1, 0]);
    expect(store.header().headSequence).toBe(1);
  });
});

describe('groups under way', () => {
  /** Long enough for everything that needs no disk. */
  async function turns(): Promise<void> {
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  }

  test('are two: one is decided while the other is written, and a third waits', async () => {
    const writer = await start();
    kv.hold();
    const first = submit(writer, 'a');
    await turns();
    const second = submit(writer, 'b');
    await turns();
    const third = submit(writer, 'c');
    await turns();
    expect([first.runs, second.runs, third.runs]).toEqual([1, 1, 0]);
    expect(outcomes([first, second, third])).toEqual(['waiting', 'waiting', 'waiting']);
    kv.flush();
    await settled([first, second, third]);
    expect(store.header().headSequence).toBe(3);
    expect([...store.entries(0)].map(({ entry }) => entry.sequence)).toEqual([1, 2, 3]);
  });

  test('are seen by what is decided after them, answers of repeated requests too', async () => {
    const writer = await start();
    kv.hold();
    const first = submit(writer, 'a');
    await turns();
    const found: unknown[] = [];
    const second = submit(writer, 'a', (judging) => {
      found.push(judging.workspace.poolById('a')?.id);
      const again = judge(judging, { ...createPool('a', '1'), requestId: 'create a' }, OPERATOR);
      found.push(again.verdict === 'REJECTED' ? again.reason : again.replayed);
    });
    await turns();
    expect(found).toEqual(['a', 'POOL_ALREADY_EXISTS']);
    expect(second.outcome).toBe('waiting');
    kv.flush();
    await settled([first, second]);
  });

  test('hold up who reads what no cache knows, and nobody is decided twice for good', async () => {
    const writer = await start();
    kv.hold();
    const first = submit(writer, 'a');
    await turns();
    let seen: readonly string[] | undefined;
    const range = submit(writer, 'b', (judging) => {
      judge(judging, createPool('b', '1'), OPERATOR);
      seen = [...judging.workspace.livingPools()].map(({ id }) => id);
    });
    const other = submit(writer, 'c');
    await turns();
    expect([range.runs, seen, other.outcome]).toEqual([1, undefined, 'waiting']);
    kv.flush();
    await settled([first, range, other]);
    expect([range.runs, seen]).toEqual([2, ['a', 'b']]);
    expect([...store.pools()].map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(store.header().headSequence).toBe(3);
  });

  test('are answered in their order, also one that had nothing to write', async () => {
    const writer = await start();
    kv.hold();
    const first = submit(writer, 'a');
    await turns();
    const idle = submit(writer, '', () => undefined);
    await turns();
    expect([idle.runs, idle.outcome]).toEqual([1, 'waiting']);
    kv.flush();
    await settled([first, idle]);
    expect(kv.transactions).toBe(1);
  });

  test('that rest on one whose writing failed are not written', async () => {
    const writer = await start();
    kv.hold();
    const first = submit(writer, 'a');
    await turns();
    const second = submit(writer, 'b');
    await turns();
    expect([first.runs, second.runs]).toEqual([1, 1]);
    kv.fail(new Error('EIO'), 1);
    kv.flush();
    await settled([first, second]);
    expect(outcomes([first, second])).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
    store.refreshReads();
    expect(store.header().headSequence).toBe(0);
    expect(failures).toHaveLength(1);
  });
});

describe('a task that throws', () => {
  test('fails alone; the others of its group succeed exactly once', async () => {
    const writer = await start();
    const all = [submit(writer, 'a'), submit(writer, 'bad', boom), submit(writer, 'c')];
    await settled(all);
    expect(outcomes(all)).toEqual(['done', 'failed', 'done']);
    expect(store.header().headSequence).toBe(2);
    expect([...store.pools()].map(({ id }) => id)).toEqual(['a', 'c']);
    expect(failures).toEqual([]);
  });

  test('by itself fails, and the writer goes on', async () => {
    const writer = await start();
    const bad = submit(writer, 'bad', boom);
    await bad.settled;
    const next = submit(writer, 'a');
    await next.settled;
    expect(outcomes([bad, next])).toEqual(['failed', 'done']);
  });

  test('after it had put something on the workspace leaves nothing of it', async () => {
    const writer = await start();
    const half = submit(writer, 'half', (judging) => {
      judge(judging, createPool('half', '1'), OPERATOR);
      boom();
    });
    const other = submit(writer, 'a');
    await settled([half, other]);
    expect([...store.pools()].map(({ id }) => id)).toEqual(['a']);
    expect(writer.header().headSequence).toBe(1);
  });

  test('does not harm those who came while its group was undone', async () => {
    const writer = await start();
    const first = [submit(writer, 'a'), submit(writer, 'bad', boom)];
    await nextTurn();
    const later = ['b', 'c'].map((id) => submit(writer, id));
    await settled([...first, ...later]);
    expect(outcomes([...first, ...later])).toEqual(['done', 'failed', 'done', 'done']);
    expect(store.header().headSequence).toBe(3);
    expect(store.header().headHash).toEqual([...store.entries(0)].at(-1)?.hash);
  });
});

describe('a writer', () => {
  test('takes as many as may wait, and tells the others when to come back', async () => {
    const writer = await start({ queueMax: 2 });
    const all = ['a', 'b', 'c'].map((id) => submit(writer, id));
    await settled(all);
    expect(outcomes(all)).toEqual(['done', 'done', 'SERVER_BUSY']);
    expect(all[2]?.retryAfterMs).toBe(100);
    const next = submit(writer, 'c');
    await next.settled;
    expect(next.outcome).toBe('done');
  });

  test('lets a batch wait that is larger than the queue when nobody else does', async () => {
    const writer = await start({ queueMax: 2 });
    const large = submit(writer, 'a', undefined, { weight: 50 });
    const next = submit(writer, 'b');
    await settled([large, next]);
    expect(outcomes([large, next])).toEqual(['done', 'SERVER_BUSY']);
    expect(next.retryAfterMs).toBe(100);
  });

  test('that stops answers what it took and refuses the rest', async () => {
    const writer = await start();
    const taken = submit(writer, 'a');
    const drained = writer.drain();
    const late = submit(writer, 'b');
    await drained;
    expect(outcomes([taken, late])).toEqual(['done', 'SHUTTING_DOWN']);
    await writer.drain();
  });

  test('whose storage fails acknowledges nothing, says so once, and takes no more', async () => {
    const writer = await start();
    kv.fail(new Error('EIO'));
    const all = [submit(writer, 'a'), submit(writer, 'b')];
    await settled(all);
    const later = submit(writer, 'c');
    await later.settled;
    const refused = Array.from({ length: 3 }, () => 'STORE_UNAVAILABLE');
    expect(outcomes([...all, later])).toEqual(refused);
    expect(failures).toEqual([new Error('EIO')]);
    expect(store.header().headSequence).toBe(0);
    await writer.drain();
  });

  test.each([1, 2])('that lost its store to another process leaves (%i tasks)', async (tasks) => {
    const writer = await start();
    await takeOver();
    const all = Array.from({ length: tasks }, (_, at) => submit(writer, `p${at}`));
    await settled(all);
    expect(new Set(outcomes(all))).toEqual(new Set(['STORE_UNAVAILABLE']));
    expect(failures).toHaveLength(1);
    store.refreshReads();
    expect(store.header().headSequence).toBe(0);
  });
});
