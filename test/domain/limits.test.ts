/** Spending limits as a user would try them. Guide: set_spending_limit. */
import { beforeEach, describe, expect, test } from 'vitest';
import { formatAmount } from '../../src/domain/amount.js';
import type { Denial } from '../../src/domain/answer.js';
import type { LimitKind } from '../../src/domain/limit.js';
import {
  commit,
  createAgent,
  createPool,
  deleteAgent,
  moveAgent,
  refund,
  release,
  reserve,
  setBudget,
  spend,
} from '../fakes/commands.js';
import { createLimit, deleteLimit, updateLimit } from '../fakes/rule-commands.js';
import { DAY, HOUR, MINUTE } from '../fakes/manual-time.js';
import { money } from '../support/seed.js';
import { verdictOf, worldWithPool, type World } from '../fakes/world.js';

const A = { kind: 'AGENT', id: 'a' } as const;
const P = { kind: 'POOL', id: 'p' } as const;
const EACH = { kind: 'EACH_AGENT_OF_POOL', id: 'p' } as const;
const PER_REQUEST: LimitKind = { kind: 'PER_REQUEST' };
const LIFETIME: LimitKind = { kind: 'LIFETIME' };
const DAILY: LimitKind = { kind: 'CALENDAR', unit: 'DAY', zone: 'UTC', weekStart: 1 };
const HOURLY: LimitKind = { kind: 'ROLLING', durationMs: HOUR };

let world: World;
beforeEach(() => {
  world = worldWithPool('10000');
  world.must(createAgent('a', 'p', '1000'));
  world.must(createAgent('b', 'p', '1000'));
});

function denial(command: Parameters<World['do']>[0]): Denial {
  const decided = world.do(command);
  if (decided.verdict === 'REJECTED' || decided.outcome.denial === undefined) {
    throw new Error(`not denied: ${verdictOf(decided)}`);
  }
  return decided.outcome.denial;
}

function told(): readonly string[] {
  return world.events().map(({ kind, violation }) => {
    const { type, severity, message, details } = violation;
    return [kind, type, severity, message, JSON.stringify(details)].join(' | ');
  });
}

describe('the golden case: 100 per request', () => {
  test.each([
    ['99', 'OK'],
    ['100', 'OK'],
    ['100.01', 'SPENDING_LIMIT_EXCEEDED'],
  ])('%s is %s', (amount, verdict) => {
    world.must(createLimit('cap', '100', A));
    expect(world.verdict(spend('a', amount))).toBe(verdict);
    expect(world.verdict(spend('b', amount))).toBe('OK');
  });

  test('the denial says by what, by how much, and what would pass', () => {
    world.must(createLimit('cap', '100', A));
    expect(denial(spend('a', '100.01'))).toEqual({
      reason: 'SPENDING_LIMIT_EXCEEDED',
      ruleId: 'cap',
      limit: money('100'),
      counted: 0n,
      shortfall: money('0.01'),
      largestAmount: money('100'),
      retryTime: undefined,
      message: 'Agent a asked for 100.01 to spend and limit cap of 100 has 100 left',
    });
    expect(told()).toEqual([
      'OPENED | BUDGET_LIMIT_EXCEEDED | MEDIUM | Agent exceeded spending limit of 100 | ' +
        '[["limit","100"],["metric","amount"],["overage","0.01"],["spent","100.01"]]',
    ]);
  });
});

describe('what counts', () => {
  test('spends and open holds, and a denied request counts against nothing', () => {
    world.must(createLimit('day', '100', A, { window: DAILY }));
    world.must(createLimit('life', '95', A, { window: LIFETIME }));
    world.must(spend('a', '40'));
    world.must(reserve('a', '50'));
    expect(denial(spend('a', '11'))).toMatchObject({ ruleId: 'day', counted: money('90') });
    expect(denial(spend('a', '6'))).toMatchObject({
      ruleId: 'life',
      counted: money('90'),
      largestAmount: money('5'),
      retryTime: undefined,
    });
    expect(world.verdict(spend('a', '5'))).toBe('OK');
  });

  test('six holds of 1000 do not pass a limit of 5000', () => {
    world.must(setBudget('a', '9000'));
    world.must(createLimit('day', '5000', A, { window: DAILY }));
    const verdicts = Array.from({ length: 6 }, () => world.verdict(reserve('a', '1000')));
    expect(verdicts).toEqual(['OK', 'OK', 'OK', 'OK', 'OK', 'SPENDING_LIMIT_EXCEEDED']);
  });

  test('a hold that is released, expires or costs less gives back the rest', () => {
    world.must(createLimit('day', '100', A, { window: DAILY }));
    const hold = (amount: string): string => world.must(reserve('a', amount)).reservation!.id;
    world.must(release(hold('100')));
    world.must(commit(hold('100'), '30'));
    const partly = hold('70');
    world.must(commit(partly, '20', { final: false }));
    expect(world.verdict(spend('a', '0.01'))).toBe('SPENDING_LIMIT_EXCEEDED');
    world.now += MINUTE;
    world.sweep();
    expect(world.verdict(spend('a', '50'))).toBe('OK');
    expect(world.verdict(spend('a', '0.01'))).toBe('SPENDING_LIMIT_EXCEEDED');
  });

  test('overage and late commits count now, are never refused, and pass the limit as violations', () => {
    world.must(createLimit('day', '100', A, { window: DAILY, severity: 'HIGH' }));
    const over = world.must(reserve('a', '90')).reservation!.id;
    world.must(commit(over, '120'));
    expect(told()).toEqual([
      expect.stringContaining('OPENED | BUDGET_LIMIT_EXCEEDED | HIGH') as string,
    ]);
    world.now += DAY;
    const late = world.must(reserve('a', '100')).reservation!.id;
    world.now += MINUTE;
    world.sweep();
    world.must(commit(late, '100'));
    expect(world.verdict(spend('a', '1'))).toBe('SPENDING_LIMIT_EXCEEDED');
  });

  test('a forced spend counts, passes, and is a violation only beyond the limit', () => {
    world.must(createLimit('day', '100', A, { window: DAILY }));
    world.must(spend('a', '100', { mode: 'FORCE' }));
    expect(told()).toEqual([]);
    world.must(spend('a', '1', { mode: 'FORCE' }));
    expect(told()).toHaveLength(1);
    expect(denial(spend('a', '1')).shortfall).toBe(money('2'));
  });

  test('a quantity is limited like money, and held like it', () => {
    world.must(createLimit('tokens', '1000', A, { window: DAILY, metric: 'tokens' }));
    const tokens = (count: string) => ({
      quantities: [{ name: 'tokens', amount: money(count) }],
    });
    const hold = world.must(reserve('a', '1', tokens('900'))).reservation!.id;
    expect(denial(spend('a', '1', tokens('101')))).toMatchObject({
      ruleId: 'tokens',
      largestAmount: 0n,
      shortfall: money('1'),
    });
    expect(world.verdict(spend('a', '1'))).toBe('OK');
    world.must(commit(hold, '1', tokens('200')));
    expect(world.verdict(spend('a', '1', tokens('800')))).toBe('OK');
  });

  test('requests are counted by the server: the fourth of three is told as RATE_LIMIT', () => {
    const window: LimitKind = { kind: 'ROLLING', durationMs: HOUR };
    world.must(createLimit('rate', '3', A, { window, metric: 'requests' }));
    world.must(spend('a', '1'));
    world.must(reserve('a', '1'));
    world.must(spend('a', '0'));
    const fourth = denial(spend('a', '1'));
    expect(formatAmount(fourth.counted ?? 0n)).toBe('3');
    expect(fourth.retryTime).toBeGreaterThan(world.now + HOUR - 1);
    expect(fourth.retryTime).toBeLessThanOrEqual(world.now + HOUR + MINUTE);
    expect(told()[0]).toContain('RATE_LIMIT');
    world.now = fourth.retryTime!;
    expect(world.verdict(spend('a', '1'))).toBe('OK');
  });

  test('what adds nothing is not judged', () => {
    world.must(createLimit('none', '0', A, { window: LIFETIME }));
    expect(world.verdict(spend('a', '0'))).toBe('OK');
    expect(world.verdict(spend('a', '0.01'))).toBe('SPENDING_LIMIT_EXCEEDED');
  });

  test('a refund lowers the window of its entry while that is open', () => {
    world.must(createLimit('day', '100', A, { window: DAILY }));
    const { sequence } = world.must(spend('a', '100'));
    world.must(refund(sequence, '40'));
    expect(world.verdict(spend('a', '40'))).toBe('OK');
    expect(world.verdict(spend('a', '1'))).toBe('SPENDING_LIMIT_EXCEEDED');
  });

  test('from its creation on, or with include_past from before', () => {
    world.must(spend('a', '60'));
    world.must(reserve('a', '10'));
    world.now += MINUTE / 2;
    world.must(createLimit('new', '100', A, { window: DAILY }));
    world.must(createLimit('past', '100', A, { window: DAILY, includePast: true }));
    world.must(createLimit('rolling', '100', A, { window: HOURLY, includePast: true }));
    expect(denial(spend('a', '31'))).toMatchObject({ ruleId: 'past', counted: money('70') });
    world.must(deleteLimit('past'));
    expect(denial(spend('a', '31'))).toMatchObject({ ruleId: 'rolling', counted: money('70') });
    world.must(deleteLimit('rolling'));
    expect(world.verdict(spend('a', '100'))).toBe('OK');
  });
});

describe('windows', () => {
  test('a day ends at midnight of its zone, and the denial says when', () => {
    const window: LimitKind = {
      kind: 'CALENDAR',
      unit: 'DAY',
      zone: 'Europe/Berlin',
      weekStart: 1,
    };
    world.now = Date.UTC(2026, 2, 28, 22, 59);
    world.must(createLimit('day', '10', A, { window }));
    world.must(spend('a', '10'));
    const { retryTime } = denial(spend('a', '1'));
    expect(new Date(retryTime!).toISOString()).toBe('2026-03-28T23:00:00.000Z');
    world.now = retryTime! - 1;
    expect(world.verdict(spend('a', '1'))).toBe('SPENDING_LIMIT_EXCEEDED');
    world.now = retryTime!;
    world.must(spend('a', '10'));
    // The next day has 23 hours.
    expect(new Date(denial(spend('a', '1')).retryTime!).toISOString()).toBe(
      '2026-03-29T22:00:00.000Z',
    );
  });

  test('waiting does not help what is above the limit by itself', () => {
    world.must(createLimit('day', '10', A, { window: DAILY }));
    world.must(spend('a', '5'));
    expect(denial(spend('a', '11')).retryTime).toBeUndefined();
  });

  test('what a hold of yesterday gives back does not count for today', () => {
    world.now = Date.UTC(2026, 0, 1, 23, 59);
    world.must(createLimit('day', '100', A, { window: DAILY }));
    const hold = world.must(reserve('a', '100', { ttlMs: HOUR })).reservation!.id;
    world.now += 2 * MINUTE;
    world.must(spend('a', '60'));
    world.must(commit(hold, '10'));
    expect(denial(spend('a', '41'))).toMatchObject({ counted: money('60') });
  });
});

describe('whom it is for', () => {
  test('a pool together, or each agent of it by itself, later ones too', () => {
    world.must(createLimit('each', '70', EACH, { window: LIFETIME }));
    world.must(createLimit('pool', '100', P, { window: LIFETIME }));
    world.must(spend('a', '60'));
    expect(denial(spend('b', '41'))).toMatchObject({ ruleId: 'pool', largestAmount: money('40') });
    world.must(spend('b', '30'));
    world.must(createAgent('c', 'p', '100'));
    expect(denial(spend('a', '11'))).toMatchObject({ ruleId: 'each' });
    expect(denial(spend('c', '11'))).toMatchObject({ ruleId: 'pool' });
    expect(world.verdict(spend('c', '10'))).toBe('OK');
  });

  test('open holds move along and count in the new pool', () => {
    world.must(createPool('q', '1000'));
    world.must(createLimit('of-p', '100', P, { window: LIFETIME }));
    world.must(createLimit('of-q', '100', { kind: 'POOL', id: 'q' }, { window: LIFETIME }));
    const hold = world.must(reserve('a', '80')).reservation!.id;
    world.must(moveAgent('a', 'q'));
    expect(world.verdict(spend('b', '100'))).toBe('OK');
    expect(denial(spend('a', '21'))).toMatchObject({ ruleId: 'of-q', counted: money('80') });
    world.must(release(hold));
    expect(world.verdict(spend('a', '100'))).toBe('OK');
  });

  test('what a deleted limit counted goes when its agent counts again, and no other', () => {
    const countedBy = (): readonly number[] => world.row('limit_counts', '2')?.limits ?? [];
    world.must(createLimit('each', '70', EACH, { window: LIFETIME }));
    world.must(createLimit('own', '80', A, { window: LIFETIME }));
    world.must(spend('a', '10'));
    const [each, own] = countedBy();
    world.must(deleteLimit('each'));
    expect(countedBy()).toEqual([each, own]);
    world.must(createLimit('each', '70', EACH, { window: LIFETIME }));
    world.must(spend('a', '5'));
    expect(countedBy()).toEqual([own, world.rules.rows.limits.get('each')?.uid]);
    expect(denial(spend('a', '66'))).toMatchObject({ ruleId: 'each', counted: money('5') });
    expect(world.verdict(spend('a', '65'))).toBe('OK');
  });

  test('what was counted waits for an agent that comes back to a pool', () => {
    world.must(createPool('q', '1000'));
    world.must(createLimit('each', '70', EACH, { window: LIFETIME }));
    world.must(createLimit('own', '1000', A, { window: LIFETIME }));
    world.must(spend('a', '60'));
    world.must(moveAgent('a', 'q'));
    world.must(spend('a', '100'));
    world.must(moveAgent('a', 'p'));
    expect(denial(spend('a', '11'))).toMatchObject({ ruleId: 'each', counted: money('60') });
  });

  test('it goes with its agent', () => {
    world.must(createLimit('cap', '1', A));
    world.must(deleteAgent('a'));
    expect(world.rules.limits.size).toBe(0);
    world.must(createAgent('a', 'p', '10'));
    expect(world.verdict(spend('a', '10'))).toBe('OK');
  });
});

describe('modes and enforcement', () => {
  test('UP_TO grants what every limit and the budget let through', () => {
    world.must(createLimit('day', '100', A, { window: DAILY }));
    world.must(createLimit('cap', '70', A));
    expect(world.must(spend('a', '80', { mode: 'UP_TO' })).amount).toBe(money('70'));
    expect(world.must(spend('a', '80', { mode: 'UP_TO' })).amount).toBe(money('30'));
    expect(denial(spend('a', '80', { mode: 'UP_TO' }))).toMatchObject({
      ruleId: 'day',
      largestAmount: 0n,
    });
  });

  test('OBSERVE lets it pass and tells it once an episode', () => {
    world.must(createLimit('see', '10', A, { enforcement: 'OBSERVE', severity: 'LOW' }));
    world.must(spend('a', '11'));
    world.must(spend('a', '12'));
    expect(told()).toHaveLength(1);
    expect(world.repeats).toHaveLength(1);
    expect(world.verdict(spend('a', '9'))).toBe('OK');
  });

  test('OBSERVE cuts nothing, neither what UP_TO grants nor what a denial names', () => {
    world.must(createLimit('see', '10', A, { enforcement: 'OBSERVE' }));
    world.must(createLimit('cap', '70', A));
    expect(denial(spend('a', '71'))).toMatchObject({ ruleId: 'cap', largestAmount: money('70') });
    expect(world.must(spend('a', '80', { mode: 'UP_TO' })).amount).toBe(money('70'));
  });

  test('the first limit by id is named, before what is available', () => {
    world.must(createLimit('z', '1', A));
    world.must(createLimit('m', '1', EACH));
    expect(denial(spend('a', '5000')).ruleId).toBe('m');
  });

  test('an update keeps what was counted and ends the episode', () => {
    world.must(createLimit('day', '100', A, { window: DAILY }));
    world.must(spend('a', '100'));
    world.do(spend('a', '1'));
    world.must(updateLimit('day', { value: money('150') }));
    expect(told().map((line) => line.split(' | ')[0])).toEqual(['OPENED', 'EPISODE_ENDED']);
    expect(denial(spend('a', '51'))).toMatchObject({ counted: money('100') });
  });
});

describe('what is refused', () => {
  test.each([
    [createLimit('cap', '1', A), 'LIMIT_ALREADY_EXISTS'],
    [createLimit('x', '1', { kind: 'AGENT', id: 'nobody' }), 'AGENT_NOT_FOUND'],
    [createLimit('x', '1', { kind: 'POOL', id: 'nowhere' }), 'POOL_NOT_FOUND'],
    [createLimit('x', '0.0000001', A), 'INVALID_REQUEST'],
    [updateLimit('nothing', { value: 1n }), 'LIMIT_NOT_FOUND'],
    [deleteLimit('nothing'), 'LIMIT_NOT_FOUND'],
    [{ ...deleteLimit('cap'), expectedRevision: 7 }, 'REVISION_STALE'],
  ])('case %#', (command, reason) => {
    world.must(createLimit('cap', '1', A, { window: PER_REQUEST }));
    expect(world.verdict(command)).toBe(reason);
  });
});
