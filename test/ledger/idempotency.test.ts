import { beforeEach, describe, expect, test } from 'vitest';
import type { Answer, Outcome } from '../../src/domain/answer.js';
import type { Command } from '../../src/domain/command.js';
import {
  adjustBudget,
  commit,
  createAgent,
  createPool,
  deleteAgent,
  extend,
  fundPool,
  release,
  reserve,
  setBudget,
  spend,
  transfer,
} from '../fakes/commands.js';
import { MINUTE } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { money } from '../support/seed.js';

let memory: MemoryLedger;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  await memory.must(createPool('p', '1000'));
  await memory.must(createAgent('a', 'p', '100'));
  await memory.must(createAgent('b', 'p', '100'));
});

/** What an answer says, but for the pool, which is shown as it is now, and whether it is a replay. */
function said(answer: Answer): unknown {
  if (answer.verdict === 'REJECTED') return answer;
  const { agent } = answer;
  return {
    ...answer,
    replayed: undefined,
    pool: undefined,
    reservation: answer.reservation && { ...answer.reservation, verbs: [] },
    agent: agent && {
      allocated: agent.allocated,
      spent: agent.spent,
      reserved: agent.reserved,
      overdraftLimit: agent.overdraftLimit,
      baseline: agent.baseline,
      initialBudget: agent.initialBudget,
      state: agent.state,
      budgetRevision: agent.budgetRevision,
      budgetTime: agent.budgetTime,
    },
  };
}

async function replayed(command: Command, first: Outcome): Promise<void> {
  const head = memory.head;
  const again = await memory.must(command);
  expect(again.replayed).toBe(true);
  expect(said(again)).toEqual(said(first));
  expect(memory.head).toBe(head);
}

describe('the same request_id', () => {
  test('has one effect and one answer, also after the balance has changed', async () => {
    const command = spend('a', '10');
    const first = await memory.must(command);
    await memory.must(spend('a', '30'));
    await memory.must(setBudget('a', '500'));
    await replayed(command, first);
  });

  test('answers a reserve, a commit, an extension and a release as they were', async () => {
    const reserving = reserve('a', '40');
    const reserved = await memory.must(reserving);
    const id = reserved.reservation!.id;
    const extending = extend(id, 5 * MINUTE);
    const extended = await memory.must(extending);
    const committing = commit(id, '10', { final: false });
    const committed = await memory.must(committing);
    const releasing = release(id);
    const released = await memory.must(releasing);
    memory.time.pass(10 * MINUTE);
    await memory.turn();
    for (const [command, answer] of [
      [reserving, reserved],
      [extending, extended],
      [committing, committed],
      [releasing, released],
    ] as const) {
      await replayed(command, answer);
    }
  });

  test('answers operators too, where they gave one', async () => {
    const commands = [
      createPool('q', '5', { requestId: 'op-1' }),
      fundPool('q', '5', { requestId: 'op-2' }),
      createAgent('c', 'q', '5', { requestId: 'op-3' }),
      setBudget('c', '6', { requestId: 'op-4' }),
      transfer('agent a', 'agent c', '1', { requestId: 'op-5' }),
      deleteAgent('c', { requestId: 'op-6' }),
    ];
    const answers = [];
    for (const command of commands) answers.push(await memory.must(command));
    for (const [at, command] of commands.entries()) await replayed(command, answers[at]!);
  });

  test('has one effect across a restart and across a crash', async () => {
    const command = spend('a', '10');
    const first = await memory.must(command);
    memory = await memory.restart();
    await replayed(command, first);
    memory = await memory.crash();
    await replayed(command, first);
  });

  test('in other content is refused, and changes nothing', async () => {
    const command = spend('a', '10', { requestId: 'once' });
    await memory.must(command);
    const others: readonly Command[] = [
      spend('a', '10.000001', { requestId: 'once' }),
      spend('a', '10', { requestId: 'once', mode: 'UP_TO' }),
      spend('a', '10', { requestId: 'once', category: 'search' }),
      spend('a', '10', { requestId: 'once', runId: 'r' }),
      spend('a', '10', { requestId: 'once', metadata: [['k', 'v']] }),
      spend('a', '10', { requestId: 'once', quantities: [{ name: 'tokens', amount: money('1') }] }),
    ];
    for (const other of others) {
      expect(await memory.verdict(other)).toBe('REQUEST_ID_REUSED');
    }
    expect(memory.ledger.agent('a')?.agent.spent).toBe(money('10'));
  });

  test('is free again after a denial', async () => {
    const command = spend('a', '101', { requestId: 'mine' });
    expect(await memory.verdict(command)).toBe('INSUFFICIENT_BUDGET');
    expect(await memory.verdict(command)).toBe('INSUFFICIENT_BUDGET');
    await memory.must(adjustBudget('a', '1'));
    expect(await memory.must(command)).toMatchObject({ replayed: false });
    expect(await memory.must(command)).toMatchObject({ replayed: true });
  });

  test('is free again after an error, and after what had no effect', async () => {
    const id = (await memory.must(reserve('a', '5'))).reservation!.id;
    await memory.must(release(id, 'first'));
    expect(await memory.must(release(id, 'second'))).toMatchObject({ sequence: 0 });
    expect(await memory.verdict(commit(id, '1', { requestId: 'c' }))).toBe(
      'RESERVATION_ALREADY_RELEASED',
    );
    const other = (await memory.must(reserve('a', '5'))).reservation!.id;
    await memory.must(commit(other, '1', { requestId: 'c' }));
  });

  test('may name a reserve and its commit, and other agents’ requests', async () => {
    const id = (await memory.must(reserve('a', '5', { requestId: 'x' }))).reservation!.id;
    await memory.must(commit(id, '5', { requestId: 'x' }));
    await memory.must(spend('a', '5', { requestId: 'x' }));
    await memory.must(spend('b', '7', { requestId: 'x' }));
    expect(memory.ledger.agent('a')?.agent.spent).toBe(money('10'));
  });

  test('is not read or written by a dry run', async () => {
    await memory.must(spend('a', '10', { requestId: 'x', dryRun: true }));
    await memory.must(reserve('a', '10', { requestId: 'x', dryRun: true }));
    expect(memory.ledger.agent('a')?.agent).toMatchObject({ spent: 0n, reserved: 0n });
    await memory.must(spend('a', '20', { requestId: 'x' }));
    const trial = await memory.must(spend('a', '10', { requestId: 'x', dryRun: true }));
    expect(trial).toMatchObject({ replayed: false, sequence: 0 });
  });

  test('of an agent that was deleted and made again is another one', async () => {
    await memory.must(spend('a', '10', { requestId: 'x' }));
    await memory.must(deleteAgent('a'));
    await memory.must(createAgent('a', 'p', '100'));
    expect(await memory.must(spend('a', '10', { requestId: 'x' }))).toMatchObject({
      replayed: false,
    });
  });

  test('sent five times at once has one effect and one answer', async () => {
    const command = spend('a', '10');
    const answers = await Promise.all(Array.from({ length: 5 }, () => memory.must(command)));
    expect(answers.map((answer) => answer.replayed)).toEqual([false, true, true, true, true]);
    expect(new Set(answers.map((answer) => answer.sequence)).size).toBe(1);
    expect(memory.ledger.agent('a')?.agent.spent).toBe(money('10'));
  });

  test('sent at once with other content is refused', async () => {
    const answers = await Promise.all([
      memory.verdict(spend('a', '10', { requestId: 'x' })),
      memory.verdict(spend('a', '11', { requestId: 'x' })),
    ]);
    expect(answers).toEqual(['OK', 'REQUEST_ID_REUSED']);
  });

  test.each([false, true])('twice in one batch is a replay (atomic: %s)', async (atomic) => {
    const item = spend('a', '10');
    const { results } = await memory.batch([item, spend('b', '1'), item], atomic);
    expect(results).toMatchObject([{ replayed: false }, { replayed: false }, { replayed: true }]);
    const again = await memory.batch([item], atomic);
    expect(again.results).toMatchObject([{ replayed: true }]);
    expect(await memory.must(item)).toMatchObject({ replayed: true });
  });
});
