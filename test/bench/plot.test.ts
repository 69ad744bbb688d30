import { expect, test } from 'vitest';
import { plotSvg, scaleOf } from '../../bench/plot.js';

test('a logarithmic axis of numbers of calls goes in powers of two', () => {
  const { ticks, placeOf } = scaleOf({ label: 'calls', scale: 'log' }, [1, 2, 4, 8]);
  expect(ticks).toEqual([1, 2, 4, 8]);
  expect(placeOf(1)).toBe(0);
  expect(placeOf(8)).toBeCloseTo(1);
});

test('a logarithmic axis of anything else goes in powers of ten around the values', () => {
  expect(scaleOf({ label: 'ms', scale: 'log' }, [0.5, 70]).ticks).toEqual([0.1, 1, 10, 100]);
});

test('a linear axis begins at 0 and ends in a round number above the values', () => {
  const { ticks, placeOf } = scaleOf({ label: 'MB', scale: 'linear' }, [3, 87]);
  expect(ticks).toEqual([0, 20, 40, 60, 80, 100]);
  expect(placeOf(50)).toBe(0.5);
});

test('a plot of nothing but zeros is drawn all the same', () => {
  const axis = { label: 'n', scale: 'linear' } as const;
  const series = [{ name: 'none', points: [{ x: 0, y: 0 }] }];
  const svg = plotSvg({ name: 'p', title: 'a < b & c', x: axis, y: axis, series });
  expect(svg).not.toContain('NaN');
  expect(svg).toContain('a &lt; b &amp; c');
});
