import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dueBetween, lastDue, nextDue } from '../../src/domain/interval.js';
import { runs } from '../support/seed.js';

const settings = runs('intervals', 500);
const hourly = { start: 1_000, everyMs: 60 };

test.each([
  ['long before the start', 0, undefined, 1_000],
  ['right before the start', 999, undefined, 1_000],
  ['at the start', 1_000, 1_000, 1_060],
  ['between', 1_059, 1_000, 1_060],
  ['at the second time', 1_060, 1_060, 1_120],
  ['much later', 7_001, 7_000, 7_060],
])('%s (%i) an interval was last due at %s and is next at %i', (_name, time, last, next) => {
  expect([lastDue(hourly, time), nextDue(hourly, time)]).toEqual([last, next]);
});

test.each([
  [0, 999, 0],
  [0, 1_000, 1],
  [999, 1_060, 2],
  [1_000, 1_000, 0],
  [1_000, 1_060, 1],
  [1_060, 1_000, 0],
  [1_030, 1_630, 10],
])('after %i, up to %i, an interval is due %i times', (from, to, times) => {
  expect(dueBetween(hourly, from, to)).toBe(times);
});

test('an interval is due as often as one counts who goes from one time to the next', () => {
  const small = fc.integer({ min: 0, max: 500 });
  const every = fc.integer({ min: 1, max: 90 });
  fc.assert(
    fc.property(small, every, small, small, (start, everyMs, from, length) => {
      const interval = { start, everyMs };
      let times = 0;
      for (let at = nextDue(interval, from); at <= from + length; at = nextDue(interval, at)) {
        expect(lastDue(interval, at)).toBe(at);
        times += 1;
      }
      expect(dueBetween(interval, from, from + length)).toBe(times);
    }),
    settings,
  );
});
