import { describe, expect, test } from 'vitest';
import { formatAmount } from '../../src/domain/amount.js';
import {
  DAY_MS,
  exhaustionTime,
  HOUR_MS,
  isHighUsage,
  ratePerHour,
  usagePercentOf,
  windowSpan,
  windowStart,
} from '../../src/domain/metrics.js';
import type { AgentBalances } from '../../src/domain/model.js';
import { commit, createAgent, refund, reserve, setBudget, spend } from '../fakes/commands.js';
import { DAY, HOUR, MINUTE, SECOND, T0 } from '../fakes/manual-time.js';
import { worldWithPool } from '../fakes/world.js';
import { money } from '../support/seed.js';

const usageOf = (agent: AgentBalances) => [usagePercentOf(agent), isHighUsage(agent)];

describe('usage of a budget', () => {
  test.each([
    ['160', '40', '80', false],
    ['160.1', '39.9', '80.05', true],
  ])('of 200 with %s spent and %s left is %s percent: high is %s', (spent, left, percent, high) => {
    const world = worldWithPool();
    world.must(createAgent('a', 'p', '200'));
    world.must(spend('a', spent));
    expect(world.budget('a').remaining).toBe(left);
    expect(usageOf(world.agentById('a')!)).toEqual([percent, high]);
  });

  test.each<readonly [why: string, Record<string, string>, percent: string, high: boolean]>([
    ['nothing spent', { allocated: '100', baseline: '100' }, '0', false],
    ['holds count as used', { allocated: '100', baseline: '100', reserved: '81' }, '81', true],
    [
      'high by less than is printed',
      { allocated: '1', baseline: '1', spent: '0.800000000001' },
      '80',
      true,
    ],
    ['cut towards zero', { allocated: '3', baseline: '3', spent: '2' }, '66.6666', false],
    ['below zero', { allocated: '100', baseline: '100', spent: '130' }, '130', true],
    ['more than the baseline is left', { allocated: '150', baseline: '100' }, '-50', false],
    ['baseline 0', {}, '0', false],
    ['baseline 0 and forced', { spent: '5' }, '0', false],
  ])('%s', (_why, given, percent, high) => {
    const of = (field: string) => money(given[field] ?? '0');
    const agent: AgentBalances = {
      allocated: of('allocated'),
      spent: of('spent'),
      reserved: of('reserved'),
      base: of('baseline'),
      baseline: of('baseline'),
    };
    expect(usageOf(agent)).toEqual([percent, high]);
  });

  test('after a top-up is of the new baseline', () => {
    const world = worldWithPool();
    world.must(createAgent('a', 'p', '100'));
    world.must(spend('a', '80'));
    world.must(setBudget('a', '70'));
    expect(usageOf(world.agentById('a')!)).toEqual(['30', false]);
  });
});

describe('a burn rate', () => {
  test.each<readonly [amount: string, spanMs: number, scale: number, rate: string]>([
    ['0', HOUR, 9, '0'],
    ['1', HOUR, 9, '1'],
    ['1', DAY, 9, '0.041666667'],
    ['1', DAY, 12, '0.041666666667'],
    ['10', DAY, 2, '0.42'],
    ['12', DAY, 0, '1'],
    ['11.999999', DAY, 0, '0'],
    ['7', 7 * HOUR, 0, '1'],
    ['0.000000000001', DAY, 12, '0'],
    ['999999999999999999.999999999999', HOUR, 12, '999999999999999999.999999999999'],
  ])('of %s in %i ms at scale %i is %s an hour', (amount, spanMs, scale, rate) => {
    expect(formatAmount(ratePerHour({ amount: money(amount), spanMs }, scale))).toBe(rate);
  });

  test.each<readonly [why: string, now: number, start: number]>([
    ['on a minute', T0, T0 - HOUR],
    ['within a minute', T0 + 59 * SECOND, T0 - HOUR],
    ['at the beginning of time', 5 * MINUTE, 0],
  ])('is of a window that begins with its minute: %s', (_why, now, start) => {
    expect(windowStart(now, HOUR_MS)).toBe(start);
  });

  test.each<readonly [age: number, hour: number, day: number]>([
    [0, HOUR, HOUR],
    [MINUTE, HOUR, HOUR],
    [HOUR + 1, HOUR, HOUR + 1],
    [7 * HOUR, HOUR, 7 * HOUR],
    [DAY, HOUR, DAY],
    [40 * DAY, HOUR, DAY],
  ])('of who is %i ms old is over %i and %i ms', (age, hour, day) => {
    const span = (lengthMs: number) => windowSpan(T0, lengthMs, T0 - age);
    expect([span(HOUR_MS), span(DAY_MS)]).toEqual([hour, day]);
  });
});

describe('the projected exhaustion', () => {
  const burn = (amount: string, spanMs: number) => ({ amount: money(amount), spanMs });

  test.each<
    readonly [why: string, available: string, hour: string, day: string, left: number | undefined]
  >([
    ['is by the last hour', '10', '5', '100', 2 * HOUR],
    ['is by the last day when the hour had nothing', '10', '0', '24', 10 * HOUR],
    ['is cut to the millisecond', '1', '3', '3', 1_200_000],
    [
      'is by the hour however little it had: too far to tell',
      '1',
      '0.000000000001',
      '1',
      undefined,
    ],
    ['is exact for small money', '0.000000000001', '0.000000000003', '1', 1_200_000],
    ['is unset without a burn', '10', '0', '0', undefined],
    ['is unset when nothing is available', '0', '5', '5', undefined],
    ['is unset below zero', '-1', '5', '5', undefined],
  ])('%s', (_why, available, hour, day, left) => {
    const time = exhaustionTime(money(available), burn(hour, HOUR), burn(day, DAY), T0);
    expect(time).toBe(left === undefined ? undefined : T0 + left);
  });

  test('is never after the year 9999', () => {
    const end = Date.UTC(10_000, 0, 1) - 1;
    const left = (ms: number) =>
      exhaustionTime(BigInt(ms), { amount: 1n, spanMs: 1 }, burn('0', DAY), T0);
    expect([left(end - T0), left(end - T0 + 1)]).toEqual([end, undefined]);
  });
});

test('an agent counts its spends and commits, and knows when the last was', () => {
  const world = worldWithPool();
  world.must(createAgent('a', 'p', '100'));
  const known = () => {
    const { spendCount, lastSpendTime } = world.agentById('a')!;
    return [spendCount, lastSpendTime];
  };
  expect(known()).toEqual([0, 0]);
  world.now += 1;
  const first = world.must(spend('a', '1'));
  expect(known()).toEqual([1, T0 + 1]);
  world.now += 1;
  const hold = world.must(reserve('a', '5')).reservation!.id;
  expect(known()).toEqual([1, T0 + 1]);
  world.now += 1;
  world.must(commit(hold, '1', { final: false }));
  world.must(commit(hold, '0'));
  expect(known()).toEqual([3, T0 + 3]);
  world.now += 1;
  world.must(refund(first.sequence, '1'));
  world.do(spend('a', '1000'));
  expect(known()).toEqual([3, T0 + 3]);
  world.must(spend('a', '1000', { mode: 'FORCE' }));
  expect(known()).toEqual([4, T0 + 4]);
});
