/** Changes of budgets in a line, and those that a client made elsewhere. */
import { beforeEach, describe, expect, test } from 'vitest';
import { changeLine } from '../../src/domain/budget-change.js';
import { recordBudgetChange } from '../fakes/annotations.js';
import { createAgent, createPool, deleteAgent } from '../fakes/commands.js';
import { T0 } from '../fakes/manual-time.js';
import { disagreements, worldWithPool, type World } from '../fakes/world.js';
import { money } from '../support/seed.js';

const facts = { agentId: 'x', priority: 5, kind: 'SET_BUDGET', reason: 'usage' } as const;

describe('the line of a change', () => {
  test.each<[before: string, after: string, change: string]>([
    ['100', '75.5', '100 → 75.5 (-24.5)'],
    ['75.5', '100', '75.5 → 100 (+24.5)'],
    ['-3', '0.000001', '-3 → 0.000001 (+3.000001)'],
    ['7', '7', '7 → 7 (+0)'],
  ])('from %s to %s is the one of the guide', (before, after, change) => {
    const line = changeLine({ ...facts, before: money(before), after: money(after) });
    expect(line).toBe(`Budget change for agent x (priority 5): ${change}. Reason: usage`);
  });

  test.each<[what: string, reason: string, shown: string]>([
    ['without a reason says what it was', '', 'set budget'],
    ['with a reason of spaces too', ' \n ', 'set budget'],
    ['is one line whatever the reason', 'a\r\nBudget change\u2028b\tc', 'a Budget change b c'],
  ])('%s', (_what, reason, shown) => {
    const line = changeLine({ ...facts, reason, before: 0n, after: 0n });
    expect(line.split('Reason: ')[1]).toBe(shown);
  });
});

describe('a change that a client notes', () => {
  let world: World;
  beforeEach(() => {
    world = worldWithPool();
    world.must(createAgent('a', 'p', '100'));
  });

  test('is an entry of the agent, and changes no balance', () => {
    const before = world.agentById('a')!;
    const outcome = world.must(
      recordBudgetChange('a', '100', '75.5', { changeTime: T0 - 1, metadata: [['team', 'x']] }),
    );
    expect(outcome).toMatchObject({ verdict: 'APPROVED', sequence: 3, amount: 0n });
    expect(world.agentById('a')).toEqual({ ...before, lastSequence: 3 });
    expect(world.entries.at(-1)).toMatchObject({
      kind: 'ANNOTATE',
      amount: money('-24.5'),
      accounts: [{ kind: 'AGENT', uid: before.uid, previousSequence: 2, postings: [] }],
      changes: [
        { field: 'external/budget', before: '100', after: '75.5' },
        { field: 'external/time', before: '', after: '2026-01-01T07:59:59.999Z' },
      ],
      metadata: [['team', 'x']],
    });
    expect(disagreements(world)).toEqual([]);
  });

  test('is refused of who is unknown or was deleted', () => {
    expect(world.verdict(recordBudgetChange('x', '1', '2'))).toBe('AGENT_NOT_FOUND');
    world.must(deleteAgent('a'));
    expect(world.verdict(recordBudgetChange('a', '1', '2'))).toBe('AGENT_CLOSED');
  });

  test('is refused with more digits than the pool has, naming every amount', () => {
    world.must(createPool('cents', '100', { scale: 2 }));
    world.must(createAgent('c', 'cents', '10'));
    expect(world.do(recordBudgetChange('c', '-0.001', '2.125'))).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: [{ field: 'old_budget' }, { field: 'new_budget' }],
    });
    expect(world.verdict(recordBudgetChange('c', '-0.01', '2.12'))).toBe('OK');
  });
});
