/** Who gets how much emergency money, by which rule. */
import { formatAmount } from '../../src/domain/amount.js';
import type { Decided } from '../../src/domain/decided.js';
import type { EmergencyTerms } from '../../src/domain/emergency/policy.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentState,
  createAgent,
  createPool,
  deleteAgent,
  fundPool,
  poolState,
  setBudget,
  spend,
  updatePool,
} from '../fakes/commands.js';
import {
  removeEmergencyPolicy,
  requestEmergency,
  setEmergencyPolicy,
} from '../fakes/emergency-commands.js';
import { DAY, MINUTE } from '../fakes/manual-time.js';
import { disagreements, worldWithPool, type World } from '../fakes/world.js';
import { money } from '../support/seed.js';

let world: World;
beforeEach(() => {
  world = worldWithPool('1000');
});
afterEach(() => {
  expect(disagreements(world)).toEqual([]);
});

/** `outcome amount rule`, or the reason of a rejection. */
function said(decided: Decided): string {
  if (decided.verdict === 'REJECTED') return decided.reason;
  const { outcome, approved, rule } = decided.outcome.emergency!;
  return `${outcome} ${formatAmount(approved)} ${rule}`;
}

function ask(agentId: string, amount: string, reason?: string): string {
  return said(world.do(requestEmergency(agentId, amount, reason)));
}

/** An agent that was given 100 and has some of it left. */
function agentWith(left: string, priority: number, id = 'a'): void {
  world.must(createAgent(id, 'p', '100', { priority }));
  world.must(spend(id, formatAmount(money('100') - money(left))));
}

describe('the golden cases', () => {
  test.each([
    [8, 'x', 'APPROVED 50 PRIORITY', '60'],
    [7, 'x', 'APPROVED 50 PRIORITY', '60'],
    [6, 'CRITICAL outage', 'PARTIALLY_APPROVED 25 CRITICAL_REASON', '35'],
    [6, 'routine', 'DENIED 0 NOT_JUSTIFIED', '10'],
    [2, 'this is non-critical', 'DENIED 0 NOT_JUSTIFIED', '10'],
  ])('priority %i saying "%s" asks 50 with 10 left: %s', (priority, reason, expected, left) => {
    agentWith('10', priority);
    expect(ask('a', '50', reason)).toBe('DENIED 0 OFF');
    world.must(setEmergencyPolicy('p'));
    expect(ask('a', '50', reason)).toBe(expected);
    expect(world.budget('a').remaining).toBe(left);
  });

  test('an agent with 300 that asks 150 ends with 450', () => {
    world.must(createAgent('a', 'p', '300', { priority: 8 }));
    world.must(setEmergencyPolicy('p'));
    expect(ask('a', '150')).toBe('APPROVED 150 PRIORITY');
    expect(world.budget('a')).toMatchObject({ allocated: '450', remaining: '450' });
    expect(world.money('p')).toMatchObject({ funded: '1000', unallocated: '550' });
  });

  test('the request that passes the cap of the day is cut to it, the next is denied', () => {
    agentWith('10', 8);
    world.must(setEmergencyPolicy('p'));
    expect(ask('a', '70')).toBe('APPROVED 70 PRIORITY');
    expect(ask('a', '50')).toBe('PARTIALLY_APPROVED 30 PER_DAY_MAX');
    expect(ask('a', '1')).toBe('DENIED 0 PER_DAY_MAX');
    expect(world.budget('a').remaining).toBe('110');
  });

  test('an emergency to 290 reads 100 % of 290, the next SetBudget 100 100 % of 100', () => {
    world.must(createAgent('a', 'p', '100', { priority: 9 }));
    world.must(setEmergencyPolicy('', { perDayMax: money('500') }));
    ask('a', '190');
    expect(formatAmount(world.agentById('a')!.baseline)).toBe('290');
    world.must(setBudget('a', '100'));
    expect(formatAmount(world.agentById('a')!.baseline)).toBe('100');
  });
});

describe('the entry', () => {
  test('of an approved request is one, and carries its id', () => {
    agentWith('10', 8);
    world.must(setEmergencyPolicy('p'));
    const before = world.entries.length;
    const { emergency, sequence } = world.must(requestEmergency('a', '50'));
    expect(world.entries.slice(before)).toMatchObject([
      {
        kind: 'EMERGENCY',
        sequence,
        amount: money('50'),
        metadata: [['emergency_request_id', emergency!.request.id]],
        accounts: [
          { kind: 'AGENT', postings: [{ field: 'allocated', delta: money('50') }] },
          { kind: 'POOL', postings: [{ field: 'unallocated', delta: -money('50') }] },
        ],
      },
    ]);
    expect(emergency!.request.sequence).toBe(sequence);
  });

  test('of a denied one is none, and no balance changes', () => {
    agentWith('10', 2);
    world.must(setEmergencyPolicy('p'));
    const before = [world.entries.length, world.agentById('a'), world.poolById('p')];
    expect(ask('a', '50')).toBe('DENIED 0 NOT_JUSTIFIED');
    expect([world.entries.length, world.agentById('a'), world.poolById('p')]).toEqual(before);
  });
});

describe('the policy', () => {
  beforeEach(() => agentWith('10', 8));

  test('of the pool wins over the server’s, and may be taken away again', () => {
    expect(ask('a', '1')).toBe('DENIED 0 OFF');
    world.must(setEmergencyPolicy(''));
    expect(ask('a', '1')).toBe('APPROVED 1 PRIORITY');
    world.must(setEmergencyPolicy('p', { enabled: false }));
    expect(ask('a', '1')).toBe('DENIED 0 OFF');
    world.must(removeEmergencyPolicy('p'));
    expect(ask('a', '1')).toBe('APPROVED 1 PRIORITY');
    world.must(removeEmergencyPolicy(''));
    expect(ask('a', '1')).toBe('DENIED 0 OFF');
  });

  test('says why when it is off', () => {
    const why = () => {
      const decided = world.do(requestEmergency('a', '50'));
      return decided.verdict === 'JUDGED' && decided.outcome.emergency!.explanation;
    };
    expect(why()).toBe(
      'Denied 50 USD: emergencies are off until an operator sets a policy for pool p or the server.',
    );
    world.must(setEmergencyPolicy('', { enabled: false }));
    expect(why()).toBe('Denied 50 USD: emergencies are switched off by the policy of the server.');
    world.must(setEmergencyPolicy('p', { enabled: false }));
    expect(why()).toBe('Denied 50 USD: emergencies are switched off by the policy of pool p.');
  });

  test('is one entry that names what changed, and none when nothing did', () => {
    world.must(setEmergencyPolicy('p', { perDayMax: money('70') }));
    const set = world.must(setEmergencyPolicy('p', { perDayMax: money('80'), mint: true }));
    expect(set.emergencyPolicy).toMatchObject({ revision: 2, scope: { kind: 'POOL' } });
    expect(world.entries.at(-1)).toMatchObject({
      kind: 'CONFIGURE',
      accounts: [],
      changes: [
        { field: 'emergency_policy/p.per_day_max', before: '70', after: '80' },
        { field: 'emergency_policy/p.mint', before: 'false', after: 'true' },
      ],
    });
    const again = world.must(setEmergencyPolicy('p', { perDayMax: money('80'), mint: true }));
    expect([again.sequence, again.emergencyPolicy]).toEqual([0, set.emergencyPolicy]);
    const removed = world.must(removeEmergencyPolicy('p'));
    expect(removed.emergencyPolicy).toBeUndefined();
    expect(world.entries.at(-1)!.changes).toContainEqual({
      field: 'emergency_policy/p.per_day_max',
      before: '80',
      after: '',
    });
    expect(world.must(removeEmergencyPolicy('p')).sequence).toBe(0);
  });

  test('is refused for an unknown pool, a stale revision and digits beyond the scale', () => {
    expect(world.verdict(setEmergencyPolicy('q'))).toBe('POOL_NOT_FOUND');
    expect(world.verdict(setEmergencyPolicy('p', {}, { expectedRevision: 1 }))).toBe(
      'REVISION_STALE',
    );
    world.must(setEmergencyPolicy('p'));
    world.must(setEmergencyPolicy('p', { mint: true }, { expectedRevision: 1 }));
    const digits = { perDayMax: money('0.0000001'), approvalAbove: money('0.0000002') };
    expect(world.do(setEmergencyPolicy('p', digits))).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: [{ field: 'policy.per_day_max' }, { field: 'policy.approval_above' }],
    });
  });

  test('goes with its pool', () => {
    world.must(setEmergencyPolicy('p'));
    world.must(deleteAgent('a'));
    world.must(poolState('DELETE_POOL', 'p'));
    expect(world.rules.rows.emergency_policies.size).toBe(0);
  });
});

describe('terms', () => {
  test.each<[string, Partial<EmergencyTerms>, string, string]>([
    ['nobody by priority', { priorityThreshold: 11 }, 'x', 'DENIED 0 NOT_JUSTIFIED'],
    ['everybody', { priorityThreshold: 1 }, 'x', 'APPROVED 50 PRIORITY'],
    [
      'a third for the critical',
      { priorityThreshold: 9, criticalShare: money('0.333333333333') },
      'critical',
      'PARTIALLY_APPROVED 16.666666 CRITICAL_REASON',
    ],
    [
      'all for the critical',
      { priorityThreshold: 9, criticalShare: money('1') },
      'critical',
      'APPROVED 50 CRITICAL_REASON',
    ],
    [
      'nothing for the critical',
      { priorityThreshold: 9, criticalShare: 0n },
      'critical',
      'DENIED 0 CRITICAL_REASON',
    ],
    [
      'a most per request',
      { perRequestMax: money('20') },
      'x',
      'PARTIALLY_APPROVED 20 PER_REQUEST_MAX',
    ],
    [
      'a tighter most per day',
      { perRequestMax: money('20'), perDayMax: money('15') },
      'x',
      'PARTIALLY_APPROVED 15 PER_DAY_MAX',
    ],
    ['nothing per day', { perDayMax: 0n }, 'x', 'DENIED 0 PER_DAY_MAX'],
    [
      'finer than the pool',
      { perDayMax: money('1.0000009') },
      'x',
      'PARTIALLY_APPROVED 1 PER_DAY_MAX',
    ],
  ])('that give %s', (_name, terms, reason, expected) => {
    agentWith('10', 8);
    world.must(setEmergencyPolicy('', terms));
    expect(ask('a', '50', reason)).toBe(expected);
  });

  test('an agent without an initial budget gets nothing until a cap is set', () => {
    world.must(createAgent('a', 'p', '0', { priority: 8 }));
    world.must(setEmergencyPolicy('p'));
    const denied = world.do(requestEmergency('a', '5'));
    expect(denied).toMatchObject({
      outcome: {
        emergency: {
          explanation:
            'Denied 5 USD: agent a gets at most 0 USD, its initial budget, in 24 hours and has got 0.',
          retryTime: 0,
        },
      },
    });
    world.must(setEmergencyPolicy('p', { perDayMax: money('5') }));
    expect(ask('a', '5')).toBe('APPROVED 5 PRIORITY');
  });

  test('a pool of scale 0 gives whole ones, and may give nothing', () => {
    world.must(createPool('whole', '100', { scale: 0 }));
    world.must(createAgent('w', 'whole', '10'));
    world.must(setEmergencyPolicy('whole'));
    expect(ask('w', '3', 'critical')).toBe('PARTIALLY_APPROVED 1 CRITICAL_REASON');
    expect(ask('w', '1', 'critical')).toBe('DENIED 0 CRITICAL_REASON');
    expect(ask('w', '0.5', 'critical')).toBe('INVALID_REQUEST');
  });
});

describe('time', () => {
  test('a grant leaves the cap after 24 hours, up to 24 minutes late and never early', () => {
    agentWith('10', 8);
    world.must(setEmergencyPolicy('p'));
    ask('a', '60');
    world.now += 60 * MINUTE;
    ask('a', '40');
    const denied = world.do(requestEmergency('a', '10'));
    const retry = denied.verdict === 'JUDGED' ? denied.outcome.emergency!.retryTime : 0;
    const granted = world.now - 60 * MINUTE;
    expect(retry).toBeGreaterThan(granted + DAY);
    expect(retry).toBeLessThanOrEqual(granted + DAY + 24 * MINUTE);
    world.now = retry - 1;
    expect(ask('a', '10')).toBe('DENIED 0 PER_DAY_MAX');
    world.now = retry;
    expect(ask('a', '80')).toBe('PARTIALLY_APPROVED 60 PER_DAY_MAX');
  });

  test('a cooldown counts from the last grant, and says when it is over', () => {
    agentWith('10', 8);
    world.must(setEmergencyPolicy('p', { cooldownMs: 10 * MINUTE }));
    expect(ask('a', '10')).toBe('APPROVED 10 PRIORITY');
    world.now += 10 * MINUTE - 1;
    expect(world.do(requestEmergency('a', '10'))).toMatchObject({
      outcome: { verdict: 'DENIED', emergency: { rule: 'COOLDOWN', retryTime: world.now + 1 } },
    });
    world.now += 1;
    expect(ask('a', '10')).toBe('APPROVED 10 PRIORITY');
  });
});

describe('the pool’s money', () => {
  beforeEach(() => {
    world.must(setEmergencyPolicy('', { perDayMax: money('10000') }));
  });

  test('kept for emergencies is spent by them, at most all of it', () => {
    agentWith('10', 8);
    world.must(updatePool('p', { minBalance: money('900') }));
    expect(world.verdict(setBudget('a', '11'))).toBe('INSUFFICIENT_POOL_BUDGET');
    expect(ask('a', '950')).toBe('PARTIALLY_APPROVED 900 POOL_MONEY');
    expect(ask('a', '1')).toBe('DENIED 0 POOL_MONEY');
    expect(world.money('p')).toMatchObject({ funded: '1000', unallocated: '0' });
  });

  test('that others owe is not given away', () => {
    agentWith('100', 8);
    agentWith('100', 5, 'debtor');
    world.must(spend('debtor', '150', { mode: 'FORCE' }));
    expect(ask('a', '1000')).toBe('PARTIALLY_APPROVED 750 POOL_MONEY');
    expect(world.money('p')).toMatchObject({ unallocated: '50', debt: '50' });
  });

  test('that the agent owes itself pays its debt', () => {
    agentWith('100', 8);
    world.must(spend('a', '150', { mode: 'FORCE' }));
    world.must(fundPool('p', '-850'));
    expect(world.money('p')).toMatchObject({ unallocated: '50', debt: '50' });
    expect(ask('a', '80')).toBe('PARTIALLY_APPROVED 50 POOL_MONEY');
    expect(world.budget('a').remaining).toBe('0');
    expect(world.money('p')).toMatchObject({ unallocated: '0', debt: '0' });
  });

  test.each([
    ['FIXED', false, 'DENIED 0 POOL_MONEY', '0'],
    ['FIXED', true, 'DENIED 0 POOL_MONEY', '0'],
    ['ON_DEMAND', false, 'DENIED 0 POOL_MONEY', '0'],
    ['ON_DEMAND', true, 'APPROVED 50 PRIORITY', '50'],
  ] as const)('of a %s pool with mint = %s: %s', (funding, mint, expected, minted) => {
    world.must(createPool('q', '100', { funding }));
    world.must(createAgent('b', 'q', '100', { priority: 8 }));
    world.must(setEmergencyPolicy('q', { mint }));
    expect(ask('b', '50')).toBe(expected);
    const funded = formatAmount(money('100') + money(minted));
    expect(world.money('q')).toMatchObject({ funded, unallocated: '0' });
  });

  test('is minted only as far as it is missing, what is kept back is used first', () => {
    world.must(createPool('q', '130', { funding: 'ON_DEMAND', minBalance: money('30') }));
    world.must(createAgent('b', 'q', '100', { priority: 8 }));
    world.must(setEmergencyPolicy('q', { mint: true }));
    expect(ask('b', '50')).toBe('APPROVED 50 PRIORITY');
    expect(world.money('q')).toMatchObject({ funded: '150', unallocated: '0' });
    expect(world.entries.at(-1)!.accounts.map(({ kind }) => kind)).toEqual(['AGENT', 'POOL']);
  });
});

describe('an agent', () => {
  test.each([
    ['that is frozen', () => agentState('FREEZE_AGENT', 'a'), 'DENIED 0 AGENT_FROZEN'],
    ['in a frozen pool', () => poolState('FREEZE_POOL', 'p'), 'DENIED 0 POOL_FROZEN'],
    ['that was deleted', () => deleteAgent('a'), 'AGENT_CLOSED'],
  ] as const)('%s gets %s', (_name, command, expected) => {
    agentWith('10', 8);
    world.must(setEmergencyPolicy('p'));
    world.must(command());
    expect(ask('a', '50')).toBe(expected);
  });

  test('that is unknown is an error', () => {
    expect(ask('nobody', '1')).toBe('AGENT_NOT_FOUND');
  });
});
