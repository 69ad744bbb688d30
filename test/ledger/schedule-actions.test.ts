/** What schedules do when they run: each action, the order of one moment, and runs by hand. */
import { beforeEach, describe, expect, test } from 'vitest';
import { formatAmount } from '../../src/domain/amount.js';
import type { Schedule, ScheduleRun } from '../../src/domain/schedule.js';
import { adjustBudget, createAgent, createPool, setBudget, spend } from '../fakes/commands.js';
import { numberKey } from '../../src/store/keys.js';
import { HOUR, ManualTime } from '../fakes/manual-time.js';
import { MemoryLedger, OPERATOR } from '../fakes/memory-ledger.js';
import {
  allocatesDynamic,
  createSchedule,
  fundsPool,
  rebalances,
  REVIEWS,
  runSchedule,
  setsBudget,
  updateSchedule,
} from '../fakes/schedules.js';
import { flipBit } from '../store/support/tampering.js';

const MONTHLY = '0 0 1 * *';

let memory: MemoryLedger;
beforeEach(async () => {
  memory = await MemoryLedger.open({}, new ManualTime(Date.UTC(2026, 0, 31, 12)));
  await memory.must(createPool('p', '1000'));
  await memory.must(createAgent('a', 'p', '100'));
});

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

describe('each action', () => {
  beforeEach(async () => {
    await memory.must(createAgent('b', 'p', '50', { priority: 9 }));
  });

  /** The run that comes an hour after the schedule was made. */
  async function oneRun(action: Parameters<typeof createSchedule>[2]): Promise<ScheduleRun> {
    await memory.must(createSchedule('s', HOUR, action));
    memory.time.pass(HOUR);
    await memory.turn();
    await memory.turn();
    expect(runsOf('s')).toHaveLength(1);
    expect(await memory.verify()).toMatchObject({ clean: true });
    return runsOf('s')[0]!;
  }

  test('SET_BUDGET sets each agent of a pool, and takes before it gives', async () => {
    await memory.must(setBudget('a', '950'));
    const run = await oneRun(setsBudget('pool p', '500', true));
    expect(run).toMatchObject({
      outcome: 'OK',
      summary: 'Set what remains of 2 agents of pool p to 500',
      agentsSet: 2,
      agentsFailed: 0,
      endTime: run.runTime,
    });
    expect([remaining('a'), remaining('b')]).toEqual(['500', '500']);
    expect(memory.ledger.agent('b')!.agent.baseline).toBe(500n * 10n ** 12n);
    expect([...memory.store.rows('schedule_marks', {})]).toEqual([]);
  });

  test('SET_BUDGET of a pool that cannot pay for all sets nobody', async () => {
    const run = await oneRun(setsBudget('pool p', '500.000001'));
    expect(run).toMatchObject({
      outcome: 'FAILED',
      reason: 'INSUFFICIENT_POOL_BUDGET',
      summary:
        'The pool cannot pay for all of its agents. Fund it ' +
        '(pool_id p, needed 1000.000002, shortfall 0.000002)',
      firstSequence: 0,
    });
    expect([remaining('a'), remaining('b')]).toEqual(['100', '50']);
  });

  test('SET_BUDGET sets agents that joined since, and frozen ones', async () => {
    await memory.must(createSchedule('s', HOUR, setsBudget('pool p', '7')));
    await memory.must(createAgent('new', 'p', '1'));
    await memory.must({
      method: 'FREEZE_AGENT',
      agentId: 'b',
      requestId: '',
      reason: '',
      expectedRevision: undefined,
    });
    memory.time.pass(HOUR);
    await memory.turn();
    expect(['a', 'b', 'new'].map(remaining)).toEqual(['7', '7', '7']);
  });

  test('FUND_POOL adds and takes', async () => {
    expect(await oneRun(fundsPool('p', '25'))).toMatchObject({ summary: 'Added 25 to pool p' });
    await memory.must(updateSchedule('s', { action: fundsPool('p', '-5') }));
    memory.time.pass(HOUR);
    await memory.turn();
    expect(runsOf('s')[0]).toMatchObject({ outcome: 'OK', summary: 'Took 5 from pool p' });
    expect(formatAmount(memory.ledger.pool('p')!.funded)).toBe('1020');
  });

  test('REBALANCE_POOL divides what the pool has', async () => {
    expect(await oneRun(rebalances('p'))).toMatchObject({
      outcome: 'OK',
      summary: 'Allocated 1000 to 2 agents of pool p',
    });
    expect([remaining('a'), remaining('b')]).toEqual(['357.142857', '642.857143']);
  });

  test('ALLOCATE_DYNAMIC gives by usage', async () => {
    await memory.must(spend('a', '40'));
    await memory.must(spend('a', '60'));
    expect(await oneRun(allocatesDynamic('p', '30'))).toMatchObject({ outcome: 'OK' });
    expect([remaining('a'), remaining('b')]).toEqual(['60', '30']);
  });

  test('a strategy that the pool cannot pay fails', async () => {
    expect(await oneRun(allocatesDynamic('p', '501'))).toMatchObject({
      outcome: 'FAILED',
      reason: 'INSUFFICIENT_POOL_BUDGET',
    });
  });

  test('REVIEW_BUDGETS orders a review, which is there right after', async () => {
    expect(await oneRun(REVIEWS)).toMatchObject({ outcome: 'OK', reason: '' });
    for (let turns = 0; turns < 20; turns += 1) await memory.turn();
    const { items } = memory.ledger.listReviews({ after: undefined, size: 10 });
    expect(items.map(({ trigger, principal }) => [trigger, principal])).toEqual([
      ['SCHEDULED', expect.stringMatching(/^schedule\//)],
    ]);
  });
});

describe('of one moment', () => {
  test('money comes first, then who gets it, the exception last, then what looks at the result', async () => {
    await memory.must(createAgent('vip', 'p', '0'));
    await memory.must(createSchedule('a-rebalance', HOUR, rebalances('p'), { enabled: false }));
    await memory.must(createSchedule('b-vip', HOUR, setsBudget('agent vip', '1500')));
    await memory.must(createSchedule('c-all', HOUR, setsBudget('pool p', '400')));
    await memory.must(createSchedule('d-fund', HOUR, fundsPool('p', '1000')));
    memory.time.pass(HOUR);
    await memory.turn();
    expect([remaining('a'), remaining('vip')]).toEqual(['400', '1500']);
    const first = (id: string) => runsOf(id)[0]!.firstSequence;
    expect(first('d-fund')).toBeLessThan(first('c-all'));
    expect(first('c-all')).toBeLessThan(first('b-vip'));
  });

  test('a strategy runs after the budgets were set, by itself', async () => {
    await memory.must(createSchedule('a', HOUR, rebalances('p')));
    await memory.must(createSchedule('b', HOUR, setsBudget('pool p', '10')));
    memory.time.pass(HOUR);
    await memory.turn();
    await memory.turn();
    expect(remaining('a')).toBe('1000');
    expect([outcomes('a'), outcomes('b')]).toEqual([['SCHEDULED OK'], ['SCHEDULED OK']]);
  });
});

describe('a run by hand', () => {
  beforeEach(async () => {
    await memory.must(
      createSchedule('s', MONTHLY, setsBudget('agent a', '300'), { enabled: false }),
    );
  });

  test('runs a paused schedule too, as the operator’s, and leaves its due time', async () => {
    await memory.must(updateSchedule('s', { enabled: true }));
    const { dueTime } = schedule('s');
    const outcome = await memory.must(
      runSchedule('s', { requestId: 'r-1', reason: 'now' }),
      OPERATOR,
    );
    expect(outcome).toMatchObject({ sequence: memory.head, replayed: false });
    expect(memory.store.entry(memory.head)?.entry).toMatchObject({
      kind: 'SET_BUDGET',
      principal: 'admin',
      reason: 'now',
      requestId: 'r-1',
      method: 'RUN_SCHEDULE',
    });
    expect(schedule('s')).toMatchObject({ dueTime, runCount: 1 });
    expect(memory.ledger.scheduleRun(outcome.object!.key)).toMatchObject({
      trigger: 'MANUAL',
      outcome: 'OK',
      dueTime: 0,
      firstSequence: memory.head,
    });
    expect(remaining('a')).toBe('300');
  });

  test('is repeated by its request_id as an answer, not as a run', async () => {
    const first = await memory.must(runSchedule('s', { requestId: 'r-1' }));
    await memory.must(adjustBudget('a', '-300'));
    const again = await memory.must(runSchedule('s', { requestId: 'r-1' }));
    expect(again).toMatchObject({ sequence: first.sequence, object: first.object, replayed: true });
    expect([remaining('a'), schedule('s').runCount]).toEqual(['0', 1]);
  });

  test('that fails is an answer that says so', async () => {
    await memory.must(createAgent('rich', 'p', '800'));
    const outcome = await memory.must(runSchedule('s'));
    expect(outcome.sequence).toBe(0);
    expect(outcomes('s')).toEqual(['MANUAL FAILED INSUFFICIENT_POOL_BUDGET']);
  });

  test('wants the revision that it was told', async () => {
    expect(await memory.verdict(runSchedule('s', { expectedRevision: 2 }))).toBe('REVISION_STALE');
    expect(await memory.verdict(runSchedule('none'))).toBe('SCHEDULE_NOT_FOUND');
  });
});

describe.each(['agent a', 'pool p'])('a damaged row that SET_BUDGET of %s needs', (subject) => {
  test('stops such schedules until the next start, and everybody else is served', async () => {
    const { uid } = (await memory.must(createAgent('c', 'default', '0'))).agent!;
    await memory.must(createSchedule('s', HOUR, setsBudget(subject, '7')));
    await memory.must(createSchedule('own', HOUR, REVIEWS));
    const { agent } = memory.ledger.agent('a')!;
    await memory.ledger.close();
    flipBit(memory.disk, 'agents', numberKey(agent.uid));
    const over = { agentCacheRows: 2 };
    memory = await MemoryLedger.open(over, memory.time.restart(), memory.disk);
    memory.time.pass(HOUR);
    for (let at = 0; at < 5; at += 1) {
      await memory.must(adjustBudget('c', '0.5'));
      await memory.turn();
    }
    expect(memory.ledger.agent('c')!.agent.uid).toBe(uid);
    expect(await memory.verdict(spend('c', '1'))).toBe('OK');
    expect(runsOf('s')).toEqual([]);
    expect(runsOf('own')).toHaveLength(1);
    await memory.ledger.close();
    expect(memory.failures).toEqual([expect.stringMatching(/^agents: .*SET_BUDGET/)]);
  });
});
