import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { percentOf } from '../../src/domain/amount.js';
import { remainingOf } from '../../src/domain/budget.js';
import type { BudgetEvent, WatchSelection } from '../../src/ledger/api.js';
import * as c from '../fakes/commands.js';
import { MemoryLedger, OPERATOR } from '../fakes/memory-ledger.js';

let memory: MemoryLedger;
let abort: AbortController;
beforeEach(async () => {
  abort = new AbortController();
  memory = await MemoryLedger.open();
  await memory.must(c.createPool('p', '1000'));
  for (const id of ['a', 'b']) await memory.must(c.createAgent(id, 'p', '100'));
});
afterEach(() => {
  abort.abort();
});

function levelOf(id: string): string | undefined {
  return memory.ledger.serviceLevel(id)?.level.name;
}

describe('answers', () => {
  test('of every verb carry the level that the agent is at after it', async () => {
    const names: (string | undefined)[] = [];
    const held = await memory.must(c.reserve('a', '60'));
    names.push(held.serviceLevel?.name);
    const id = held.reservation!.id;
    names.push((await memory.must(c.extend(id, 90_000))).serviceLevel?.name);
    names.push((await memory.must(c.commit(id, '10', { final: false }))).serviceLevel?.name);
    names.push((await memory.must(c.release(id))).serviceLevel?.name);
    names.push((await memory.must(c.release(id))).serviceLevel?.name);
    names.push((await memory.must(c.spend('a', '86'))).serviceLevel?.name);
    expect(names).toEqual(['standard', 'standard', 'standard', 'full', 'full', 'emergency']);
  });

  test('to a denial carry the level as it is, to a dry run as it would be', async () => {
    await memory.must(c.spend('a', '60'));
    expect((await memory.do(c.spend('a', '41'))) as object).toMatchObject({
      verdict: 'DENIED',
      serviceLevel: { name: 'standard', nextLower: { name: 'minimal' } },
    });
    const dry = await memory.must(c.spend('a', '30', { requestId: '', dryRun: true }));
    expect(dry.serviceLevel?.name).toBe('minimal');
    const hold = await memory.must(c.reserve('a', '40', { requestId: '', dryRun: true }));
    expect(hold.serviceLevel?.name).toBe('emergency');
    expect(levelOf('a')).toBe('standard');
  });

  test('to a repeated request carry the level that they had', async () => {
    const first = c.spend('a', '10');
    expect((await memory.must(first)).serviceLevel?.name).toBe('full');
    await memory.must(c.spend('a', '60'));
    const again = await memory.must(first);
    expect([again.replayed, again.serviceLevel?.name]).toEqual([true, 'full']);
    memory = await memory.restart();
    expect((await memory.must(first)).serviceLevel).toMatchObject({
      name: 'full',
      features: ['high_quality', 'all_capabilities'],
      nextLower: { name: 'standard' },
    });
    await memory.must(c.setServiceLevels('agent a', 'other=0'), OPERATOR);
    expect((await memory.must(first)).serviceLevel).toEqual({
      name: 'full',
      minPercent: 0n,
      features: [],
      nextLower: undefined,
    });
  });

  test('to the items of a batch carry the level after each, also to those undone', async () => {
    const items = [c.spend('a', '50'), c.spend('a', '1'), c.spend('b', '96'), c.spend('b', '9')];
    const denied = await memory.batch(items, true);
    const names = (results: typeof denied.results) =>
      results.map((result) => (result.verdict === 'REJECTED' ? '' : result.serviceLevel?.name));
    expect(names(denied.results)).toEqual(['full', 'full', 'full', 'emergency']);
    const { results } = await memory.batch(items);
    expect(names(results)).toEqual(['full', 'standard', 'emergency', 'emergency']);
  });
});

describe('levels that an operator sets', () => {
  test('count at once, after a restart, and until they are taken away', async () => {
    await memory.must(c.spend('a', '30'));
    const set = c.setServiceLevels('pool p', 'rich=80:best poor=0', { requestId: 'levels' });
    expect((await memory.must(set, OPERATOR)).effectiveLevels).toMatchObject({
      sourceId: 'p',
      set: { revision: 1, scope: { kind: 'EACH_AGENT_OF_POOL' } },
    });
    expect([levelOf('a'), levelOf('b')]).toEqual(['poor', 'rich']);
    memory = await memory.restart();
    expect([levelOf('a'), levelOf('b')]).toEqual(['poor', 'rich']);
    await memory.must(c.setServiceLevels('pool p', ''), OPERATOR);
    expect([levelOf('a'), levelOf('b')]).toEqual(['full', 'full']);
    // The stored answer, of the levels as they were then.
    const again = await memory.must(set, OPERATOR);
    expect(again).toMatchObject({
      replayed: true,
      effectiveLevels: { sourceId: 'p', set: { revision: 1, levels: [{ name: 'rich' }, {}] } },
    });
    expect(levelOf('a')).toBe('full');
  });

  test('are not shown before they are durable', async () => {
    memory.kv.hold();
    const setting = memory.must(c.setServiceLevels('everybody', 'only=0'), OPERATOR);
    await new Promise(setImmediate);
    expect(levelOf('a')).toBe('full');
    memory.kv.flush();
    await setting;
    expect(levelOf('a')).toBe('only');
  });

  test('are found by scope, each from where it comes', async () => {
    await memory.must(c.setServiceLevels('agent a', 'own=0'), OPERATOR);
    const source = (scope: string) => {
      const found = memory.ledger.serviceLevels(c.levelScope(scope));
      if ('verdict' in found) return found.reason;
      return `${found.set?.scope.kind ?? 'built in'} ${found.sourceId}`.trim();
    };
    expect(['agent a', 'agent b', 'pool p', 'everybody', 'agent x', 'pool x'].map(source)).toEqual([
      'AGENT a',
      'built in',
      'built in',
      'built in',
      'AGENT_NOT_FOUND',
      'POOL_NOT_FOUND',
    ]);
  });

  test('leave a ledger that verifies, though their entries touch no account', async () => {
    await memory.must(c.setServiceLevels('everybody', 'x=50 y=0'), OPERATOR);
    await memory.must(c.spend('a', '60'));
    await memory.must(c.setServiceLevels('agent a', 'z=0'), OPERATOR);
    await memory.must(c.deleteAgent('a'), OPERATOR);
    await memory.must(c.setServiceLevels('everybody', ''), OPERATOR);
    expect(await memory.verify()).toMatchObject({ clean: true, findings: [] });
    memory = await memory.restart();
    expect(await memory.verify()).toMatchObject({ clean: true, entries: memory.head });
  });
});

class Watch {
  readonly #events: AsyncIterator<BudgetEvent>;

  constructor(selection: WatchSelection) {
    const events = memory.ledger.watchBudgets(selection, 0, abort.signal);
    if ('verdict' in events) throw new Error(events.reason);
    this.#events = events[Symbol.asyncIterator]();
  }

  /** The next events: agent, percentage and level. */
  async next(count: number): Promise<readonly string[]> {
    const said: string[] = [];
    while (said.length < count) {
      const step = await this.#events.next();
      if (step.done === true) return [...said, 'the end'];
      if (step.value.kind !== 'BUDGET') continue;
      const { agent, level } = step.value;
      const percent = percentOf(remainingOf(agent), agent.baseline);
      said.push(`${agent.id} ${percent} ${level.name}`);
    }
    return said;
  }
}

describe.each<[string, WatchSelection]>([
  ['a pool', { kind: 'POOL', poolId: 'p' }],
  ['agents by id', { kind: 'AGENTS', agentIds: ['a', 'b'] }],
])('who watches %s', (_name, selection) => {
  test('sees each budget with its level', async () => {
    const seen = new Watch(selection);
    expect(await seen.next(2)).toEqual(['a 100 full', 'b 100 full']);
    await memory.must(c.spend('a', '51'));
    expect(await seen.next(1)).toEqual(['a 49 standard']);
  });

  test('is woken by new levels alone, for the agents that they change', async () => {
    await memory.must(c.createPool('q', '10'));
    const seen = new Watch(selection);
    await seen.next(2);
    await memory.must(c.setServiceLevels('everybody', 'x=0'), OPERATOR);
    expect(await seen.next(2)).toEqual(['a 100 x', 'b 100 x']);
    await memory.must(c.setServiceLevels('agent b', 'mine=0'), OPERATOR);
    expect(await seen.next(1)).toEqual(['b 100 mine']);
    await memory.must(c.setServiceLevels('pool q', 'theirs=0'), OPERATOR);
    await memory.must(c.setServiceLevels('pool p', 'ours=0'), OPERATOR);
    expect(await seen.next(1)).toEqual(['a 100 ours']);
    await memory.must(c.setServiceLevels('agent b', ''), OPERATOR);
    expect(await seen.next(1)).toEqual(['b 100 ours']);
  });

  test('sees one change of level while 200 spends race across a threshold', async () => {
    const seen = new Watch(selection);
    const levels = (await seen.next(2)).filter((line) => line.startsWith('a'));
    const spends = Array.from({ length: 200 }, () => memory.must(c.spend('a', '0.3')));
    for (let done = false; !done;) {
      const [line = ''] = await seen.next(1);
      levels.push(line);
      done = line.startsWith('a 40 ');
    }
    const answers = await Promise.all(spends);
    const changes = levels
      .map((line) => line.split(' ')[2])
      .filter((name, at, all) => name !== all[at - 1]);
    expect(changes).toEqual(['full', 'standard']);
    for (const line of levels) {
      const [, percent, name] = line.split(' ');
      expect(name).toBe(Number(percent) >= 50 ? 'full' : 'standard');
    }
    const first = answers.findIndex(({ serviceLevel }) => serviceLevel?.name === 'standard');
    expect(first).toBe(166);
    const after = answers.slice(first).map(({ serviceLevel }) => serviceLevel?.name);
    expect(new Set(after)).toEqual(new Set(['standard']));
  });
});

test('a watch of many agents hears of new levels for each of them, once', async () => {
  const ids = Array.from({ length: 1_200 }, (_, at) => `m${at}`);
  await memory.must(c.createPool('many', '1200'));
  await Promise.all(ids.map((id) => memory.must(c.createAgent(id, 'many', '1'))));
  const seen = new Watch({ kind: 'POOL', poolId: 'many' });
  await seen.next(ids.length);
  await memory.must(c.setServiceLevels('pool many', 'x=0'), OPERATOR);
  const told = await seen.next(ids.length);
  expect(told.toSorted()).toEqual(ids.map((id) => `${id} 100 x`).toSorted());
  await memory.must(c.spend('m7', '1'));
  expect(await seen.next(1)).toEqual(['m7 0 x']);
});
