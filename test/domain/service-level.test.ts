import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BUILT_IN_LEVELS,
  levelAfter,
  scopeOfLevelsKey,
  serviceLevelsKey,
  type ServiceLevel,
} from '../../src/domain/service-level.js';
import { levelsFrom } from '../fakes/commands.js';
import { money, runs } from '../support/seed.js';

function nameAt(current: string, remaining: string, baseline: string, levels = BUILT_IN_LEVELS) {
  return levelAfter(levels, current, money(remaining), money(baseline)).name;
}

describe('the levels of the guide', () => {
  test.each([
    ['100', 'full'],
    ['50', 'full'],
    ['49.99', 'standard'],
    ['20', 'standard'],
    ['19.999999999999', 'minimal'],
    ['5', 'minimal'],
    ['4.99', 'emergency'],
    ['0', 'emergency'],
    ['-10', 'emergency'],
    ['290', 'full'],
  ])('with %s of 100 an agent that had no level yet is at %s', (remaining, name) => {
    expect(nameAt('', remaining, '100')).toBe(name);
  });

  test('say what an agent may do', () => {
    expect(BUILT_IN_LEVELS.map(({ name, features }) => [name, features])).toEqual([
      ['full', ['high_quality', 'all_capabilities']],
      ['standard', ['medium_quality', 'core_capabilities']],
      ['minimal', ['low_quality', 'basic_capabilities']],
      ['emergency', ['text_only', 'critical_only']],
    ]);
  });

  test.each(['full', 'standard', 'emergency', ''])(
    'an agent that was at "%s" and has no baseline is at the lowest',
    (current) => {
      expect(nameAt(current, '0', '0')).toBe('emergency');
      expect(nameAt(current, '10', '0')).toBe('emergency');
    },
  );

  test('what is printed as 50 percent and is less is not enough', () => {
    expect(nameAt('', '49.999999999999', '100')).toBe('standard');
    expect(nameAt('', '1.5', '3')).toBe('full');
    expect(nameAt('', '1.499999999999', '3')).toBe('standard');
  });
});

describe('an agent', () => {
  test.each([
    // Falling is immediate, over several levels too.
    ['full', '50', 'full'],
    ['full', '49.999999', 'standard'],
    ['full', '4.99', 'emergency'],
    ['standard', '19.99', 'minimal'],
    // Rising needs 2 points.
    ['standard', '50', 'standard'],
    ['standard', '51.999999', 'standard'],
    ['standard', '52', 'full'],
    ['minimal', '21.99', 'minimal'],
    ['minimal', '22', 'standard'],
    ['minimal', '51', 'standard'],
    ['minimal', '52', 'full'],
    ['emergency', '6.99', 'emergency'],
    ['emergency', '7', 'minimal'],
    ['emergency', '21', 'minimal'],
    ['emergency', '100', 'full'],
    // A name that is no level of the set counts for nothing.
    ['gone', '50', 'full'],
    ['gone', '20', 'standard'],
  ])('at %s that comes to %s percent is at %s', (current, percent, name) => {
    expect(nameAt(current, percent, '100')).toBe(name);
  });

  test.each([
    ['low', '99.9999', 'low'],
    ['low', '100', 'all'],
    ['all', '99.9999', 'low'],
    ['all', '100', 'all'],
    ['', '100', 'all'],
  ])('at %s with %s percent is at %s where the highest begins at 100', (current, at, name) => {
    expect(nameAt(current, at, '100', levelsFrom('all=100 low=0'))).toBe(name);
  });

  test.each([
    ['b', '51.9', 'b'],
    ['c', '51', 'b'],
    ['c', '52', 'a'],
    ['a', '49.5', 'b'],
    ['b', '49', 'b'],
  ])('at %s with %s percent is at %s where levels are a point apart', (current, at, name) => {
    expect(nameAt(current, at, '100', levelsFrom('a=50 b=49 c=0'))).toBe(name);
  });

  test('with one level is always at it', () => {
    for (const at of ['-5', '0', '100']) {
      expect(nameAt('only', at, '100', levelsFrom('only=0'))).toBe('only');
    }
  });
});

const levels: fc.Arbitrary<readonly ServiceLevel[]> = fc
  .uniqueArray(fc.integer({ min: 1, max: 1_000_000 }), { maxLength: 15 })
  .map((percents) =>
    [0, ...percents]
      .sort((a, b) => b - a)
      .map((tenThousandths, at) => ({
        name: `level-${at}`,
        minPercent: money('0.0001') * BigInt(tenThousandths),
        features: [],
      })),
  );
/** Remaining money in millionths of a baseline of 1. */
const remaining = fc.integer({ min: -200_000, max: 1_300_000 });
const START = fc.constantFrom('', 'gone', ...Array.from({ length: 16 }, (_, at) => `level-${at}`));
const ONE = money('1');
const MILLIONTH = money('0.000001');

describe('whatever the levels and the money are', () => {
  test('the level is a function of the set, the level before and the percentage', () => {
    const scale = fc.bigInt({ min: 1n, max: 10n ** 15n });
    const check = fc.property(levels, START, remaining, scale, (set, start, at, times) => {
      const amount = MILLIONTH * BigInt(at);
      const once = levelAfter(set, start, amount, ONE);
      expect(levelAfter(set, start, amount * times, ONE * times)).toBe(once);
      // Asked again, it says the same: reading never moves a level.
      expect(levelAfter(set, once.name, amount, ONE)).toBe(once);
    });
    fc.assert(check, runs('levels by percentage', 2_000));
  });

  test('falling is immediate and rising waits, but never longer than 2 points or 100', () => {
    const check = fc.property(levels, START, remaining, (set, start, at) => {
      const amount = MILLIONTH * BigInt(at);
      const from = set.findIndex(({ name }) => name === start);
      const fresh = set.indexOf(levelAfter(set, '', amount, ONE));
      const now = set.indexOf(levelAfter(set, start, amount, ONE));
      const two = MILLIONTH * 20_000n;
      const certain = set.indexOf(
        levelAfter(set, '', at >= 1_000_000 ? amount : amount - two, ONE),
      );
      if (from === -1 || fresh >= from) expect(now).toBe(fresh);
      else {
        expect(now).toBeGreaterThanOrEqual(fresh);
        expect(now).toBeLessThanOrEqual(Math.min(certain, from));
      }
    });
    fc.assert(check, runs('falling and rising', 2_000));
  });

  test('who is where the thresholds say rises only by money that moved 2 points up', () => {
    const band = fc.integer({ min: -100_000, max: 979_000 });
    const steps = fc.array(fc.integer({ min: 0, max: 19_999 }), { maxLength: 20 });
    const check = fc.property(levels, band, steps, (set, low, offsets) => {
      let current = levelAfter(set, '', MILLIONTH * BigInt(low), ONE);
      for (const offset of offsets) {
        const next = levelAfter(set, current.name, MILLIONTH * BigInt(low + offset), ONE);
        expect(next.minPercent <= current.minPercent).toBe(true);
        current = next;
      }
    });
    fc.assert(check, runs('no flapping', 2_000));
  });
});

test('a key names its scope', () => {
  for (const scope of [
    { kind: 'AGENT', uid: 7 },
    { kind: 'EACH_AGENT_OF_POOL', uid: 1 },
    { kind: 'EVERY_AGENT', uid: 0 },
  ] as const) {
    expect(scopeOfLevelsKey(serviceLevelsKey(scope))).toEqual(scope);
  }
});
