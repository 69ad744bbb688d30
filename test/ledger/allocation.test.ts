/** Strategies on the whole ledger: rehearsals, replays, groups and the usage behind them. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { AllocationCommand } from '../../src/domain/allocation/command.js';
import { formatAmount } from '../../src/domain/amount.js';
import type { Outcome } from '../../src/domain/answer.js';
import { minuteStart } from '../../src/domain/usage.js';
import {
  agentState,
  allocateByPriority,
  allocateDynamic,
  applyConfiguration,
  commit,
  createAgent,
  createPool,
  deleteAgent,
  moveAgent,
  rebalancePool,
  refund,
  reserve,
  spend,
} from '../fakes/commands.js';
import { DAY, HOUR, MINUTE, SECOND } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { money, runs } from '../support/seed.js';

let memory: MemoryLedger;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  await memory.must(createPool('p', '1000'));
  await memory.must(createAgent('a', 'p', '100', { priority: 8 }));
  await memory.must(createAgent('b', 'p', '100', { priority: 5 }));
  await memory.must(createAgent('c', 'p', '100', { priority: 2 }));
});

const strategies: readonly (readonly [string, (over: object) => AllocationCommand])[] = [
  ['AllocateDynamic', (over) => allocateDynamic('p', '50', over)],
  ['AllocateByPriority', (over) => allocateByPriority('p', undefined, over)],
  ['RebalancePool', (over) => rebalancePool('p', undefined, over)],
];

/** An answer without its place in the ledger, and the rows' with it. */
function said({ sequence, replayed, pool, ...rest }: Outcome): unknown {
  expect([sequence, replayed, pool]).toHaveLength(3);
  const { lastSequence, ...money_ } = pool!;
  expect(lastSequence).toBeGreaterThan(0);
  return { ...rest, pool: money_ };
}

function remaining(id: string): string {
  const { allocated, spent, reserved } = memory.ledger.agent(id)!.agent;
  return formatAmount(allocated - spent - reserved);
}

describe.each(strategies)('%s', (_name, strategy) => {
  beforeEach(async () => {
    await memory.must(spend('a', '70'));
    await memory.must(spend('b', '120', { mode: 'FORCE' }));
    await memory.must(reserve('c', '30'));
    await memory.must(agentState('FREEZE_AGENT', 'c'));
  });

  test('rehearsed answers what carrying it out answers, and writes nothing', async () => {
    const before = memory.head;
    const rehearsed = await memory.must(strategy({ validateOnly: true, requestId: 'r' }));
    expect(rehearsed.sequence).toBe(0);
    expect([memory.head, remaining('a')]).toEqual([before, '30']);
    const applied = await memory.must(strategy({ requestId: 'r' }));
    expect(applied.sequence).toBe(before + 1);
    expect(said(rehearsed)).toEqual(said(applied));
    for (const { agentId, after } of applied.allocations) {
      expect(formatAmount(after)).toBe(remaining(agentId));
    }
    expect(await memory.verify()).toMatchObject({ clean: true, findings: [] });
  });

  test('repeated with its request_id has one effect and one answer, also after a restart', async () => {
    const command = strategy({ requestId: 'once', agentIds: ['a', 'b', 'c'] });
    const first = await memory.must(command);
    await memory.must(spend('a', '1'));
    memory = await memory.restart();
    const head = memory.head;
    const again = await memory.must(command);
    // What the pool's agents use meanwhile is of no answer.
    expect(again).toEqual({ ...first, pool: { ...first.pool!, usage: [] }, replayed: true });
    expect(memory.head).toBe(head);
    expect(await memory.verdict({ ...command, agentIds: ['a'] })).toBe('REQUEST_ID_REUSED');
  });

  test('is one entry of the pool, and a change of budget of each agent', async () => {
    await memory.must(strategy({ reason: 'monday' }), { principal: 'ada', traceId: '' });
    const entry = memory.store.entry(memory.head)!.entry;
    expect(entry).toMatchObject({ kind: 'ALLOCATE', principal: 'ada', reason: 'monday' });
    expect(entry.accounts[0]).toMatchObject({ kind: 'POOL' });
    for (const id of ['a', 'b']) {
      const page = memory.ledger.budgetChanges(
        id,
        ['ALLOCATE'],
        { start: 0, end: Number.MAX_SAFE_INTEGER },
        { after: undefined, size: 10 },
      );
      if ('verdict' in page) throw new Error(page.reason);
      expect(page.items.map(({ after }) => formatAmount(after))).toEqual([remaining(id)]);
    }
  });
});

describe('earlier commands of the same group', () => {
  test('count: what they spent, moved, made and deleted', async () => {
    await memory.must(createPool('q', '0'));
    const [, , , , , , rebalanced] = await Promise.all([
      memory.must(spend('a', '60')),
      memory.must(spend('a', '20')),
      memory.must(createAgent('d', 'p', '10', { priority: 10 })),
      memory.must(moveAgent('b', 'q')),
      memory.must(deleteAgent('c')),
      memory.must(createAgent('c', 'p', '0', { priority: 2 })),
      memory.must(rebalancePool('p', undefined)),
    ]);
    const table = rebalanced.allocations.map(({ agentId, before, usage }) => {
      return [agentId, formatAmount(before), formatAmount(usage!.amount), usage!.entries];
    });
    expect(table).toEqual([
      ['d', '10', '0', 0],
      ['a', '20', '80', 2],
      ['c', '0', '0', 0],
    ]);
    expect(formatAmount(rebalanced.amount)).toBe('820');
    expect(await memory.verify()).toMatchObject({ clean: true });
  });

  test('count under a document that is applied, and not when it was only tried', async () => {
    const described = (priority: number, validateOnly: boolean) =>
      applyConfiguration({
        agents: [{ id: 'z', poolId: 'p', initialBudget: money('5'), priority }],
        validateOnly,
      });
    const ids = async () => {
      const { allocations } = await memory.must(rebalancePool('p', '90', { validateOnly: true }));
      return allocations.map(({ agentId }) => agentId);
    };
    const [, tried] = await Promise.all([memory.must(described(9, true)), ids()]);
    const [, applied] = await Promise.all([memory.must(described(9, false)), ids()]);
    expect([tried, applied]).toEqual([
      ['a', 'b', 'c'],
      ['z', 'a', 'b', 'c'],
    ]);
  });
});

test('agents that moved in, out and back are in their pool once', async () => {
  await memory.must(createPool('q', '0'));
  for (const [id, pool] of [
    ['a', 'q'],
    ['b', 'q'],
    ['a', 'p'],
  ] as const) {
    await memory.must(moveAgent(id, pool));
  }
  const ids = async (pool: string) => {
    const command = allocateByPriority(pool, undefined, { criticalMinimum: 0n });
    return (await memory.must(command)).allocations.map(({ agentId }) => agentId);
  };
  expect([await ids('p'), await ids('q')]).toEqual([['a', 'c'], ['b']]);
});

test('a pool of three hundred is one entry that names each account once', async () => {
  const made = Array.from({ length: 297 }, (_, at) => {
    return memory.must(createAgent(`n${at}`, 'p', '0', { priority: 1 + (at % 10) }));
  });
  await Promise.all(made);
  const { amount, allocations } = await memory.must(rebalancePool('p', undefined));
  expect([formatAmount(amount), allocations.length]).toEqual(['1000', 300]);
  const { accounts } = memory.store.entry(memory.head)!.entry;
  expect(new Set(accounts.map(({ kind, uid }) => `${kind} ${uid}`)).size).toBe(301);
  expect(await memory.verify()).toMatchObject({ clean: true, findings: [] });
});

const WINDOWS = [1, 2, 59, 60, 61, 24 * 60, 25 * 60, 7 * 1_440 + 7, 31 * 1_440, 90 * 1_440];

test('the usage of any window is the sum of its spends and commits, by the minute', async () => {
  const pauses = fc.constantFrom(0, SECOND, MINUTE, 7 * MINUTE, HOUR, 5 * HOUR, DAY, 13 * DAY);
  const history = fc.array(fc.record({ pause: pauses, cents: fc.integer({ min: 0, max: 999 }) }), {
    minLength: 1,
    maxLength: 40,
  });
  const law = fc.asyncProperty(
    history,
    pauses,
    fc.integer({ min: 2, max: 40 }),
    async (costs, rest, rows) => {
      // Small caches forget much, so that rows are read back and folded.
      const own = await MemoryLedger.open({ agentCacheRows: rows });
      await own.must(createPool('p', '1000000'));
      await own.must(createAgent('a', 'p', '100000'));
      const spent: { readonly time: number; readonly amount: bigint }[] = [];
      for (const { pause, cents } of costs) {
        own.time.pass(pause);
        const text = (cents / 100).toFixed(2);
        const time = own.ledger.now();
        if (cents % 3 === 0) {
          const { reservation } = await own.must(reserve('a', '10'));
          await own.must(commit(reservation!.id, text));
        } else {
          const { sequence } = await own.must(spend('a', text));
          if (cents % 7 === 0 && cents > 0) await own.must(refund(sequence, undefined));
        }
        spent.push({ time, amount: money(text) });
      }
      own.time.pass(rest);
      for (const minutes of WINDOWS) {
        const windowMs = minutes * MINUTE;
        const { allocations } = await own.must(
          rebalancePool('p', undefined, { windowMs, validateOnly: true }),
        );
        const start = minuteStart(own.ledger.now() - windowMs);
        const counted = spent.filter(({ time }) => time >= start);
        expect({ minutes, usage: allocations[0]!.usage }).toEqual({
          minutes,
          usage: {
            amount: counted.reduce((sum, { amount }) => sum + amount, 0n),
            entries: counted.length,
          },
        });
      }
      await own.ledger.close();
    },
  );
  await fc.assert(law, runs('usage of windows', 60));
});

test('ninety days of usage take a dozen rows', async () => {
  for (let day = 0; day < 95; day += 1) {
    memory.time.pass(DAY - 7 * MINUTE);
    await memory.must(spend('a', '0.1'));
  }
  const reads = countedReads(memory);
  await memory.must(
    rebalancePool('p', undefined, { windowMs: 90 * DAY, validateOnly: true, agentIds: ['a'] }),
  );
  expect(reads()).toBeGreaterThan(4);
  expect(reads()).toBeLessThanOrEqual(12);
});

/** How many usage rows were read since. */
function countedReads({ kv }: MemoryLedger): () => number {
  const get = kv.get.bind(kv);
  let reads = 0;
  kv.get = (table, key) => {
    if (table === 'usage') reads += 1;
    return get(table, key);
  };
  return () => reads;
}
