import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatAmount } from '../../src/domain/amount.js';
import { remainingOf } from '../../src/domain/budget.js';
import type { BudgetEvent, WatchSelection } from '../../src/ledger/api.js';
import { createAgent, createPool, deleteAgent, moveAgent, spend } from '../fakes/commands.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';

let memory: MemoryLedger;
let abort: AbortController;
beforeEach(async () => {
  abort = new AbortController();
  memory = await MemoryLedger.open();
  await memory.must(createPool('p', '1000'));
  await memory.must(createPool('q', '1000'));
  for (const id of ['a', 'b']) await memory.must(createAgent(id, 'p', '100'));
});
afterEach(() => {
  abort.abort();
});

class Watch {
  readonly #events: AsyncIterator<BudgetEvent>;

  constructor(events: AsyncIterator<BudgetEvent>) {
    this.#events = events;
  }

  /** The next events, in words. */
  async next(count: number): Promise<readonly string[]> {
    const said: string[] = [];
    while (said.length < count) {
      const step = await this.#events.next();
      if (step.done === true) return [...said, 'the end'];
      said.push(wordsOf(step.value));
    }
    return said;
  }
}

function wordsOf(event: BudgetEvent): string {
  if (event.kind === 'BUDGET') {
    return `${event.agent.id} ${formatAmount(remainingOf(event.agent))} in ${event.pool.id}`;
  }
  return event.kind === 'LEFT' ? `${event.agentId} left` : `complete ${event.agentCount}`;
}

function watch(selection: WatchSelection): Watch {
  const events = memory.ledger.watchBudgets(selection, 0, abort.signal);
  if ('verdict' in events) throw new Error(events.reason);
  return new Watch(events[Symbol.asyncIterator]());
}

const POOL: WatchSelection = { kind: 'POOL', poolId: 'p' };
const AGENTS: WatchSelection = { kind: 'AGENTS', agentIds: ['a', 'b'] };
const SNAPSHOT = ['a 100 in p', 'b 100 in p', 'complete 2'];

describe.each([
  ['a pool', POOL],
  ['agents by id', AGENTS],
])('who watches %s', (_name, selection) => {
  test('sees a snapshot, and then each change', async () => {
    const seen = watch(selection);
    expect(await seen.next(3)).toEqual(SNAPSHOT);
    await memory.must(spend('a', '10'));
    expect(await seen.next(1)).toEqual(['a 90 in p']);
    await memory.must(spend('b', '1'));
    expect(await seen.next(1)).toEqual(['b 99 in p']);
  });

  test('sees only the newest when it reads slowly', async () => {
    const seen = watch(selection);
    await seen.next(3);
    for (let times = 0; times < 20; times += 1) await memory.must(spend('a', '1'));
    await memory.must(spend('b', '2'));
    expect((await seen.next(2)).toSorted()).toEqual(['a 80 in p', 'b 98 in p']);
  });

  test('misses nothing that happens before or while it reads the snapshot', async () => {
    const seen = watch(selection);
    await memory.must(spend('b', '5'));
    const first = await seen.next(1);
    await memory.must(spend('b', '5'));
    const all = [...first, ...(await seen.next(2))];
    if (!all.includes('b 90 in p')) all.push(...(await seen.next(1)));
    expect(all).toContain('b 90 in p');
    expect(all).toContain('complete 2');
  });

  test('is not told of what is not durable yet', async () => {
    const seen = watch(selection);
    await seen.next(3);
    memory.kv.hold();
    const spending = memory.must(spend('a', '10'));
    for (let turns = 0; turns < 5; turns += 1) await nextTurn();
    const next = seen.next(1);
    memory.kv.flush();
    await spending;
    expect(await next).toEqual(['a 90 in p']);
  });

  test('ends when it does not want more', async () => {
    const seen = watch(selection);
    await seen.next(3);
    const next = seen.next(1);
    abort.abort();
    expect(await next).toEqual(['the end']);
  });

  test('hears that an agent was deleted, once', async () => {
    const seen = watch(selection);
    await seen.next(3);
    await memory.must(deleteAgent('a'));
    expect(await seen.next(1)).toEqual(['a left']);
    await memory.must(spend('a', '1', { mode: 'FORCE' }));
    await memory.must(spend('b', '1'));
    expect(await seen.next(1)).toEqual(['b 99 in p']);
  });
});

describe('who watches a pool', () => {
  test('sees agents come and go', async () => {
    const seen = watch(POOL);
    await seen.next(3);
    await memory.must(createAgent('c', 'p', '7'));
    expect(await seen.next(1)).toEqual(['c 7 in p']);
    await memory.must(moveAgent('c', 'q'));
    expect(await seen.next(1)).toEqual(['c left']);
    await memory.must(spend('c', '1'));
    await memory.must(moveAgent('c', 'p'));
    expect(await seen.next(1)).toEqual(['c 6 in p']);
  });

  test('sees an agent go also when much was forgotten', async () => {
    memory = await memory.restart({ agentCacheRows: 2 });
    const seen = watch(POOL);
    await seen.next(3);
    const others = ['d', 'e', 'f', 'g'];
    for (const id of others) await memory.must(createAgent(id, 'q', '10'));
    await Promise.all([
      memory.must(moveAgent('a', 'q')),
      ...others.map((id) => memory.must(spend(id, '1'))),
    ]);
    expect(await seen.next(1)).toEqual(['a left']);
  });

  test('is refused one that does not exist, and one that is too large', () => {
    const { signal } = abort;
    expect(memory.ledger.watchBudgets({ kind: 'POOL', poolId: 'x' }, 0, signal)).toMatchObject({
      reason: 'POOL_NOT_FOUND',
    });
  });

  test('of more agents than may be watched together is refused', async () => {
    memory = await memory.restart({ watchedAgentsMax: 1 });
    expect(memory.ledger.watchBudgets(POOL, 0, abort.signal)).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: [{ field: 'pool_id' }],
    });
  });
});

describe('who watches agents by id', () => {
  test('is told every id that does not exist', () => {
    const agentIds = ['a', 'x', 'y'];
    const answer = memory.ledger.watchBudgets({ kind: 'AGENTS', agentIds }, 0, abort.signal);
    expect(answer).toMatchObject({
      reason: 'AGENT_NOT_FOUND',
      metadata: { agent_ids: 'x y' },
    });
  });

  test('is told the first of very many, and how many more there are', () => {
    const agentIds = Array.from({ length: 10_000 }, (_, at) => `nobody-${at}`);
    const answer = memory.ledger.watchBudgets({ kind: 'AGENTS', agentIds }, 0, abort.signal);
    const named = agentIds.slice(0, 20).join(' ');
    expect(answer).toMatchObject({
      reason: 'AGENT_NOT_FOUND',
      metadata: { agent_ids: named, agent_ids_omitted: '9980' },
    });
  });

  test('keeps seeing one that moves to another pool', async () => {
    const seen = watch(AGENTS);
    await seen.next(3);
    await memory.must(moveAgent('a', 'q'));
    expect(await seen.next(1)).toEqual(['a 100 in q']);
  });
});
