/** How agents, pools and the whole store use money, read while time goes on. */
import { beforeEach, describe, expect, test } from 'vitest';
import { formatAmount } from '../../src/domain/amount.js';
import type { Rejection } from '../../src/domain/answer.js';
import type { Page, PageRequest } from '../../src/ledger/api.js';
import type { AgentMetricsView, PoolMetricsView } from '../../src/ledger/metrics-views.js';
import * as records from '../../src/gen/safeguards/store/v1/records_pb.js';
import { HEADER_KEY } from '../../src/store/record-reader.js';
import {
  agentState,
  commit,
  createAgent,
  createPool,
  deleteAgent,
  moveAgent,
  poolState,
  refund,
  reserve,
  setBudget,
  spend,
} from '../fakes/commands.js';
import { DAY, HOUR, ManualTime, MINUTE, SECOND, T0 } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { forge } from '../store/support/tampering.js';

let memory: MemoryLedger;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  await memory.must(createPool('p', '1000'));
  await memory.must(createAgent('a', 'p', '100'));
});

function of<T extends object>(view: T | Rejection): T {
  if ('verdict' in view) throw new Error(view.reason);
  return view;
}

const agentNow = (id = 'a'): AgentMetricsView => of(memory.ledger.agentMetrics(id));
const poolNow = (id = 'p'): PoolMetricsView => of(memory.ledger.poolMetrics(id));
const burnOf = (view: AgentMetricsView | PoolMetricsView): readonly string[] =>
  [view.burnLastHour, view.burnLastDay].map(formatAmount);

/** Moves the clock to a moment of the first day, or of a later one. */
function at(clock: string, day = 0): void {
  const [hours = 0, minutes = 0, seconds = 0] = clock.split(':').map(Number);
  const midnight = Math.floor(T0 / DAY) * DAY;
  const moment = midnight + day * DAY + hours * HOUR + minutes * MINUTE + seconds * SECOND;
  memory.time.pass(moment - memory.time.wall());
}

describe('the burn rate of an agent', () => {
  test('knows a spend of 10:59 at 11:01, and until a minute after an hour', async () => {
    at('10:59:30');
    await memory.must(spend('a', '6'));
    at('11:01');
    // Created at 8:00: the day's rate is over three hours and a minute.
    expect(burnOf(agentNow())).toEqual(['6', '1.98895']);
    at('11:59:59');
    expect(burnOf(agentNow())[0]).toBe('6');
    at('12:00');
    expect(burnOf(agentNow())[0]).toBe('0');
  });

  test('is the same whether its hour was folded or not', async () => {
    at('10:59');
    await memory.must(spend('a', '6'));
    at('11:00');
    await memory.must(spend('a', '3'));
    expect(burnOf(agentNow())).toEqual(['9', '3']);
    at('12:00');
    expect(burnOf(agentNow())[0]).toBe('3');
    await memory.must(spend('a', '1'));
    expect(burnOf(agentNow())).toEqual(['4', '2.5']);
  });

  test('of a day reaches over midnight, and over the end of a month', async () => {
    memory = await MemoryLedger.open({}, new ManualTime(Date.UTC(2026, 0, 31, 8)));
    await memory.must(createPool('p', '1000'));
    await memory.must(createAgent('a', 'p', '500'));
    for (const [hours, amount] of [
      [1, '24'],
      [14, '48'],
      [3, '72'],
      [6, '96'],
    ] as const) {
      memory.time.pass(hours * HOUR);
      await memory.must(spend('a', amount));
    }
    // It is 8:00 of the first of February, 24 hours after the creation.
    expect(burnOf(agentNow())).toEqual(['96', '10']);
    memory.time.pass(HOUR);
    expect(burnOf(agentNow())).toEqual(['96', '10']);
    memory.time.pass(MINUTE);
    expect(burnOf(agentNow())).toEqual(['0', '9']);
    memory = await memory.restart();
    expect(burnOf(agentNow())).toEqual(['0', '9']);
    memory.time.pass(DAY);
    expect(burnOf(agentNow())).toEqual(['0', '0']);
  });

  test('of a new agent is over an hour at least: one call is no hourly rate', async () => {
    await memory.must(spend('a', '5'));
    expect(burnOf(agentNow())).toEqual(['5', '5']);
    memory.time.pass(30 * MINUTE);
    expect(burnOf(agentNow())).toEqual(['5', '5']);
    memory.time.pass(90 * MINUTE);
    expect(burnOf(agentNow())).toEqual(['0', '2.5']);
  });

  test('counts commits when they are made, and no hold and no refund', async () => {
    const { reservation } = await memory.must(reserve('a', '50', { ttlMs: 5 * HOUR }));
    expect(burnOf(agentNow())).toEqual(['0', '0']);
    memory.time.pass(2 * HOUR);
    const { sequence } = await memory.must(commit(reservation!.id, '40'));
    await memory.must(refund(sequence, '30'));
    expect(burnOf(agentNow())).toEqual(['40', '20']);
  });

  test('tells when it will be exhausted', async () => {
    expect(agentNow().exhaustionTime).toBeUndefined();
    await memory.must(spend('a', '20'));
    expect(agentNow().exhaustionTime).toBe(T0 + 4 * HOUR);
    memory.time.pass(2 * HOUR);
    // Only the day knows of it: 20 in two hours.
    expect(agentNow().exhaustionTime).toBe(T0 + 2 * HOUR + 8 * HOUR);
    await memory.must(spend('a', '80'));
    expect(agentNow().exhaustionTime).toBeUndefined();
  });
});

describe('the metrics of an agent', () => {
  test('are of the durable rows, closed ones too', async () => {
    await memory.must(spend('a', '30'));
    await memory.must(reserve('a', '5'));
    const { agent, pool, available } = agentNow();
    expect([agent.spendCount, agent.lastSpendTime, pool.id]).toEqual([1, T0, 'p']);
    expect(formatAmount(available)).toBe('65');
    await memory.must(deleteAgent('a', { releaseReservations: true }));
    expect(agentNow()).toMatchObject({
      agent: { state: 'CLOSED', spendCount: 1 },
      exhaustionTime: undefined,
    });
    expect(memory.ledger.agentMetrics('x')).toMatchObject({ reason: 'AGENT_NOT_FOUND' });
  });

  test('show nothing of a group that is not durable yet', async () => {
    memory.kv.hold();
    const spent = memory.must(spend('a', '30'));
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect([agentNow().agent.spendCount, burnOf(agentNow())[0]]).toEqual([0, '0']);
    memory.kv.flush();
    await spent;
    expect([agentNow().agent.spendCount, burnOf(agentNow())[0]]).toEqual([1, '30']);
  });

  test('count every spend of a group, in a batch too', async () => {
    await Promise.all(Array.from({ length: 5 }, () => memory.must(spend('a', '1'))));
    await memory.batch([spend('a', '1'), spend('a', '1'), spend('a', '1000')]);
    await memory.batch([spend('a', '1'), spend('a', '1000')], true);
    expect(agentNow().agent.spendCount).toBe(7);
    expect(burnOf(agentNow())[0]).toBe('7');
    memory = await memory.restart();
    expect(agentNow().agent.spendCount).toBe(7);
  });
});

/** Everything of a list, page by page. */
async function all<T>(
  list: (page: PageRequest) => Promise<Page<T> | Rejection>,
  size: number,
): Promise<readonly T[]> {
  const items: T[] = [];
  let after: string | undefined;
  do {
    const page = of(await list({ after, size }));
    expect(page.items.length).toBeLessThanOrEqual(size);
    items.push(...page.items);
    after = page.last;
  } while (after !== undefined);
  return items;
}

describe.each([1, 2, 1_000])('a list of metrics, %i a page,', (size) => {
  test('has living agents by id, of a pool, or only those of high usage', async () => {
    await memory.must(createPool('q', '100'));
    for (const id of ['c', 'b', 'gone']) await memory.must(createAgent(id, 'p', '10'));
    await memory.must(createAgent('d', 'q', '10'));
    await memory.must(deleteAgent('gone'));
    await memory.must(spend('c', '8'));
    await memory.must(spend('d', '8.000001'));
    const list = async (poolId: string, onlyHighUsage: boolean) =>
      (
        await all((page) => memory.ledger.listAgentMetrics({ poolId, onlyHighUsage }, page), size)
      ).map((view) => `${view.agent.id} of ${view.pool.id}: ${burnOf(view).join(' ')}`);
    expect(await list('', false)).toEqual(['a of p: 0 0', 'b of p: 0 0', 'c of p: 8 8', HIGH]);
    expect(await list('p', false)).toEqual(['a of p: 0 0', 'b of p: 0 0', 'c of p: 8 8']);
    expect(await list('', true)).toEqual([HIGH]);
    expect(await list('p', true)).toEqual([]);
    const unknown = { poolId: 'x', onlyHighUsage: false };
    const refused = await memory.ledger.listAgentMetrics(unknown, { after: undefined, size });
    expect(refused).toMatchObject({ reason: 'POOL_NOT_FOUND' });
  });

  test('has living pools by id, whatever their priority', async () => {
    await memory.must(createPool('b', '1', { priority: 1 }));
    await memory.must(createPool('z', '1', { priority: 9 }));
    await memory.must(createPool('gone', '1'));
    await memory.must(poolState('DELETE_POOL', 'gone'));
    const pools = await all((page) => memory.ledger.listPoolMetrics(page), size);
    expect(pools.map(({ pool }) => pool.id)).toEqual(['b', 'default', 'p', 'z']);
  });
});

test('a page of metrics is whole, however many turns and agents it takes', async () => {
  const ids = Array.from({ length: 450 }, (_, index) => `n-${1_000 + index}`);
  await Promise.all(ids.map((id) => memory.must(createAgent(id, 'default', '10'))));
  const high = ids.filter((_, index) => index % 150 === 149);
  await Promise.all(high.map((id) => memory.must(spend(id, '9'))));
  const list = async (onlyHighUsage: boolean, size: number) => {
    const filter = { poolId: 'default', onlyHighUsage };
    const page = of(await memory.ledger.listAgentMetrics(filter, { after: undefined, size }));
    return [page.items.map(({ agent }) => agent.id), page.last];
  };
  expect(await list(false, 1_000)).toEqual([ids, undefined]);
  expect(await list(false, 35)).toEqual([ids.slice(0, 35), ids[34]]);
  expect(await list(true, 2)).toEqual([high.slice(0, 2), high[1]]);
  expect(await list(true, 50)).toEqual([high, undefined]);
});

test('spends go on while a long list is made', async () => {
  const ids = Array.from({ length: 100 }, (_, index) => `n-${1_000 + index}`);
  await Promise.all(ids.map((id) => memory.must(createAgent(id, 'default', '10'))));
  const ended: string[] = [];
  const filter = { poolId: '', onlyHighUsage: false };
  const listed = memory.ledger
    .listAgentMetrics(filter, { after: undefined, size: 1_000 })
    .then(() => ended.push('list'));
  const spent = memory.must(spend('a', '1')).then(() => ended.push('spend'));
  await Promise.all([listed, spent]);
  expect(ended).toEqual(['spend', 'list']);
});

const HIGH = 'd of q: 8.000001 8.000001';

describe('the burn rate of a pool', () => {
  test('is that of its agents together, over hours and restarts', async () => {
    await memory.must(createAgent('b', 'p', '100'));
    await Promise.all([memory.must(spend('a', '1')), memory.must(spend('b', '2'))]);
    expect(burnOf(poolNow())).toEqual(['3', '3']);
    memory.time.pass(90 * MINUTE);
    memory = await memory.restart();
    await memory.must(spend('b', '6'));
    expect(burnOf(poolNow())).toEqual(['6', '6']);
    expect(burnOf(agentNow('b'))).toEqual(['6', '5.333333']);
    expect(memory.ledger.poolMetrics('x')).toMatchObject({ reason: 'POOL_NOT_FOUND' });
  });

  test('keeps what an agent spent before it moved', async () => {
    await memory.must(createPool('q', '100'));
    await memory.must(spend('a', '4'));
    await memory.must(moveAgent('a', 'q'));
    await memory.must(spend('a', '5'));
    expect([poolNow('p'), poolNow('q'), agentNow()].map((view) => burnOf(view)[0])).toEqual([
      '4',
      '5',
      '9',
    ]);
  });

  test('counts what it paid for a closed agent', async () => {
    const { reservation } = await memory.must(reserve('a', '5', { ttlMs: SECOND }));
    memory.time.pass(2 * SECOND);
    await memory.must(deleteAgent('a'));
    await memory.must(commit(reservation!.id, '5'));
    expect(burnOf(poolNow())[0]).toBe('5');
  });
});

describe('the metrics of the store', () => {
  const system = () => memory.ledger.systemMetrics();
  const agents = () => {
    const { activeAgents, frozenAgents, closedAgents } = system();
    return [activeAgents, frozenAgents, closedAgents];
  };

  test('count agents by their states, through every change of them', async () => {
    for (const id of ['b', 'c', 'd']) await memory.must(createAgent(id, 'p', '1'));
    expect(agents()).toEqual([4, 0, 0]);
    // Two changes in one group, and one that changes nothing.
    await Promise.all([
      memory.must(agentState('FREEZE_AGENT', 'b')),
      memory.must(agentState('FREEZE_AGENT', 'c')),
      memory.must(agentState('FREEZE_AGENT', 'c')),
    ]);
    expect(agents()).toEqual([2, 2, 0]);
    await memory.must(deleteAgent('b'));
    await memory.must(createPool('q', '1'));
    await memory.must(moveAgent('c', 'q'));
    expect(agents()).toEqual([2, 1, 1]);
    await memory.must(createAgent('b', 'p', '1'));
    await Promise.all([
      memory.must(agentState('UNFREEZE_AGENT', 'c')),
      memory.must(agentState('FREEZE_AGENT', 'c')),
      memory.must(agentState('UNFREEZE_AGENT', 'c')),
    ]);
    expect(agents()).toEqual([4, 0, 1]);
    expect(await memory.verify()).toMatchObject({ clean: true });
  });

  test('count the frozen agents of a store that never did', async () => {
    await memory.must(agentState('FREEZE_AGENT', 'a'));
    await memory.ledger.close();
    forge(memory.disk, 'meta', HEADER_KEY, records.StoreRecordSchema, (header) => {
      header.frozenAgents = undefined;
    });
    memory = await MemoryLedger.open({}, memory.time.restart(), memory.disk);
    expect(agents()).toEqual([0, 1, 0]);
    expect(await memory.verify()).toMatchObject({ clean: true });
  });

  test('never add what is counted in different units', async () => {
    await memory.must(createPool('e', '50', { unit: 'EUR' }));
    await memory.must(createPool('q', '500'));
    await memory.must(createPool('gone', '500', { unit: 'XAU' }));
    await memory.must(poolState('DELETE_POOL', 'gone'));
    await memory.must(createAgent('b', 'e', '20'));
    await memory.must(spend('b', '3'));
    await memory.must(reserve('b', '2'));
    await memory.must(spend('a', '110', { mode: 'FORCE' }));
    const { units, openReservations, pools } = system();
    const printed = units.map(({ unit, pools: count, ...sums }) => [
      unit,
      count,
      ...Object.entries(sums).map(([name, sum]) => `${name} ${formatAmount(sum)}`),
    ]);
    const eur = ['funded 50', 'spent 3', 'reserved 2', 'assigned 17', 'unallocated 30', 'debt 0'];
    const usd = [
      ...['funded 1500', 'spent 110', 'reserved 0', 'assigned -10', 'unallocated 1400'],
      'debt 10',
    ];
    expect(printed).toEqual([
      ['EUR', 1, ...eur],
      ['USD', 3, ...usd],
    ]);
    expect([openReservations, pools]).toEqual([1, 4]);
  });

  test('count the spends of the last hour and day, those of deleted pools too', async () => {
    await memory.must(createPool('q', '10', { unit: 'EUR' }));
    await memory.must(createAgent('b', 'q', '10'));
    await Promise.all([memory.must(spend('a', '1')), memory.must(spend('b', '1'))]);
    await memory.must(deleteAgent('b'));
    await memory.must(poolState('DELETE_POOL', 'q'));
    const spends = () => [system().spendsLastHour, system().spendsLastDay];
    expect(spends()).toEqual([2, 2]);
    memory.time.pass(61 * MINUTE);
    memory = await memory.restart();
    expect(spends()).toEqual([0, 2]);
    await memory.must(spend('a', '1'));
    expect(spends()).toEqual([1, 3]);
    memory.time.pass(DAY);
    expect(spends()).toEqual([0, 1]);
    memory.time.pass(MINUTE);
    expect(spends()).toEqual([0, 0]);
  });

  test('know the head, the entries and the time', async () => {
    await memory.must(setBudget('a', '50'));
    memory.time.pass(SECOND);
    const { headSequence, entries, time } = system();
    expect([headSequence, entries, time]).toEqual([memory.head, memory.head, T0 + SECOND]);
  });

  test('count open holds only', async () => {
    const { reservation } = await memory.must(reserve('a', '5'));
    await memory.must(reserve('a', '5', { ttlMs: SECOND }));
    expect(system().openReservations).toBe(2);
    await memory.must(commit(reservation!.id, '5'));
    expect(system().openReservations).toBe(1);
    memory.time.pass(2 * SECOND);
    await memory.turn();
    expect(system().openReservations).toBe(0);
  });
});
