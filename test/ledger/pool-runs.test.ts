/** Recurring budgets of pools that are too large for one transaction. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AgentDocument, Command } from '../../src/domain/command.js';
import type { ScheduleRun } from '../../src/domain/schedule.js';
import { formatAmount } from '../../src/domain/amount.js';
import {
  adjustBudget,
  applyConfiguration,
  commit,
  createAgent,
  createPool,
  deleteAgent,
  moveAgent,
  rebalancePool,
  refund,
  reserve,
  setBudget,
  spend,
  transfer,
} from '../fakes/commands.js';
import { HOUR } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import {
  createSchedule,
  deleteSchedule,
  fundsPool,
  rebalances,
  runSchedule,
  setsBudget,
  updateSchedule,
} from '../fakes/schedules.js';
import { money, runs } from '../support/seed.js';

/** More than two groups of agents. */
const MANY = 2_100;

/** A ledger with a pool `p` of agents a0000 and on, which have the given money. */
async function largePool(budgets: readonly string[], funded = '1000000'): Promise<MemoryLedger> {
  const memory = await MemoryLedger.open({ agentCacheRows: 10_000 });
  await memory.must(createPool('p', funded));
  const agents = budgets.map((budget, at): AgentDocument => {
    return { id: idOf(at), poolId: 'p', initialBudget: money(budget) };
  });
  await memory.must(applyConfiguration({ agents }));
  return memory;
}

function idOf(at: number): string {
  return `a${String(at).padStart(4, '0')}`;
}

function each(count: number, budget: string): readonly string[] {
  return Array.from({ length: count }, () => budget);
}

function remaining(memory: MemoryLedger, id: string): string {
  const { allocated, spent, reserved } = memory.ledger.agent(id)!.agent;
  return formatAmount(allocated - spent - reserved);
}

/** How many agents of the pool have what. */
function census(memory: MemoryLedger, poolId = 'p'): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  let after: string | undefined;
  do {
    const page = memory.ledger.listAgents({ poolId, showClosed: false }, { after, size: 1_000 });
    if ('verdict' in page) throw new Error(page.reason);
    for (const { agent } of page.items) {
      const amount = formatAmount(agent.allocated - agent.spent - agent.reserved);
      counts[amount] = (counts[amount] ?? 0) + 1;
    }
    after = page.last;
  } while (after !== undefined);
  return counts;
}

function newestRun(memory: MemoryLedger, id = 's'): ScheduleRun {
  const page = memory.ledger.scheduleRuns(id, { after: undefined, size: 1 });
  if ('verdict' in page) throw new Error(page.reason);
  return page.items[0]!;
}

/** Lets groups go on until no run is in progress. */
async function ended(memory: MemoryLedger, id = 's'): Promise<ScheduleRun> {
  for (let turns = 0; turns < 100; turns += 1) {
    if (newestRun(memory, id).outcome !== 'RUNNING') return newestRun(memory, id);
    await memory.turn();
  }
  throw new Error('the run does not end');
}

/** How often the schedule set each agent. */
function timesSet(memory: MemoryLedger, id = 's'): ReadonlyMap<number, number> {
  const times = new Map<number, number>();
  for (const { entry } of memory.store.entries(0)) {
    const [account] = entry.accounts;
    if (entry.principal !== `schedule/${id}` || account === undefined) continue;
    times.set(account.uid, (times.get(account.uid) ?? 0) + 1);
  }
  return times;
}

describe('of 2,100 agents', () => {
  async function due(action = setsBudget('pool p', '100')): Promise<MemoryLedger> {
    const memory = await largePool(each(MANY, '1'));
    await memory.must(createSchedule('s', HOUR, action));
    memory.time.pass(HOUR);
    return memory;
  }

  test('each is set once, a thousand a group, and the run ends', async () => {
    const memory = await due();
    await memory.turn();
    expect(newestRun(memory)).toMatchObject({ outcome: 'RUNNING', agentsSet: 1_000, endTime: 0 });
    expect(await ended(memory)).toMatchObject({
      outcome: 'OK',
      agentsSet: MANY,
      agentsFailed: 0,
      summary: 'Set what remains of 2100 agents of pool p to 100',
    });
    expect(census(memory)).toEqual({ 100: MANY });
    const times = timesSet(memory);
    expect([times.size, new Set(times.values())]).toEqual([MANY, new Set([1])]);
    expect([...memory.store.rows('schedule_marks', {})]).toEqual([]);
    expect(await memory.verify()).toMatchObject({ clean: true });
  });

  test('the last one spends its new money first, and is not set again', async () => {
    const memory = await due();
    const last = idOf(MANY - 1);
    expect(await memory.verdict(spend(last, '40'))).toBe('OK');
    expect(newestRun(memory)).toMatchObject({ outcome: 'RUNNING', agentsSet: 1_001 });
    expect(await ended(memory)).toMatchObject({ outcome: 'OK', agentsSet: MANY });
    expect(census(memory)).toEqual({ 60: 1, 100: MANY - 1 });
  });

  const last = idOf(MANY - 1);
  const meanwhile: readonly (readonly [string, Command, Readonly<Record<string, number>>])[] = [
    ['is set by an operator', setBudget(last, '7'), { 7: 1, 100: MANY - 1 }],
    ['is adjusted', adjustBudget(last, '-30'), { 70: 1, 100: MANY - 1 }],
    [
      'gives to another',
      transfer(`agent ${last}`, `agent ${idOf(MANY - 2)}`, '30'),
      { 70: 1, 130: 1, 100: MANY - 2 },
    ],
    ['holds money', reserve(last, '30'), { 70: 1, 100: MANY - 1 }],
    ['is deleted', deleteAgent(last), { 100: MANY - 1 }],
    ['is made', createAgent('b', 'p', '5'), { 5: 1, 100: MANY }],
    [
      'is named in a document',
      applyConfiguration({ agents: [{ id: last, name: 'new' }] }),
      { 100: MANY },
    ],
    ['is rehearsed', spend(last, '90', { dryRun: true }), { 100: MANY }],
  ];

  test.each(meanwhile)(
    'one that %s meanwhile comes out as if all had been set',
    async (_name, command, expected) => {
      const memory = await due();
      await memory.must(command);
      expect(newestRun(memory).outcome).toBe('RUNNING');
      await ended(memory);
      expect(census(memory)).toEqual(expected);
      expect([...memory.store.rows('schedule_marks', {})]).toEqual([]);
      expect(await memory.verify()).toMatchObject({ clean: true });
    },
  );

  test('a hold is committed, and a spend refunded, on the new money', async () => {
    const memory = await largePool(each(MANY, '10'));
    const spent = await memory.must(spend(last, '4'));
    const held = await memory.must(reserve(idOf(MANY - 2), '4'));
    await memory.must(createSchedule('s', HOUR, setsBudget('pool p', '100')));
    await Promise.all([
      memory.must(runSchedule('s')),
      memory.must(refund(spent.sequence, undefined)),
      memory.must(commit(held.reservation!.id, '54')),
    ]);
    expect(newestRun(memory).outcome).toBe('RUNNING');
    await ended(memory);
    expect(remaining(memory, last)).toBe('104');
    // 4 of the 54 were held beside the 100.
    expect(remaining(memory, idOf(MANY - 2))).toBe('50');
  });

  test('one that moves away takes the new money along, and one that comes keeps its own', async () => {
    const memory = await largePool(each(MANY, '1'));
    await memory.must(createPool('q', '1000'));
    await memory.must(createAgent('z', 'q', '5'));
    await memory.must(createSchedule('s', HOUR, setsBudget('pool p', '100')));
    memory.time.pass(HOUR);
    await Promise.all([memory.must(moveAgent(last, 'q')), memory.must(moveAgent('z', 'p'))]);
    expect(newestRun(memory).outcome).toBe('RUNNING');
    await ended(memory);
    expect([remaining(memory, last), remaining(memory, 'z')]).toEqual(['100', '5']);
    expect(census(memory)).toEqual({ 5: 1, 100: MANY - 1 });
    expect([...memory.store.rows('schedule_marks', {})]).toEqual([]);
  });

  test('a strategy of an operator waits for nobody: the run is ended before it', async () => {
    const memory = await due();
    await memory.must(rebalancePool('p', '21000'));
    expect(newestRun(memory)).toMatchObject({ outcome: 'OK', agentsSet: MANY });
    expect(census(memory)).toEqual({ 10: MANY });
  });

  test('a strategy that is due waits for the end of the run', async () => {
    const memory = await largePool(each(MANY, '1'), '21000');
    await memory.must(createSchedule('s', HOUR, setsBudget('pool p', '2')));
    await memory.must(createSchedule('r', HOUR, rebalances('p')));
    memory.time.pass(HOUR);
    await memory.turn();
    await ended(memory);
    await memory.turn();
    await memory.turn();
    expect(newestRun(memory, 'r')).toMatchObject({ outcome: 'OK' });
    expect(newestRun(memory, 'r').firstSequence).toBeGreaterThan(newestRun(memory).firstSequence);
    expect(census(memory)).toEqual({ 10: MANY });
  });

  test('two schedules of one pool run one after the other, for each agent too', async () => {
    const memory = await largePool(each(MANY, '1'));
    await memory.must(createSchedule('s', HOUR, setsBudget('pool p', '100')));
    await memory.must(createSchedule('t', HOUR, setsBudget('pool p', '50')));
    memory.time.pass(HOUR);
    expect(await memory.verdict(spend(last, '60'))).toBe('INSUFFICIENT_BUDGET');
    expect(await memory.verdict(spend(last, '20'))).toBe('OK');
    expect(newestRun(memory, 't').outcome).toBe('RUNNING');
    await ended(memory, 's');
    await ended(memory, 't');
    expect(census(memory)).toEqual({ 30: 1, 50: MANY - 1 });
    expect([newestRun(memory, 's').agentsSet, newestRun(memory, 't').agentsSet]).toEqual([
      MANY,
      MANY,
    ]);
  });

  test('while it runs its action stays, it is not run again, but may be deleted', async () => {
    const memory = await due();
    const answers = await Promise.all([
      memory.verdict(runSchedule('s')),
      memory.verdict(updateSchedule('s', { action: setsBudget('pool p', '5') })),
      memory.verdict(updateSchedule('s', { enabled: false })),
    ]);
    expect(answers).toEqual(['SERVER_BUSY', 'SERVER_BUSY', 'OK']);
    await ended(memory);
    expect(census(memory)).toEqual({ 100: MANY });
    await memory.must(runSchedule('s'));
    await memory.must(deleteSchedule('s'));
    expect([...memory.store.rows('schedule_marks', {})]).toEqual([]);
    expect([...memory.store.rows('schedule_runs', {})]).toEqual([]);
  });

  test('by hand it begins in the call and goes on by itself', async () => {
    const memory = await largePool(each(MANY, '1'));
    await memory.must(createSchedule('s', HOUR, setsBudget('pool p', '100')));
    const outcome = await memory.must(runSchedule('s'));
    expect(memory.ledger.scheduleRun(outcome.object!.key)).toMatchObject({ outcome: 'RUNNING' });
    expect(await ended(memory)).toMatchObject({
      outcome: 'OK',
      trigger: 'MANUAL',
      agentsSet: MANY,
    });
    expect(census(memory)).toEqual({ 100: MANY });
  });

  test('a crash in the middle loses nothing and repeats nothing', async () => {
    const before = await due();
    await before.must(spend(last, '40'));
    expect(newestRun(before).outcome).toBe('RUNNING');
    const memory = await before.crash();
    expect(newestRun(memory).outcome).toBe('RUNNING');
    await memory.turn();
    await ended(memory);
    expect(census(memory)).toEqual({ 60: 1, 100: MANY - 1 });
    expect(new Set(timesSet(memory).values())).toEqual(new Set([1]));
    expect(await memory.verify()).toMatchObject({ clean: true });
  });
});

test('money that is still with others is taken from them before one goes without', async () => {
  // 1,500 have a step too much, the last has the rest, the first has nothing, and nothing is free.
  const budgets = ['0', ...each(1_500, '10.000001'), '20'];
  const memory = await largePool(
    budgets.map((budget) => (budget === '0' ? '1' : budget)),
    '15036.0015',
  );
  await memory.must(adjustBudget('a0000', '-1'));
  await memory.must(fundsNothingFree(memory));
  await memory.must(createSchedule('s', HOUR, setsBudget('pool p', '10')));
  memory.time.pass(HOUR);
  expect(await memory.verdict(spend('a0000', '10'))).toBe('OK');
  expect(await ended(memory)).toMatchObject({ outcome: 'OK', agentsSet: 1_502, agentsFailed: 0 });
  expect(census(memory)).toEqual({ 0: 1, 10: 1_501 });
  expect(new Set(timesSet(memory).values())).toEqual(new Set([1]));
});

/** Takes away what the pool has free. */
function fundsNothingFree(memory: MemoryLedger): Command {
  const { unallocated } = memory.ledger.pool('p')!;
  return {
    method: 'FUND_POOL',
    requestId: '',
    reason: '',
    poolId: 'p',
    delta: -unallocated,
    validateOnly: false,
    expectedRevision: undefined,
  };
}

test('money that an operator takes away meanwhile is missing at the end, and the run says so', async () => {
  const memory = await largePool(each(2_500, '1'), '250000');
  await memory.must(createSchedule('s', HOUR, setsBudget('pool p', '100')));
  memory.time.pass(HOUR);
  await memory.must({ ...fundsNothingFree(memory), delta: -money('100000') } as Command);
  const run = await ended(memory);
  expect(run).toMatchObject({ outcome: 'FAILED', reason: 'INSUFFICIENT_POOL_BUDGET' });
  expect(run.agentsSet + run.agentsFailed).toBe(2_500);
  expect(run.summary).toBe(
    `Set what remains of ${run.agentsSet} agents of pool p to 100, ${run.agentsFailed} could not be set`,
  );
  expect(census(memory)).toEqual({ 100: run.agentsSet, 1: run.agentsFailed });
  expect(await memory.verify()).toMatchObject({ clean: true });
});

test('many schedules of one moment do not set more than a thousand agents of pools a group', async () => {
  const memory = await MemoryLedger.open({ agentCacheRows: 10_000 });
  for (const pool of ['p', 'q', 'r']) {
    await memory.must(createPool(pool, '100000'));
    const agents = Array.from({ length: 600 }, (_, at): AgentDocument => {
      return { id: `${pool}${at}`, poolId: pool, initialBudget: money('1') };
    });
    await memory.must(applyConfiguration({ agents }));
    await memory.must(createSchedule(pool, HOUR, setsBudget(`pool ${pool}`, '9')));
    await memory.must(createSchedule(`fund-${pool}`, HOUR, fundsPool(pool, '1')));
  }
  memory.time.pass(HOUR);
  expect(await memory.verdict(spend('r599', '9'))).toBe('OK');
  const sets = ['p', 'q', 'r'].map((id) => newestRun(memory, id).agentsSet);
  expect(sets).toEqual([600, 400, 1]);
  for (const id of ['p', 'q', 'r']) await ended(memory, id);
  expect(census(memory, 'r')).toEqual({ 0: 1, 9: 599 });
});

test('whatever happens meanwhile, every agent comes out as if all had been set at once', async () => {
  const COUNT = 1_600;
  const operation = fc.record({
    at: fc.nat(COUNT - 1),
    kind: fc.constantFrom('spend', 'adjust', 'set'),
    amount: fc.integer({ min: 1, max: 30 }),
  });
  const check = fc.asyncProperty(
    fc.array(fc.array(operation, { maxLength: 12 }), { maxLength: 6 }),
    fc.constantFrom('0', '5', '50'),
    async (waves, before) => {
      const memory = await largePool(each(COUNT, before === '0' ? '1' : before));
      const expected = new Map<string, number>();
      await memory.must(createSchedule('s', HOUR, setsBudget('pool p', '20')));
      memory.time.pass(HOUR);
      for (const wave of waves) {
        const commands = wave.map(({ at, kind, amount }): Command => {
          const id = idOf(at);
          const had = expected.get(id) ?? 20;
          const covered = amount <= had;
          if (kind === 'set') expected.set(id, amount);
          else if (covered) expected.set(id, had - amount);
          if (kind === 'set') return setBudget(id, String(amount));
          return kind === 'spend' ? spend(id, String(amount)) : adjustBudget(id, String(-amount));
        });
        await Promise.all(commands.map((command) => memory.do(command)));
      }
      await memory.turn();
      await ended(memory);
      for (let at = 0; at < COUNT; at += 1) {
        const id = idOf(at);
        expect([id, remaining(memory, id)]).toEqual([id, String(expected.get(id) ?? 20)]);
      }
      expect([...timesSet(memory).values()].every((times) => times === 1)).toBe(true);
      await memory.ledger.close();
    },
  );
  await fc.assert(check, runs('runs of large pools', 6));
});
