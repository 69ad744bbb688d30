import { describe, expect, test } from 'vitest';
import { EPISODE_MS } from '../../src/domain/violation.js';
import * as order from '../fakes/commands.js';
import { MINUTE, SECOND } from '../fakes/manual-time.js';
import { escalate, report, resolve, said } from '../fakes/violations.js';
import { worldWithPool, type World } from '../fakes/world.js';

/** An agent `a` of pool `p` that has 100. */
function world(): World {
  const made = worldWithPool();
  made.must(order.createAgent('a', 'p', '100'));
  return made;
}

function told(it: World): readonly string[] {
  return it.events().map(said);
}

function hold(it: World, amount: string, ttlMs = MINUTE): string {
  return it.must(order.reserve('a', amount, { ttlMs })).reservation!.id;
}

const DENIED = '1 OPENED #1 MEDIUM OVERSPEND OPEN x1';
const OVERSPENT = '1 OPENED #1 HIGH OVERSPEND OPEN x1';

interface Case {
  readonly name: string;
  readonly happens: (it: World) => void;
  readonly expected: readonly string[];
}

const CASES: readonly Case[] = [
  {
    name: 'a spend that is covered',
    happens: (it) => it.do(order.spend('a', '100')),
    expected: [],
  },
  {
    name: 'a spend that is denied for lack of money',
    happens: (it) => it.do(order.spend('a', '101')),
    expected: [DENIED],
  },
  {
    name: 'a hold that is denied for lack of money',
    happens: (it) => it.do(order.reserve('a', '100.5')),
    expected: [DENIED],
  },
  {
    name: 'denials in a row',
    happens: (it) => {
      for (let times = 0; times < 5; times += 1) {
        it.now += MINUTE;
        it.do(order.spend('a', '101'));
      }
    },
    expected: [DENIED],
  },
  {
    name: 'a denial after five minutes without any',
    happens: (it) => {
      it.do(order.spend('a', '101'));
      it.now += EPISODE_MS;
      it.do(order.spend('a', '101'));
    },
    expected: [
      DENIED,
      '2 EPISODE_ENDED #1 MEDIUM OVERSPEND ENDED x1',
      '3 OPENED #3 MEDIUM OVERSPEND OPEN x1',
    ],
  },
  {
    name: 'a forced cost that is covered',
    happens: (it) => it.do(order.spend('a', '100', { mode: 'FORCE' })),
    expected: [],
  },
  {
    name: 'a forced cost that is not covered',
    happens: (it) => it.do(order.spend('a', '100.000001', { mode: 'FORCE' })),
    expected: [OVERSPENT],
  },
  {
    name: 'a denial after a forced cost: another rule',
    happens: (it) => {
      it.do(order.spend('a', '110', { mode: 'FORCE' }));
      it.do(order.spend('a', '1'));
    },
    expected: [OVERSPENT, '2 OPENED #2 MEDIUM OVERSPEND OPEN x1'],
  },
  {
    name: 'a commit above its hold that is covered',
    happens: (it) => it.do(order.commit(hold(it, '50'), '100')),
    expected: [],
  },
  {
    name: 'a commit above its hold that is not',
    happens: (it) => it.do(order.commit(hold(it, '50'), '101')),
    expected: [OVERSPENT],
  },
  {
    name: 'a late commit when the money is spent',
    happens: (it) => {
      const id = hold(it, '60');
      it.now += 2 * MINUTE;
      it.sweep();
      it.must(order.spend('a', '90'));
      it.must(order.commit(id, '60'));
    },
    expected: [OVERSPENT],
  },
  {
    name: 'growth past what a pool keeps for emergencies',
    happens: (it) => {
      it.must(order.createPool('q', '100', { minBalance: 50n * 10n ** 12n }));
      it.do(order.createAgent('b', 'q', '60'));
    },
    expected: ['1 OPENED #1 CRITICAL POOL_BREACH OPEN x1'],
  },
];

describe('what violates', () => {
  test.each(CASES)('$name', ({ happens, expected }) => {
    const it = world();
    happens(it);
    expect(told(it)).toEqual(expected);
  });

  test('an attempt says so, and by how much', () => {
    const it = world();
    it.do(order.spend('a', '101.5'));
    expect(it.events()[0]?.violation).toMatchObject({
      rule: { kind: 'BUDGET', id: 'a' },
      agentId: 'a',
      poolId: 'p',
      source: 'DETECTED',
      details: [
        ['amount', '101.5'],
        ['attempted', 'true'],
        ['available', '100'],
        ['overage', '1.5'],
      ],
      entrySequence: 0,
    });
  });

  test('an overspend names its entry', () => {
    const it = world();
    const { sequence } = it.must(order.spend('a', '101', { mode: 'FORCE' }));
    expect(it.events()[0]?.violation).toMatchObject({ entrySequence: sequence });
  });
});

describe('a report', () => {
  test('opens a violation each time, and writes no entry', () => {
    const it = world();
    const entries = it.headSequence;
    const { violation } = it.must(report('a', { severity: 'HIGH', details: [['tool', 'search']] }));
    it.must(report('a'));
    expect(violation).toMatchObject({
      sequence: 1,
      source: 'REPORTED',
      reporter: 'agent',
      severity: 'HIGH',
      details: [['tool', 'search']],
      rule: { kind: 'CLIENT', id: 'a' },
    });
    expect(told(it)).toEqual([
      '1 OPENED #1 HIGH CUSTOM OPEN x1',
      '2 OPENED #2 MEDIUM CUSTOM OPEN x1',
    ]);
    expect(it.headSequence).toBe(entries);
  });

  test('of nobody, or of a deleted agent, is refused', () => {
    const it = world();
    it.must(order.createAgent('gone', 'p', '1'));
    it.must(order.deleteAgent('gone'));
    expect(it.verdict(report('nobody'))).toBe('AGENT_NOT_FOUND');
    expect(it.verdict(report('gone'))).toBe('AGENT_CLOSED');
  });

  test('of a frozen agent is taken', () => {
    const it = world();
    it.must(order.agentState('FREEZE_AGENT', 'a'));
    expect(it.verdict(report('a'))).toBe('OK');
  });

  test('is taken 60 times in any minute, per agent', () => {
    const it = world();
    it.must(order.createAgent('b', 'p', '1'));
    for (let times = 0; times < 60; times += 1) {
      it.must(report('a'));
      it.now += 500;
    }
    const refused = it.do(report('a'));
    expect(refused).toMatchObject({
      reason: 'TOO_MANY_REPORTS',
      metadata: { agent_id: 'a', reports_max: '60' },
      retryAfterMs: 30 * SECOND,
    });
    expect(it.verdict(report('b'))).toBe('OK');
    it.now += 30 * SECOND;
    expect(it.verdict(report('a'))).toBe('OK');
    expect(it.verdict(report('a'))).toBe('TOO_MANY_REPORTS');
  });
});

describe('what an operator does to a violation', () => {
  test('is one entry that names the change, and an event', () => {
    const it = world();
    it.do(order.spend('a', '101'));
    it.must(escalate(1, 'CRITICAL', { note: 'it goes on' }));
    const { violation } = it.must(resolve(1));
    expect(told(it)).toEqual([
      DENIED,
      '2 ESCALATED #1 CRITICAL OVERSPEND OPEN x1',
      '3 RESOLVED #1 CRITICAL OVERSPEND RESOLVED x1',
    ]);
    expect(it.events()[1]?.violation).toMatchObject({ actor: 'admin', note: 'it goes on' });
    expect(violation).toMatchObject({ actor: 'admin', note: 'seen', endTime: it.now });
    expect(it.entries.slice(-2)).toMatchObject([
      {
        kind: 'CONFIGURE',
        accounts: [],
        changes: [{ field: 'violation/1.severity', before: 'MEDIUM', after: 'CRITICAL' }],
      },
      {
        kind: 'CONFIGURE',
        accounts: [],
        changes: [{ field: 'violation/1.state', before: 'OPEN', after: 'RESOLVED' }],
      },
    ]);
  });

  test('ends its episode: the next denial opens a new one', () => {
    const it = world();
    it.do(order.spend('a', '101'));
    it.must(resolve(1));
    it.do(order.spend('a', '101'));
    expect(told(it).at(-1)).toBe('3 OPENED #3 MEDIUM OVERSPEND OPEN x1');
    it.do(order.spend('a', '101'));
    expect(told(it)).toHaveLength(3);
  });

  test('leaves a later episode of the same rule alone', () => {
    const it = world();
    it.do(order.spend('a', '101'));
    it.must(report('a'));
    it.must(resolve(2));
    it.do(order.spend('a', '101'));
    expect(told(it)).toHaveLength(3);
  });

  test.each([
    ['resolve one that is not there', () => resolve(9), 'VIOLATION_NOT_FOUND'],
    ['escalate one that is not there', () => escalate(9, 'HIGH'), 'VIOLATION_NOT_FOUND'],
    ['resolve it again', () => resolve(1), 'VIOLATION_ALREADY_RESOLVED'],
    ['escalate a resolved one', () => escalate(1, 'HIGH'), 'VIOLATION_ALREADY_RESOLVED'],
    ['escalate to what it has', () => escalate(2, 'MEDIUM'), 'INVALID_REQUEST'],
    ['escalate to less', () => escalate(2, 'LOW'), 'INVALID_REQUEST'],
  ])('is refused: %s', (_name, command, reason) => {
    const it = world();
    it.must(report('a'));
    it.must(report('a'));
    it.must(resolve(1));
    const before = told(it);
    expect(it.verdict(command())).toBe(reason);
    expect(told(it)).toEqual(before);
  });
});
