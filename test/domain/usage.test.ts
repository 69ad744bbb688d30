import { describe, expect, test } from 'vitest';
import {
  addCells,
  addToRow,
  dayOfHour,
  firstDayOfMonth,
  hourOf,
  minuteOf,
  monthOfDay,
  sumRow,
  type UsageCell,
} from '../../src/domain/usage.js';
import { money } from '../support/seed.js';

function cell(index: number, amount: string, over: Partial<UsageCell> = {}): UsageCell {
  const own = { index, amount: money(amount), entries: 1, requests: 1, refunded: 0n };
  return { ...own, quantities: [], ...over };
}

describe('a moment', () => {
  test.each([
    ['1970-01-01T00:00:00.000Z', 0, 0, 0],
    ['1970-01-01T00:59:59.999Z', 0, 59, 0],
    ['1970-01-01T01:00:00.000Z', 1, 0, 0],
    ['1970-01-02T00:00:00.000Z', 24, 0, 1],
    ['2024-02-29T23:59:59.999Z', 474_791, 59, 19_782],
  ])('%s lies in hour %i, minute %i, day %i', (text, hour, minute, day) => {
    const time = Date.parse(text);
    expect([hourOf(time), minuteOf(time), dayOfHour(hourOf(time))]).toEqual([hour, minute, day]);
  });

  test.each([
    ['1970-01-01', 0, 0],
    ['1970-01-31', 0, 30],
    ['1970-02-01', 1, 0],
    ['2024-02-29', 649, 28],
    ['2024-03-01', 650, 0],
    ['2026-12-31', 683, 30],
  ])('%s lies in month %i, day %i of it', (text, month, index) => {
    const day = Date.parse(text) / 86_400_000;
    expect(monthOfDay(day)).toEqual({ month, index });
    expect(firstDayOfMonth(month) + index).toBe(day);
  });
});

describe('a row of usage', () => {
  test('adds up what falls into the same minute', () => {
    const row = addToRow(addToRow([], cell(3, '1')), cell(3, '0.5'));
    expect(row).toEqual([cell(3, '1.5', { entries: 2, requests: 2 })]);
  });

  test('keeps the minutes apart, also when an earlier one comes again', () => {
    const row = [cell(3, '1'), cell(4, '2')].reduce<readonly UsageCell[]>(addToRow, []);
    expect(addToRow(row, cell(3, '5')).map(({ index, amount }) => [index, amount])).toEqual([
      [3, money('6')],
      [4, money('2')],
    ]);
  });

  test('is folded into one cell that has all of it', () => {
    const tokens = (amount: string) => [{ name: 'tokens', amount: money(amount) }];
    const row = [
      cell(0, '1', { quantities: tokens('10') }),
      cell(7, '2', { refunded: money('0.5') }),
      cell(59, '3', { quantities: [...tokens('5'), { name: 'calls', amount: money('1') }] }),
    ];
    expect(sumRow(row, 13)).toEqual({
      index: 13,
      amount: money('6'),
      entries: 3,
      requests: 3,
      refunded: money('0.5'),
      quantities: [
        { name: 'calls', amount: money('1') },
        { name: 'tokens', amount: money('15') },
      ],
    });
    expect(sumRow([], 2)).toMatchObject({ index: 2, amount: 0n, entries: 0, quantities: [] });
  });

  test('sums the same in whatever order it is added', () => {
    const a = cell(1, '1', { quantities: [{ name: 'x', amount: 1n }] });
    const b = cell(1, '2', { quantities: [{ name: 'y', amount: 2n }] });
    expect(addCells(a, b)).toEqual(addCells(b, a));
  });
});
