/** The history of a budget: with the priority as it was, and with what clients noted in it. */
import { beforeEach, describe, expect, test } from 'vitest';
import { changeLine } from '../../src/domain/budget-change.js';
import type { EntryKind } from '../../src/domain/entry.js';
import type { BudgetChangeView, RecordedChange } from '../../src/ledger/metrics-views.js';
import { recordBudgetChange } from '../fakes/annotations.js';
import {
  adjustBudget,
  applyConfiguration,
  createAgent,
  createPool,
  deleteAgent,
  moveAgent,
  setBudget,
  spend,
  updateAgent,
} from '../fakes/commands.js';
import { MINUTE, T0 } from '../fakes/manual-time.js';
import { MemoryLedger, OPERATOR } from '../fakes/memory-ledger.js';

let memory: MemoryLedger;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  await memory.must(createPool('p', '1000'));
  await memory.must(createAgent('x', 'p', '100', { priority: 8 }));
});

const ALWAYS = { start: 0, end: Number.MAX_SAFE_INTEGER };

/** Every change, page by page. */
function changes(
  size = 100,
  kinds: readonly EntryKind[] = [],
  range = ALWAYS,
): readonly BudgetChangeView[] {
  const items: BudgetChangeView[] = [];
  let after: string | undefined;
  do {
    const page = memory.ledger.budgetChanges('x', kinds, range, { after, size });
    if ('verdict' in page) throw new Error(page.reason);
    items.push(...page.items);
    after = page.last;
  } while (after !== undefined);
  return items;
}

const lines = (views: readonly BudgetChangeView[]) =>
  views.map(({ entry, ...view }) =>
    changeLine({ ...view, kind: entry.kind, reason: entry.reason }).replace(/^.*priority /, '('),
  );

async function record(...given: Parameters<typeof recordBudgetChange>): Promise<RecordedChange> {
  const recorded = await memory.ledger.recordBudgetChange(recordBudgetChange(...given), OPERATOR);
  if ('verdict' in recorded) throw new Error(recorded.reason);
  return recorded;
}

describe.each([1, 2, 100])('with %i a page', (size) => {
  test('each change has the priority that the agent had then', async () => {
    await memory.must(spend('x', '10'));
    await memory.must(updateAgent('x', { priority: 3 }));
    await memory.must(spend('x', '1'));
    await memory.must(updateAgent('x', { name: 'another' }));
    await memory.must(applyConfiguration({ agents: [{ id: 'x', priority: 10 }] }));
    await memory.must(setBudget('x', '50', { reason: 'monday' }));
    await memory.must(createPool('q', '0'));
    await memory.must(moveAgent('x', 'q'));
    await memory.must(updateAgent('x', { priority: 1 }));
    await memory.must(adjustBudget('x', '-5'));
    const expected = [
      '(1): 50 → 45 (-5). Reason: adjust budget',
      '(10): 89 → 50 (-39). Reason: monday',
      '(3): 90 → 89 (-1). Reason: spend',
      '(8): 100 → 90 (-10). Reason: spend',
      '(8): 0 → 100 (+100). Reason: agent create',
    ];
    expect(lines(changes(size))).toEqual(expected);
    memory = await memory.restart();
    expect(lines(changes(size))).toEqual(expected);
    expect(lines(changes(size, ['SET_BUDGET', 'AGENT_CREATE']))).toEqual([
      expected[1],
      expected[4],
    ]);
  });

  test('what was noted is listed where it is asked for, and only there', async () => {
    await memory.must(spend('x', '10'));
    memory.time.pass(MINUTE);
    await record('x', '1', '2', { reason: 'elsewhere', changeTime: T0 - 5 });
    await record('x', '2', '1.5');
    memory.time.pass(MINUTE);
    await memory.must(spend('x', '5'));
    const kinds = (...given: EntryKind[]) =>
      changes(size, given).map(({ entry, external }) => `${entry.kind} ${external}`);
    expect(kinds()).toEqual(['SPEND false', 'SPEND false', 'AGENT_CREATE false']);
    expect(kinds('ANNOTATE')).toEqual(['ANNOTATE true', 'ANNOTATE true']);
    expect(kinds('ANNOTATE', 'SPEND')).toEqual([
      'SPEND false',
      'ANNOTATE true',
      'ANNOTATE true',
      'SPEND false',
    ]);
    const noted = changes(size, ['ANNOTATE'], { start: T0 + 1, end: T0 + 2 * MINUTE });
    expect(lines(noted)).toEqual([
      '(8): 2 → 1.5 (-0.5). Reason: annotate',
      '(8): 1 → 2 (+1). Reason: elsewhere',
    ]);
    expect(noted.map(({ externalTime }) => externalTime)).toEqual([undefined, T0 - 5]);
  });
});

describe('a change that a client notes', () => {
  test('is answered with what is listed then, and repeated from memory', async () => {
    await memory.must(updateAgent('x', { priority: 2 }));
    const over = { requestId: 'r', reason: 'usage', metadata: [['team', 'a']] as const };
    const first = await record('x', '100', '75.5', over);
    expect(changes(100, ['ANNOTATE'])).toEqual([first.change]);
    expect(first.change).toMatchObject({ agentId: 'x', priority: 2, external: true });
    expect(first.change.entry).toMatchObject({ principal: 'admin', metadata: [['team', 'a']] });

    // Whatever becomes of the agent and of its id.
    await memory.must(updateAgent('x', { priority: 9 }));
    await memory.must(deleteAgent('x'));
    await memory.must(createAgent('x', 'p', '1'));
    memory = await memory.restart();
    const again = await record('x', '100', '75.5', over);
    expect(again).toEqual({ ...first, outcome: { ...first.outcome, replayed: true } });
    expect(await memory.verdict(recordBudgetChange('x', '100', '75', over))).toBe(
      'REQUEST_ID_REUSED',
    );
  });

  test('changes no balance, and the ledger verifies', async () => {
    const before = memory.ledger.agent('x')!;
    await record('x', '-3', '1000000');
    const after = memory.ledger.agent('x')!;
    expect(after.pool).toEqual(before.pool);
    expect(after.agent).toEqual({ ...before.agent, lastSequence: memory.head });
    expect(await memory.verify()).toMatchObject({ clean: true, findings: [] });
  });

  test('is refused by name', async () => {
    const command = recordBudgetChange('nobody', '1', '2');
    expect(await memory.ledger.recordBudgetChange(command, OPERATOR)).toMatchObject({
      reason: 'AGENT_NOT_FOUND',
    });
  });
});
