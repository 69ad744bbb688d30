/** Budget monitors in decisions. The language has tests of its own. Guide: register_budget_monitor. */
import { beforeEach, expect, test } from 'vitest';
import {
  createAgent,
  createPool,
  moveAgent,
  poolState,
  reserve,
  spend,
} from '../fakes/commands.js';
import {
  createLimit,
  createMonitor,
  deleteMonitor,
  updateMonitor,
} from '../fakes/rule-commands.js';
import { money } from '../support/seed.js';
import { worldWithPool, type World } from '../fakes/world.js';

const EVERY = { kind: 'EVERY_AGENT', id: '' } as const;
const A = { kind: 'AGENT', id: 'a' } as const;

let world: World;
beforeEach(() => {
  world = worldWithPool('1000');
  world.must(createAgent('a', 'p', '100'));
});

test('a monitor denies what its expression does not let pass, and tells it once', () => {
  world.must(createMonitor('cap', 'amount <= 5', A, { severity: 'HIGH' }));
  expect(world.verdict(spend('a', '5'))).toBe('OK');
  const decided = world.do(spend('a', '5.01', { category: 'llm' }));
  expect(decided).toMatchObject({
    outcome: {
      denial: {
        reason: 'MONITOR_REJECTED',
        ruleId: 'cap',
        largestAmount: 0n,
        message: 'Monitor cap does not let it pass',
      },
    },
  });
  world.do(reserve('a', '6'));
  expect(world.events().map(({ violation }) => violation)).toEqual([
    expect.objectContaining({
      type: 'POLICY_BREACH',
      severity: 'HIGH',
      rule: { kind: 'MONITOR', id: 'cap' },
      details: [
        ['amount', '5.01'],
        ['category', 'llm'],
        ['monitor', 'cap'],
      ],
    }),
  ]);
  expect(world.repeats).toHaveLength(1);
});

test('one that reports lets it pass and tells it', () => {
  world.must(createMonitor('see', 'amount < 1', EVERY, { action: 'REPORT', message: 'Large' }));
  expect(world.verdict(spend('a', '2'))).toBe('OK');
  expect(world.events().map(({ violation }) => violation.message)).toEqual(['Large']);
});

test('one that fails at run time denies and says so', () => {
  world.must(createMonitor('tokens', 'quantities.tokens < 10', A));
  expect(world.do(spend('a', '1'))).toMatchObject({
    outcome: { denial: { reason: 'MONITOR_REJECTED', ruleId: 'tokens' } },
  });
  const [event] = world.events();
  expect(event?.violation.details.map(([key]) => key)).toContain('failure');
  const tokens = [{ name: 'tokens', amount: money('9') }];
  expect(world.verdict(spend('a', '1', { quantities: tokens }))).toBe('OK');
});

test('monitors judge what would be granted, after limits and before what is available', () => {
  world.must(createMonitor('cap', 'amount <= 60', A));
  expect(world.verdict(spend('a', '500'))).toBe('MONITOR_REJECTED');
  world.must(createLimit('day', '50', A, { window: { kind: 'LIFETIME' } }));
  expect(world.verdict(spend('a', '500'))).toBe('SPENDING_LIMIT_EXCEEDED');
  expect(world.must(spend('a', '500', { mode: 'UP_TO' })).amount).toBe(money('50'));
});

test('a forced spend is judged by nobody', () => {
  world.must(createMonitor('never', 'false', EVERY));
  expect(world.verdict(spend('a', '1', { mode: 'FORCE' }))).toBe('OK');
  expect(world.verdict(spend('a', '1'))).toBe('MONITOR_REJECTED');
});

test('it judges the agents of its pool, and goes with the pool', () => {
  world.must(createPool('q', '0'));
  world.must(createMonitor('none', 'false', { kind: 'EACH_AGENT_OF_POOL', id: 'q' }));
  expect(world.verdict(spend('a', '1'))).toBe('OK');
  world.must(moveAgent('a', 'q'));
  expect(world.verdict(spend('a', '1'))).toBe('MONITOR_REJECTED');
  world.must(moveAgent('a', 'p'));
  world.must(poolState('DELETE_POOL', 'q'));
  expect(world.rules.monitors.size).toBe(0);
});

test('an expression that is none is refused with its place', () => {
  expect(world.do(createMonitor('x', 'amount <\n  0.5', A))).toMatchObject({
    reason: 'EXPRESSION_INVALID',
    metadata: { line: '2' },
    fields: [{ field: 'expression' }],
  });
  world.must(createMonitor('y', 'true', A));
  expect(world.verdict(updateMonitor('y', { expression: 'amount' }))).toBe('EXPRESSION_INVALID');
});

test('an update judges by the new expression, a deletion by none', () => {
  world.must(createMonitor('x', 'false', A));
  world.do(spend('a', '1'));
  world.must(updateMonitor('x', { expression: 'amount < 2' }));
  expect(world.verdict(spend('a', '1'))).toBe('OK');
  expect(world.verdict(spend('a', '2'))).toBe('MONITOR_REJECTED');
  world.must(deleteMonitor('x'));
  expect(world.verdict(spend('a', '2'))).toBe('OK');
  expect(world.events().map(({ kind }) => kind)).toEqual([
    'OPENED',
    'EPISODE_ENDED',
    'OPENED',
    'EPISODE_ENDED',
  ]);
});

test.each([
  [createMonitor('x', 'true', A), 'MONITOR_ALREADY_EXISTS'],
  [createMonitor('z', 'true', { kind: 'AGENT', id: 'nobody' }), 'AGENT_NOT_FOUND'],
  [updateMonitor('z', { message: 'm' }), 'MONITOR_NOT_FOUND'],
  [deleteMonitor('z'), 'MONITOR_NOT_FOUND'],
  [{ ...updateMonitor('x', { message: 'm' }), expectedRevision: 9 }, 'REVISION_STALE'],
])('refusal %#', (command, reason) => {
  world.must(createMonitor('x', 'true', A));
  expect(world.verdict(command)).toBe(reason);
});
