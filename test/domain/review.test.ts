/** Reviews: who has much or little left, in numbers and in the guide's words. */
import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { Decimal } from 'decimal.js';
import { formatAmount, percentOf } from '../../src/domain/amount.js';
import { poolRemainingOf, remainingOf } from '../../src/domain/budget.js';
import type { Agent, Pool } from '../../src/domain/model.js';
import {
  DEFAULT_THRESHOLDS,
  FINDING_KINDS,
  FINDING_ORDER,
  FINDING_SEVERITIES,
  isAgentReviewed,
  isPoolReviewed,
  judgeAgent,
  judgePool,
  REVIEWS_MAX,
  type FindingKind,
  type ReviewThresholds,
  type RunReviewCommand,
} from '../../src/domain/review.js';
import { findingMessage } from '../../src/domain/review-text.js';
import { SEVERITIES } from '../../src/domain/violation.js';
import { reviewOf } from '../fakes/annotations.js';
import {
  createAgent,
  createPool,
  deleteAgent,
  poolState,
  reserve,
  spend,
} from '../fakes/commands.js';
import { SECOND, T0 } from '../fakes/manual-time.js';
import { worldWithPool, type World } from '../fakes/world.js';
import { agent, pool } from '../rpc/support/rows.js';
import { money, runs } from '../support/seed.js';

function agentWith(remaining: string, baseline: string): Agent {
  const allocated = money(remaining);
  return agent({ allocated, spent: 0n, reserved: 0n, baseline: money(baseline) });
}

function poolWith(remaining: string, baseline: string): Pool {
  return pool({ funded: money(remaining), spent: 0n, reserved: 0n, baseline: money(baseline) });
}

describe('of an agent of 100', () => {
  test.each<[remaining: string, finding: FindingKind | undefined]>([
    ['91', 'AGENT_UNDERUSED'],
    ['90.000000000001', 'AGENT_UNDERUSED'],
    ['90', undefined],
    ['50', undefined],
    ['10', undefined],
    ['9.999999999999', 'AGENT_DEPLETED'],
    ['9', 'AGENT_DEPLETED'],
    ['0', 'AGENT_DEPLETED'],
    ['-5', 'AGENT_DEPLETED'],
  ])('with %s left is found %s', (remaining, finding) => {
    expect(judgeAgent(agentWith(remaining, '100'), DEFAULT_THRESHOLDS)).toBe(finding);
  });

  test('holds count as used', () => {
    const world = worldWithPool();
    world.must(createAgent('a', 'p', '100'));
    world.must(reserve('a', '91'));
    expect(judgeAgent(world.agentById('a')!, DEFAULT_THRESHOLDS)).toBe('AGENT_DEPLETED');
  });
});

test.each<[remaining: string, finding: FindingKind | undefined]>([
  ['200', undefined],
  ['199.999999999999', 'POOL_LOW'],
  ['199', 'POOL_LOW'],
  ['-1', 'POOL_LOW'],
])('of a pool of 1000 with %s left is found %s', (remaining, finding) => {
  expect(judgePool(poolWith(remaining, '1000'), DEFAULT_THRESHOLDS)).toBe(finding);
});

test('it is judged by what is there, not by the digits that are printed', () => {
  const row = agentWith('0.3', '3.000000000001');
  expect(percentOf(remainingOf(row), row.baseline)).toBe('9.9999');
  expect(judgeAgent(row, DEFAULT_THRESHOLDS)).toBe('AGENT_DEPLETED');
  const above = agentWith('900000000000.000000000001', '1000000000000');
  expect(percentOf(remainingOf(above), above.baseline)).toBe('90');
  expect(judgeAgent(above, DEFAULT_THRESHOLDS)).toBe('AGENT_UNDERUSED');
});

test('whatever the thresholds are, a decimal of any length agrees', () => {
  const amount = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n });
  const percent = fc.bigInt({ min: 0n, max: 100n * 10n ** 12n });
  const exact = (value: bigint) => new (Decimal.clone({ precision: 200 }))(formatAmount(value));
  const check = fc.property(
    fc.oneof(amount, fc.constant(money('10'))),
    fc.bigInt({ min: 1n, max: 10n ** 20n }),
    fc.tuple(percent, percent),
    (remaining, baseline, pair) => {
      const [low, high] = pair[0] < pair[1] ? pair : [pair[1], pair[0]];
      const thresholds: ReviewThresholds = {
        agentUnderusedPercent: high,
        agentDepletedPercent: low,
        poolLowPercent: low,
      };
      const row = agent({ allocated: remaining, spent: 0n, reserved: 0n, baseline });
      const hundredfold = exact(remaining).times(100);
      const below = hundredfold.lessThan(exact(low).times(exact(baseline)));
      const above = hundredfold.greaterThan(exact(high).times(exact(baseline)));
      const expected = below ? 'AGENT_DEPLETED' : above ? 'AGENT_UNDERUSED' : undefined;
      expect(judgeAgent(row, thresholds)).toBe(expected);
      const funded = pool({ funded: remaining, spent: 0n, reserved: 0n, baseline });
      expect(judgePool(funded, thresholds)).toBe(below ? 'POOL_LOW' : undefined);
    },
  );
  fc.assert(check, runs('review thresholds', 500));
});

test('closed agents, deleted pools and those whose baseline is 0 are left out, frozen ones are not', () => {
  const world = worldWithPool('1000');
  world.must(createPool('q', '0'));
  world.must(createAgent('a', 'p', '10'));
  world.must(createAgent('waits', 'p', '0'));
  world.must(deleteAgent('a'));
  expect(['a', 'waits'].map((id) => isAgentReviewed(world.agentById(id)!))).toEqual([false, false]);
  expect(isPoolReviewed(world.poolById('q')!)).toBe(false);
  world.must(poolState('FREEZE_POOL', 'p'));
  expect(isPoolReviewed(world.poolById('p')!)).toBe(true);
  expect(isAgentReviewed(agent({ state: 'FROZEN' }))).toBe(true);
  const { uid } = world.poolById('q')!;
  world.must(poolState('DELETE_POOL', 'q'));
  expect(isPoolReviewed({ ...world.pool(uid)!, baseline: 1n })).toBe(false);
});

describe('what is found', () => {
  const subject = { agentId: 'X', poolId: 'P', unit: 'USD', remaining: 0n, baseline: 1n };

  test.each<[FindingKind, Partial<ReviewThresholds>, string]>([
    ['AGENT_UNDERUSED', {}, 'Agent X using less than 10% of budget - consider reducing'],
    ['AGENT_DEPLETED', {}, 'Agent X budget nearly depleted - consider increasing'],
    ['POOL_LOW', {}, 'Pool P below 20% remaining - consider rebalancing'],
    [
      'AGENT_UNDERUSED',
      { agentUnderusedPercent: money('62.5') },
      'Agent X using less than 37.5% of budget - consider reducing',
    ],
    [
      'POOL_LOW',
      { poolLowPercent: money('0.5') },
      'Pool P below 0.5% remaining - consider rebalancing',
    ],
  ])('%s with %o reads as in the guide', (kind, over, message) => {
    const thresholds = { ...DEFAULT_THRESHOLDS, ...over };
    expect(findingMessage({ ...subject, kind }, thresholds)).toBe(message);
  });

  test('stands in order of severity', () => {
    const severities = FINDING_ORDER.map((kind) => SEVERITIES[FINDING_SEVERITIES[kind]]);
    expect(severities).toEqual(severities.toSorted((a, b) => b - a));
    expect([...FINDING_ORDER].sort()).toEqual(Object.keys(FINDING_KINDS).sort());
    expect(FINDING_SEVERITIES).toEqual({
      POOL_LOW: 'MEDIUM',
      AGENT_DEPLETED: 'MEDIUM',
      AGENT_UNDERUSED: 'INFO',
    });
  });
});

/** A review that looked at a pool and found something. */
function found(world: World, poolId = ''): RunReviewCommand {
  const low = world.poolById('p')!;
  return {
    method: 'RUN_REVIEW',
    ...reviewOf({ poolId }),
    scanned: {
      trigger: 'SCHEDULED',
      principal: 'sidecar',
      startTime: T0,
      endTime: T0 + SECOND,
      counts: {
        agents: 2,
        pools: 1,
        found: { POOL_LOW: 1, AGENT_DEPLETED: 0, AGENT_UNDERUSED: 5_000 },
      },
      findings: [
        {
          kind: 'POOL_LOW',
          agentId: '',
          poolId: 'p',
          unit: 'USD',
          remaining: poolRemainingOf(low),
          baseline: low.baseline,
        },
      ],
    },
  };
}

describe('a review that is kept', () => {
  test('has what was looked at, and an entry about no account', () => {
    const world = worldWithPool();
    world.must(createAgent('a', 'p', '100'));
    world.must(spend('a', '1'));
    const command = found(world, 'p');
    const outcome = world.must(command);
    const { scanned, thresholds } = command;
    const key = String(outcome.sequence).padStart(16, '0');
    expect(world.row('budget_reviews', key)).toEqual({
      sequence: 4,
      ordinal: 1,
      trigger: 'SCHEDULED',
      principal: 'sidecar',
      poolId: 'p',
      thresholds,
      startTime: T0,
      endTime: T0 + SECOND,
      counts: scanned.counts,
      kept: 1,
    });
    expect(world.row('budget_review_findings', key)).toEqual({ findings: scanned.findings });
    expect(world.entries.at(-1)).toMatchObject({
      sequence: 4,
      kind: 'ANNOTATE',
      accounts: [],
      changes: [
        { field: 'review/4.findings', before: '', after: '5001' },
        { field: 'review/4.pool', before: '', after: 'p' },
      ],
    });
  });

  test('is refused when its pool went away meanwhile', () => {
    const world = worldWithPool();
    expect(world.verdict(found(world, 'gone'))).toBe('POOL_NOT_FOUND');
    expect(world.entries).toHaveLength(1);
  });

  test('takes the place of the oldest when there are as many as are kept', () => {
    const world = worldWithPool();
    for (let made = 0; made < REVIEWS_MAX; made += 1) world.must(found(world));
    const kept = () => [...world.rows('budget_reviews', {})].map(([, { ordinal }]) => ordinal);
    expect([kept().length, kept()[0], kept().at(-1)]).toEqual([1_000, 1, 1_000]);
    world.must(found(world));
    world.must(spendNothing(world));
    world.must(found(world));
    expect([kept().length, kept()[0], kept().at(-1)]).toEqual([1_000, 3, 1_002]);
    expect([...world.rows('budget_review_findings', {})].map(([key]) => key)).toEqual(
      [...world.rows('budget_reviews', {})].map(([key]) => key),
    );
  });
});

/** Some other entry between two reviews. */
function spendNothing(world: World) {
  world.must(createAgent('a', 'p', '1'));
  return spend('a', '0');
}
