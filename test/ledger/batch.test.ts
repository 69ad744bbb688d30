import { beforeEach, describe, expect, test } from 'vitest';
import { reject, type Answer } from '../../src/domain/answer.js';
import type { BatchAnswer, NotApplied } from '../../src/ledger/api.js';
import {
  agentState,
  applyConfiguration,
  createAgent,
  createPool,
  refund,
  spend,
} from '../fakes/commands.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { money } from '../support/seed.js';

let memory: MemoryLedger;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  await memory.must(createPool('p', '1000'));
  await memory.must(createAgent('a', 'p', '100'));
  await memory.must(createAgent('b', 'p', '10'));
});

function said(answer: Answer | NotApplied): string {
  if (answer.verdict === 'NOT_APPLIED') return answer.verdict;
  if (answer.verdict === 'REJECTED') return answer.reason;
  return answer.denial?.reason ?? 'OK';
}

function results({ results: all }: BatchAnswer): readonly string[] {
  return all.map(said);
}

function spent(id: string): bigint {
  return memory.ledger.agent(id)!.agent.spent;
}

describe('a batch', () => {
  test('judges its items in order, each on what the ones before left', async () => {
    const items = [spend('a', '60'), spend('a', '60'), spend('b', '1'), spend('a', '40')];
    const answer = await memory.batch(items);
    expect(results(answer)).toEqual(['OK', 'INSUFFICIENT_BUDGET', 'OK', 'OK']);
    expect([spent('a'), spent('b')]).toEqual([money('100'), money('1')]);
  });

  test('shows each distinct agent once, as it is after the last item', async () => {
    const { agents } = await memory.batch([
      spend('b', '1'),
      spend('a', '2'),
      spend('x', '1'),
      spend('b', '3'),
    ]);
    expect(agents.map(({ agent }) => [agent.id, agent.spent])).toEqual([
      ['b', money('4')],
      ['a', money('2')],
    ]);
    expect(agents.every(({ pool }) => pool.id === 'p')).toBe(true);
  });

  test('that is not atomic goes on after a malformed item and an unknown agent', async () => {
    const malformed = { ...reject('INVALID_REQUEST', 'no'), requestId: 'm' };
    const answer = await memory.batch([malformed, spend('x', '1'), spend('a', '1')]);
    expect(results(answer)).toEqual(['INVALID_REQUEST', 'AGENT_NOT_FOUND', 'OK']);
  });

  test('is one group with what else was asked at the same moment', async () => {
    const [answer, alone] = await Promise.all([
      memory.batch([spend('a', '60'), spend('a', '30')]),
      memory.verdict(spend('a', '20')),
    ]);
    expect([...results(answer), alone]).toEqual(['OK', 'OK', 'INSUFFICIENT_BUDGET']);
  });
});

describe('an atomic batch', () => {
  test.each([
    ['a denial', () => spend('b', '11'), 'INSUFFICIENT_BUDGET'],
    ['an error', () => spend('x', '1'), 'AGENT_NOT_FOUND'],
    ['digits beyond the scale', () => spend('b', '0.0000001'), 'INVALID_REQUEST'],
  ] as const)('is undone by %s, wherever it stands', async (_name, bad, reason) => {
    const head = memory.head;
    for (const at of [0, 1, 2]) {
      const items = [spend('a', '1'), spend('b', '1')];
      const answer = await memory.batch(items.toSpliced(at, 0, bad()), true);
      const expected = ['NOT_APPLIED', 'NOT_APPLIED'].toSpliced(at, 0, reason);
      expect(results(answer)).toEqual(expected);
    }
    expect(memory.head).toBe(head);
    expect([spent('a'), spent('b')]).toEqual([0n, 0n]);
  });

  test('leaves the request_ids of what was not applied free', async () => {
    const first = spend('a', '1');
    await memory.batch([first, spend('b', '11')], true);
    expect(await memory.must(first)).toMatchObject({ replayed: false });
  });

  test('shows agents that nothing was applied to as they are', async () => {
    const answer = await memory.batch([spend('a', '1'), spend('b', '11')], true);
    expect(answer.results[0]).toMatchObject({ verdict: 'NOT_APPLIED', agent: { spent: 0n } });
    expect(answer.agents.map(({ agent }) => agent.spent)).toEqual([0n, 0n]);
  });

  test('counts a spend of what is left as a success, and nothing left as a denial', async () => {
    const all = [spend('b', '50', { mode: 'UP_TO' }), spend('a', '1')];
    const answer = await memory.batch(all, true);
    expect(results(answer)).toEqual(['OK', 'OK']);
    expect(answer.results[0]).toMatchObject({ amount: money('10') });
    const none = await memory.batch([spend('a', '1'), spend('b', '50', { mode: 'UP_TO' })], true);
    expect(results(none)).toEqual(['NOT_APPLIED', 'INSUFFICIENT_BUDGET']);
  });

  test('is undone by a frozen agent unless its cost is forced', async () => {
    await memory.must(agentState('FREEZE_AGENT', 'b'));
    const frozen = await memory.batch([spend('a', '1'), spend('b', '1')], true);
    expect(results(frozen)).toEqual(['NOT_APPLIED', 'AGENT_FROZEN']);
    const forced = [spend('a', '1'), spend('b', '1', { mode: 'FORCE' })];
    expect(results(await memory.batch(forced, true))).toEqual(['OK', 'OK']);
  });

  test('beside a spend leaves the spend alone when it is undone', async () => {
    const [answer, alone] = await Promise.all([
      memory.batch([spend('a', '90'), spend('b', '11')], true),
      memory.verdict(spend('a', '20')),
    ]);
    expect([...results(answer), alone]).toEqual(['NOT_APPLIED', 'INSUFFICIENT_BUDGET', 'OK']);
    expect(spent('a')).toBe(money('20'));
  });
});

describe('commands of one group', () => {
  test('see what the ones before wrote, their entries too', async () => {
    const [spending, refunding] = await Promise.all([
      memory.must(spend('a', '30')),
      memory.must(refund(memory.head + 1, '10')),
    ]);
    expect(refunding).toMatchObject({ sequence: spending.sequence + 1, secondAmount: money('20') });
    expect(spent('a')).toBe(money('20'));
  });
});

describe('a configuration', () => {
  const document = applyConfiguration({
    requestId: 'config',
    pools: [{ id: 'q', initialBudget: money('50') }],
    agents: [
      { id: 'c', poolId: 'q', initialBudget: money('20') },
      { id: 'a', priority: 9 },
    ],
  });

  test('is applied whole, once, and answered the same again', async () => {
    const first = await memory.must(document);
    expect(first.changes.map(({ action, objectId }) => `${action} ${objectId}`)).toEqual([
      'CREATE q',
      'CREATE c',
      'UPDATE a',
    ]);
    const again = await memory.must(document);
    expect(again).toMatchObject({ replayed: true, changes: first.changes });
    expect(memory.ledger.pool('q')?.unallocated).toBe(money('30'));
  });

  test('is not applied at all when one step is refused', async () => {
    const head = memory.head;
    const greedy = { ...document, agents: [{ id: 'c', poolId: 'q', initialBudget: money('51') }] };
    const answer = await memory.do(greedy);
    expect(answer).toMatchObject({
      reason: 'INSUFFICIENT_POOL_BUDGET',
      metadata: { object: 'agent c' },
    });
    expect(memory.head).toBe(head);
    expect(memory.ledger.pool('q')).toBeUndefined();
  });

  test('that is only validated says what it would change and changes nothing', async () => {
    const head = memory.head;
    const trial = await memory.must({ ...document, validateOnly: true });
    expect(trial.changes).toHaveLength(3);
    expect(memory.head).toBe(head);
    expect(await memory.must(document)).toMatchObject({ replayed: false });
  });

  test('is remembered also when its last step had nothing left to do', async () => {
    const twice = {
      ...document,
      agents: [
        { id: 'a', priority: 9 },
        { id: 'a', priority: 9 },
      ],
    };
    await memory.must(twice);
    expect(await memory.must(twice)).toMatchObject({ replayed: true });
  });

  test('that prunes deletes what it does not name', async () => {
    await memory.must(spend('a', '5'));
    await memory.must(applyConfiguration({ prune: true, pools: [{ id: 'q' }] }));
    expect(memory.ledger.agent('a')?.agent.state).toBe('CLOSED');
    expect(memory.ledger.pool('p')).toBeUndefined();
    expect(memory.ledger.pool('default')).toBeDefined();
    expect((await memory.verify()).findings).toEqual([]);
  });
});
