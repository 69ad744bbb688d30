/** Recurring budgets and other schedules on the whole ledger, on clocks that move by hand. */
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { formatAmount } from '../../src/domain/amount.js';
import { hourOf } from '../../src/domain/usage.js';
import { usageKey } from '../../src/store/keys.js';
import type { Schedule, ScheduleRun } from '../../src/domain/schedule.js';
import {
  createAgent,
  createPool,
  deleteAgent,
  poolState,
  setBudget,
  spend,
} from '../fakes/commands.js';
import { DAY, HOUR, ManualTime, MINUTE, SECOND } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import {
  createSchedule,
  deleteSchedule,
  fundsPool,
  rebalances,
  setsBudget,
  updateSchedule,
} from '../fakes/schedules.js';

const MONTHLY = '0 0 1 * *';
const FEBRUARY = Date.UTC(2026, 1, 1);

let memory: MemoryLedger;
beforeEach(async () => {
  memory = await MemoryLedger.open({}, new ManualTime(Date.UTC(2026, 0, 31, 12)));
  await memory.must(createPool('p', '1000'));
  await memory.must(createAgent('a', 'p', '100'));
});

/** Time passes until a moment. */
function until(time: number): void {
  memory.time.pass(time - memory.time.wall());
}

function remaining(id: string): string {
  const { allocated, spent, reserved } = memory.ledger.agent(id)!.agent;
  return formatAmount(allocated - spent - reserved);
}

function schedule(id: string): Schedule {
  const found = memory.ledger.schedule(id);
  if (found === undefined) throw new Error(`no schedule ${id}`);
  return found;
}

function runsOf(id: string): readonly ScheduleRun[] {
  const page = memory.ledger.scheduleRuns(id, { after: undefined, size: 1_000 });
  if ('verdict' in page) throw new Error(page.reason);
  return page.items;
}

/** Newest first, such as `CAUGHT_UP OK`. */
function outcomes(id: string): readonly string[] {
  return runsOf(id).map(({ trigger, outcome, reason }) => `${trigger} ${outcome} ${reason}`.trim());
}

describe('a recurring budget', () => {
  beforeEach(async () => {
    const action = setsBudget('agent a', '100', true);
    await memory.must(createSchedule('monthly', MONTHLY, action, { runReason: 'new month' }));
    await memory.must(spend('a', '90'));
  });

  test('is not there a millisecond before the month, and is there with it', async () => {
    until(FEBRUARY - 1);
    expect(await memory.verdict(spend('a', '50'))).toBe('INSUFFICIENT_BUDGET');
    until(FEBRUARY);
    expect(await memory.verdict(spend('a', '100'))).toBe('OK');
    expect(await memory.verdict(spend('a', '1'))).toBe('INSUFFICIENT_BUDGET');
    expect(schedule('monthly').dueTime).toBe(Date.UTC(2026, 2, 1));
  });

  test('judges a rehearsal too', async () => {
    until(FEBRUARY);
    expect(await memory.verdict(spend('a', '100', { dryRun: true }))).toBe('OK');
    expect(remaining('a')).toBe('100');
  });

  test('is written in the ledger as the schedule’s, in the transaction of the first spend', async () => {
    until(FEBRUARY);
    const head = memory.head;
    await memory.must(spend('a', '1'));
    expect(memory.store.entry(head + 1)?.entry).toMatchObject({
      kind: 'SET_BUDGET',
      principal: 'schedule/monthly',
      reason: 'new month',
      requestId: '',
      method: undefined,
      time: FEBRUARY,
    });
    expect(memory.head).toBe(head + 2);
    expect(runsOf('monthly')).toEqual([
      {
        number: 1,
        dueTime: FEBRUARY,
        runTime: FEBRUARY,
        endTime: FEBRUARY,
        trigger: 'SCHEDULED',
        outcome: 'OK',
        reason: '',
        summary: 'Set what remains of agent a to 100',
        firstSequence: head + 1,
        agentsSet: 0,
        agentsFailed: 0,
      },
    ]);
    expect(await memory.verify()).toMatchObject({ clean: true });
  });

  test('comes when nobody spends: a group without commands runs it', async () => {
    until(FEBRUARY + 500);
    await memory.turn();
    expect(remaining('a')).toBe('100');
  });

  test('that finds the money there already is a run that wrote nothing', async () => {
    await memory.must(setBudget('a', '100', { resetBaseline: true }));
    until(FEBRUARY);
    const head = memory.head;
    await memory.turn();
    expect(memory.head).toBe(head);
    expect(runsOf('monthly')).toMatchObject([{ outcome: 'OK', firstSequence: 0 }]);
  });

  test('that the pool cannot pay fails, keeps the old money, and is tried again next month', async () => {
    await memory.must(createAgent('rich', 'p', '900'));
    until(FEBRUARY);
    expect(await memory.verdict(spend('a', '50'))).toBe('INSUFFICIENT_BUDGET');
    expect(runsOf('monthly')).toMatchObject([
      {
        outcome: 'FAILED',
        reason: 'INSUFFICIENT_POOL_BUDGET',
        summary:
          'The free money of the pool does not cover it. Fund the pool or take less ' +
          '(pool_id p, free 0, needed 90, shortfall 90)',
        firstSequence: 0,
      },
    ]);
    await memory.must(deleteAgent('rich'));
    expect(await memory.verdict(spend('a', '50'))).toBe('INSUFFICIENT_BUDGET');
    until(Date.UTC(2026, 2, 1));
    expect(await memory.verdict(spend('a', '50'))).toBe('OK');
    expect(outcomes('monthly')).toEqual([
      'SCHEDULED OK',
      'SCHEDULED FAILED INSUFFICIENT_POOL_BUDGET',
    ]);
  });

  test('ends with its agent, and a new agent of that name is not its', async () => {
    await memory.must(deleteAgent('a'));
    expect(memory.ledger.schedule('monthly')).toBeUndefined();
    await memory.must(createAgent('a', 'p', '5'));
    until(FEBRUARY);
    await memory.turn();
    expect(remaining('a')).toBe('5');
    expect([...memory.store.rows('schedule_runs', {})]).toEqual([]);
  });

  test('paused is never due, and what passed in the meantime is not made up for', async () => {
    await memory.must(updateSchedule('monthly', { enabled: false }));
    expect(schedule('monthly').dueTime).toBe(0);
    until(FEBRUARY + HOUR);
    await memory.turn();
    await memory.must(updateSchedule('monthly', { enabled: true }));
    expect(remaining('a')).toBe('10');
    expect(schedule('monthly').dueTime).toBe(Date.UTC(2026, 2, 1));
    expect(runsOf('monthly')).toEqual([]);
  });

  test('that is deleted in time does not come', async () => {
    await memory.must(deleteSchedule('monthly'));
    until(FEBRUARY);
    await memory.turn();
    expect(remaining('a')).toBe('10');
  });
});

describe('what was missed', () => {
  beforeEach(async () => {
    await memory.must(createSchedule('once', '0 * * * *', fundsPool('p', '1')));
    await memory.must(
      createSchedule('skip', '0 * * * *', fundsPool('p', '100'), { catchUp: 'SKIP' }),
    );
  });

  function funded(): string {
    return formatAmount(memory.ledger.pool('p')!.funded);
  }

  test.each([
    ['a stop', () => memory.restart()],
    ['a crash', () => memory.crash()],
  ])('during %s is made up for once, or left out', async (_name, again) => {
    memory.time.pass(5 * HOUR + 30 * MINUTE);
    memory = await again();
    expect(await memory.verdict(spend('a', '1'))).toBe('OK');
    expect(funded()).toBe('1001');
    expect(runsOf('once')).toMatchObject([
      { trigger: 'CAUGHT_UP', outcome: 'OK', dueTime: Date.UTC(2026, 0, 31, 13) },
    ]);
    expect(runsOf('skip')).toMatchObject([
      { trigger: 'SCHEDULED', outcome: 'SKIPPED', dueTime: Date.UTC(2026, 0, 31, 13) },
    ]);
    memory.time.pass(30 * MINUTE);
    await memory.turn();
    expect(funded()).toBe('1102');
    expect(outcomes('once')).toEqual(['SCHEDULED OK', 'CAUGHT_UP OK']);
    expect(outcomes('skip')).toEqual(['SCHEDULED OK', 'SCHEDULED SKIPPED']);
  });

  test('a start within a minute of the due time missed nothing', async () => {
    until(Date.UTC(2026, 0, 31, 13) - SECOND);
    await memory.turn();
    memory.time.pass(61 * SECOND);
    memory = await memory.restart();
    await memory.turn();
    expect(outcomes('skip')).toEqual(['SCHEDULED OK']);
    expect(outcomes('once')).toEqual(['SCHEDULED OK']);
  });

  test('of several due times the one that is not late runs after the others are left out', async () => {
    memory.time.pass(5 * HOUR + 20 * SECOND);
    memory = await memory.crash();
    await memory.turn();
    expect(outcomes('skip')).toEqual(['SCHEDULED OK', 'SCHEDULED SKIPPED']);
    expect(runsOf('skip')[0]!.dueTime).toBe(Date.UTC(2026, 0, 31, 17));
    expect(outcomes('once')).toEqual(['CAUGHT_UP OK']);
    expect(schedule('once').dueTime).toBe(Date.UTC(2026, 0, 31, 18));
  });

  test('a clock set ahead counts once it is followed, and then once', async () => {
    await memory.turn();
    memory.time.jump(3 * DAY);
    await memory.turn();
    expect([outcomes('once'), outcomes('skip')]).toEqual([[], []]);
    memory.time.pass(5 * MINUTE);
    await memory.turn();
    await memory.turn();
    expect(outcomes('once')).toEqual(['CAUGHT_UP OK']);
    expect(outcomes('skip')).toEqual(['SCHEDULED SKIPPED']);
    expect(schedule('once').dueTime).toBeGreaterThan(memory.ledger.now());
  });

  test('a clock set back repeats nothing', async () => {
    memory.time.pass(HOUR);
    await memory.turn();
    memory.time.jump(-2 * HOUR);
    memory.time.pass(MINUTE);
    await memory.turn();
    expect(outcomes('once')).toEqual(['SCHEDULED OK']);
  });
});

describe('a crash', () => {
  test('before the transaction is durable loses the run wholly, and it happens once after it', async () => {
    await memory.must(createSchedule('hourly', '0 * * * *', fundsPool('p', '10')));
    memory.time.pass(HOUR);
    memory.kv.hold();
    void memory.do(spend('a', '1'));
    memory = await memory.crash();
    expect(runsOf('hourly')).toEqual([]);
    await memory.turn();
    await memory.turn();
    expect(formatAmount(memory.ledger.pool('p')!.funded)).toBe('1010');
    expect(outcomes('hourly')).toEqual(['SCHEDULED OK']);
  });

  test('after it is durable does not repeat the run', async () => {
    await memory.must(createSchedule('hourly', '0 * * * *', fundsPool('p', '10')));
    memory.time.pass(HOUR);
    await memory.turn();
    memory = await memory.crash();
    await memory.turn();
    expect(formatAmount(memory.ledger.pool('p')!.funded)).toBe('1010');
    expect(outcomes('hourly')).toEqual(['SCHEDULED OK']);
  });
});

test('of its runs a schedule keeps the last hundred, which are listed in pages', async () => {
  await memory.must(createSchedule('s', MINUTE, fundsPool('p', '1')));
  for (let count = 0; count < 103; count += 1) {
    memory.time.pass(MINUTE);
    await memory.turn();
  }
  expect(runsOf('s').map(({ number }) => number)).toEqual(
    Array.from({ length: 100 }, (_, at) => 103 - at),
  );
  const page = memory.ledger.scheduleRuns('s', { after: '99', size: 2 });
  expect(page).toMatchObject({ items: [{ number: 98 }, { number: 97 }], last: '97' });
  expect(schedule('s')).toMatchObject({ runCount: 103 });
});

test('the schedules of a pool end with it', async () => {
  await memory.must(createPool('q', '0'));
  await memory.must(createSchedule('fund', MINUTE, fundsPool('q', '1')));
  await memory.must(createSchedule('set', MINUTE, setsBudget('pool q', '1')));
  await memory.must(createSchedule('other', MINUTE, fundsPool('p', '1')));
  await memory.must(poolState('DELETE_POOL', 'q'));
  const page = memory.ledger.listSchedules({ after: undefined, size: 10 });
  expect(page.items.map(({ id }) => id)).toEqual(['other']);
  expect(await memory.verify()).toMatchObject({ clean: true });
});

describe('by itself', () => {
  test('the sidecar runs what is due, of every kind, when nobody asks for anything', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const alone = await MemoryLedger.open();
    await alone.must(createPool('p', '1000'));
    await alone.must(createSchedule('fund', HOUR, fundsPool('p', '5')));
    await alone.must(createSchedule('rebalance', HOUR, rebalances('p')));
    alone.time.pass(HOUR - 1);
    vi.advanceTimersByTime(1_000);
    await alone.ledger.verify();
    expect(alone.ledger.schedule('fund')!.runCount).toBe(0);
    alone.time.pass(1);
    vi.advanceTimersByTime(1_000);
    await vi.waitFor(() => {
      const counts = ['fund', 'rebalance'].map((id) => alone.ledger.schedule(id)!.runCount);
      expect(counts).toEqual([1, 1]);
    });
    await alone.ledger.close();
  });

  test('a strategy that fails by a fault is recorded, and takes nobody else along', async () => {
    await memory.must(createAgent('b', 'p', '100'));
    await memory.must(spend('a', '1'));
    await memory.must(createSchedule('s', HOUR, rebalances('p')));
    await memory.must(createSchedule('t', HOUR, rebalances('p', ['b'])));
    const key = usageKey('MINUTE', hourOf(memory.time.wall()), memory.ledger.agent('a')!.agent.uid);
    await memory.kv.transact([{ table: 'usage', key, value: Buffer.from('damaged') }]);
    memory.store.refreshReads();
    memory.time.pass(HOUR);
    for (let turns = 0; turns < 5; turns += 1) await memory.must(spend('b', '1'));
    expect(memory.failures).toEqual([]);
    expect(runsOf('s')).toMatchObject([
      { outcome: 'FAILED', reason: 'INTERNAL', summary: 'The sidecar failed' },
    ]);
    expect(outcomes('t')).toEqual(['SCHEDULED OK']);
  });
});
