import { describe, expect, test } from 'vitest';
import {
  ROLLING_MS_MAX,
  ROLLING_MS_MIN,
  calendarSpan,
  countsSince,
  sliceOf,
  windowProblem,
  type CalendarUnit,
  type LimitWindow,
} from '../../src/domain/window.js';

function calendar(unit: CalendarUnit, zone: string, weekStart = 1) {
  return { kind: 'CALENDAR', unit, zone, weekStart } as const;
}

const rolling = (durationMs: number) => ({ kind: 'ROLLING', durationMs }) as const;

/** The minutes that a span is from, to and long, in UTC; it must contain the time it was asked for. */
function span(unit: CalendarUnit, zone: string, time: string, weekStart = 1): string {
  const at = Date.parse(time);
  const { start, end } = calendarSpan(calendar(unit, zone, weekStart), at);
  expect(start).toBeLessThanOrEqual(at);
  expect(end).toBeGreaterThan(at);
  const text = (moment: number) => new Date(moment).toISOString().replace(':00.000Z', 'Z');
  return `${text(start)} ${text(end)}`;
}

describe('a day', () => {
  test.each([
    ['in UTC', 'UTC', '2024-06-15T12:34:56.789Z', '2024-06-15T00:00Z 2024-06-16T00:00Z'],
    ['at its first', 'UTC', '2024-06-15T00:00:00.000Z', '2024-06-15T00:00Z 2024-06-16T00:00Z'],
    ['at its last', 'UTC', '2024-06-15T23:59:59.999Z', '2024-06-15T00:00Z 2024-06-16T00:00Z'],
    ['of 24 h', 'Europe/Berlin', '2024-06-15T12:00Z', '2024-06-14T22:00Z 2024-06-15T22:00Z'],
    ['of 23 h', 'Europe/Berlin', '2024-03-31T12:00Z', '2024-03-30T23:00Z 2024-03-31T22:00Z'],
    ['of 25 h', 'Europe/Berlin', '2024-10-27T12:00Z', '2024-10-26T22:00Z 2024-10-27T23:00Z'],
    ['of 23 h', 'America/New_York', '2024-03-10T12:00Z', '2024-03-10T05:00Z 2024-03-11T04:00Z'],
    ['of 25 h', 'America/New_York', '2024-11-03T12:00Z', '2024-11-03T04:00Z 2024-11-04T05:00Z'],
    [
      'of 23.5 h',
      'Australia/Lord_Howe',
      '2024-10-06T00:00Z',
      '2024-10-05T13:30Z 2024-10-06T13:00Z',
    ],
    [
      'of 24.5 h',
      'Australia/Lord_Howe',
      '2024-04-07T00:00Z',
      '2024-04-06T13:00Z 2024-04-07T13:30Z',
    ],
    ['at +05:45', 'Asia/Kathmandu', '2024-06-15T18:15Z', '2024-06-15T18:15Z 2024-06-16T18:15Z'],
    ['at +05:45', 'Asia/Kathmandu', '2024-06-15T18:14Z', '2024-06-14T18:15Z 2024-06-15T18:15Z'],
    ['of 23.75 h', 'Asia/Kathmandu', '1985-12-31T20:00Z', '1985-12-31T18:30Z 1986-01-01T18:15Z'],
  ])('%s in %s at %s is %s', (_name, zone, time, expected) => {
    expect(span('DAY', zone, time)).toBe(expected);
  });

  test.each([
    ['America/Sao_Paulo', '2018-11-04T12:00Z', '2018-11-04T03:00Z 2018-11-05T02:00Z'],
    ['America/Sao_Paulo', '2018-11-04T02:59Z', '2018-11-03T03:00Z 2018-11-04T03:00Z'],
    ['Asia/Beirut', '2024-03-31T12:00Z', '2024-03-30T22:00Z 2024-03-31T21:00Z'],
    ['Africa/Cairo', '2023-04-28T12:00Z', '2023-04-27T22:00Z 2023-04-28T21:00Z'],
    ['Africa/Cairo', '2024-04-26T12:00Z', '2024-04-25T22:00Z 2024-04-26T21:00Z'],
  ])('whose midnight is skipped in %s begins at 01:00: %s is %s', (zone, time, expected) => {
    expect(span('DAY', zone, time)).toBe(expected);
  });

  test.each([
    // Back from midnight to 23:00: the day that was about to end is an hour longer.
    ['America/Sao_Paulo', '2018-02-18T01:59Z', '2018-02-17T02:00Z 2018-02-18T03:00Z'],
    ['America/Sao_Paulo', '2018-02-18T02:30Z', '2018-02-17T02:00Z 2018-02-18T03:00Z'],
    ['Africa/Cairo', '2023-10-26T20:30Z', '2023-10-25T21:00Z 2023-10-26T22:00Z'],
    ['Africa/Cairo', '2023-10-26T21:30Z', '2023-10-25T21:00Z 2023-10-26T22:00Z'],
    ['Africa/Cairo', '2024-10-31T21:30Z', '2024-10-30T21:00Z 2024-10-31T22:00Z'],
    // Back from 00:01 to 23:01: the new day has begun and stays.
    ['America/St_Johns', '2006-10-29T02:29Z', '2006-10-28T02:30Z 2006-10-29T02:30Z'],
    ['America/St_Johns', '2006-10-29T02:30Z', '2006-10-29T02:30Z 2006-10-30T03:30Z'],
    ['America/St_Johns', '2006-10-29T03:00Z', '2006-10-29T02:30Z 2006-10-30T03:30Z'],
    // Back from 02:00 to 23:00 of the day before.
    ['Antarctica/Casey', '2010-03-04T15:30Z', '2010-03-04T13:00Z 2010-03-05T16:00Z'],
  ])('that is over in %s is not opened again: %s is %s', (zone, time, expected) => {
    expect(span('DAY', zone, time)).toBe(expected);
  });

  test.each([
    ['29 December', '2011-12-30T09:59Z', '2011-12-29T10:00Z 2011-12-30T10:00Z'],
    ['31 December', '2011-12-30T10:00Z', '2011-12-30T10:00Z 2011-12-31T10:00Z'],
  ])('in Apia has no 30 December 2011: %s stands beside it', (_name, time, expected) => {
    expect(span('DAY', 'Pacific/Apia', time)).toBe(expected);
  });
});

describe('an hour', () => {
  test.each([
    ['UTC', '2024-06-15T12:34:56Z', '2024-06-15T12:00Z 2024-06-15T13:00Z'],
    ['Asia/Kathmandu', '2024-06-15T12:14Z', '2024-06-15T11:15Z 2024-06-15T12:15Z'],
    ['Asia/Kathmandu', '2024-06-15T12:15Z', '2024-06-15T12:15Z 2024-06-15T13:15Z'],
    ['Asia/Kolkata', '2024-06-15T12:00Z', '2024-06-15T11:30Z 2024-06-15T12:30Z'],
  ])('in %s is one of its wall clock: %s is %s', (zone, time, expected) => {
    expect(span('HOUR', zone, time)).toBe(expected);
  });

  test.each([
    ['before the skipped one', '2024-03-31T00:59Z', '2024-03-31T00:00Z 2024-03-31T01:00Z'],
    ['after the skipped one', '2024-03-31T01:00Z', '2024-03-31T01:00Z 2024-03-31T02:00Z'],
    ['shown for the first time', '2024-10-27T00:30Z', '2024-10-27T00:00Z 2024-10-27T01:00Z'],
    ['shown again', '2024-10-27T01:30Z', '2024-10-27T01:00Z 2024-10-27T02:00Z'],
  ])('in Berlin, %s, is a span of its own', (_name, time, expected) => {
    expect(span('HOUR', 'Europe/Berlin', time)).toBe(expected);
  });

  test.each([
    ['spring: from 02:00 to 02:30', '2024-10-05T15:29Z', '2024-10-05T14:30Z 2024-10-05T15:30Z'],
    ['spring: 02:30 to 03:00', '2024-10-05T15:30Z', '2024-10-05T15:30Z 2024-10-05T16:00Z'],
    ['spring: 03:00', '2024-10-05T16:00Z', '2024-10-05T16:00Z 2024-10-05T17:00Z'],
    ['autumn: 01:00 to 02:00', '2024-04-06T14:59Z', '2024-04-06T14:00Z 2024-04-06T15:00Z'],
    ['autumn: 01:30 to 02:00 again', '2024-04-06T15:00Z', '2024-04-06T15:00Z 2024-04-06T15:30Z'],
    ['autumn: 02:00', '2024-04-06T15:30Z', '2024-04-06T15:30Z 2024-04-06T16:30Z'],
  ])(
    'in Lord Howe is half as long where the clocks move by half of one, %s',
    (_n, at, expected) => {
      expect(span('HOUR', 'Australia/Lord_Howe', at)).toBe(expected);
    },
  );

  test.each([
    ['Caracas from 02:00 to 02:30', 'America/Caracas', '2016-05-01T06:59Z', '06:30Z 07:00Z'],
    ['Caracas at 03:00', 'America/Caracas', '2016-05-01T07:00Z', '07:00Z 08:00Z'],
    ['St. Johns, one minute', 'America/St_Johns', '2006-10-29T02:30Z', '02:30Z 02:31Z'],
    ['St. Johns, 59 minutes', 'America/St_Johns', '2006-10-29T02:31Z', '02:31Z 03:30Z'],
  ])('ends when the clocks change: %s', (_name, zone, time, expected) => {
    expect(span('HOUR', zone, time).replaceAll(/[0-9-]+T/g, '')).toBe(expected);
  });
});

describe('a week', () => {
  // 15 June 2024 was a Saturday.
  test.each([
    [1, '2024-06-10T00:00Z 2024-06-17T00:00Z'],
    [2, '2024-06-11T00:00Z 2024-06-18T00:00Z'],
    [3, '2024-06-12T00:00Z 2024-06-19T00:00Z'],
    [4, '2024-06-13T00:00Z 2024-06-20T00:00Z'],
    [5, '2024-06-14T00:00Z 2024-06-21T00:00Z'],
    [6, '2024-06-15T00:00Z 2024-06-22T00:00Z'],
    [7, '2024-06-09T00:00Z 2024-06-16T00:00Z'],
  ])('that begins on day %i has Saturday, 15 June 2024, in %s', (weekStart, expected) => {
    expect(span('WEEK', 'UTC', '2024-06-15T12:00Z', weekStart)).toBe(expected);
    expect(span('WEEK', 'UTC', expected.slice(0, 17), weekStart)).toBe(expected);
  });

  test.each([
    ['over New Year', 'UTC', '2025-01-01T00:00Z', '2024-12-30T00:00Z 2025-01-06T00:00Z'],
    ['an hour short', 'Europe/Berlin', '2024-03-28T00:00Z', '2024-03-24T23:00Z 2024-03-31T22:00Z'],
    ['an hour long', 'Europe/Berlin', '2024-10-27T22:59Z', '2024-10-20T22:00Z 2024-10-27T23:00Z'],
    ['a day short', 'Pacific/Apia', '2011-12-31T00:00Z', '2011-12-26T10:00Z 2012-01-01T10:00Z'],
    ['in 1970', 'UTC', '1970-01-01T00:00Z', '1969-12-29T00:00Z 1970-01-05T00:00Z'],
  ])('%s in %s at %s is %s', (_name, zone, time, expected) => {
    expect(span('WEEK', zone, time)).toBe(expected);
  });

  test('from a Friday that its zone skipped begins with the Saturday', () => {
    const expected = '2011-12-30T10:00Z 2012-01-05T10:00Z';
    expect(span('WEEK', 'Pacific/Apia', '2011-12-30T10:00Z', 5)).toBe(expected);
  });
});

describe('a month', () => {
  test.each([
    ['28 days', 'UTC', '2023-02-28T23:59Z', '2023-02-01T00:00Z 2023-03-01T00:00Z'],
    ['29 days', 'UTC', '2024-02-29T12:00Z', '2024-02-01T00:00Z 2024-03-01T00:00Z'],
    ['29 days', 'UTC', '2000-02-29T12:00Z', '2000-02-01T00:00Z 2000-03-01T00:00Z'],
    ['28 days', 'UTC', '2100-02-15T12:00Z', '2100-02-01T00:00Z 2100-03-01T00:00Z'],
    ['the last', 'UTC', '2024-12-31T23:59Z', '2024-12-01T00:00Z 2025-01-01T00:00Z'],
    ['March', 'Europe/Berlin', '2024-03-31T21:59Z', '2024-02-29T23:00Z 2024-03-31T22:00Z'],
    ['April', 'Europe/Berlin', '2024-03-31T22:00Z', '2024-03-31T22:00Z 2024-04-30T22:00Z'],
    ['here', 'Pacific/Kiritimati', '2024-01-31T10:00Z', '2024-01-31T10:00Z 2024-02-29T10:00Z'],
    ['there', 'Pacific/Pago_Pago', '2024-02-01T10:59Z', '2024-01-01T11:00Z 2024-02-01T11:00Z'],
    ['30 days', 'Pacific/Apia', '2011-12-31T00:00Z', '2011-12-01T10:00Z 2011-12-31T10:00Z'],
  ])('of %s in %s at %s is %s', (_name, zone, time, expected) => {
    expect(span('MONTH', zone, time)).toBe(expected);
  });

  test('begins at 01:00 where its first midnight is skipped', () => {
    // Asuncion moved its clocks at midnight of 1 October 2017.
    const expected = '2017-10-01T04:00Z 2017-11-01T03:00Z';
    expect(span('MONTH', 'America/Asuncion', '2017-10-15T00:00Z')).toBe(expected);
  });
});

describe('a rolling window', () => {
  test.each([
    [60_000, 1_000],
    [3_600_000, 60_000],
    [86_400_000, 1_440_000],
    [100_000, 1_667],
    [60_001, 1_001],
  ])('of %i ms has slices of %i ms', (durationMs, slice) => {
    expect(sliceOf(rolling(durationMs))).toBe(slice);
  });

  test.each([
    [7_200_000, 3_600_000],
    [7_200_001, 3_600_000],
    [7_259_999, 3_600_000],
    [7_260_000, 3_660_000],
  ])('of an hour counts at %i what came since %i', (now, since) => {
    expect(countsSince(rolling(3_600_000), now)).toBe(since);
  });
});

test('a lifetime counts from the beginning, a calendar window from the start of its span', () => {
  const now = Date.parse('2024-06-15T12:00Z');
  const day = Date.parse('2024-06-14T22:00Z');
  expect(countsSince({ kind: 'LIFETIME' }, now)).toBe(0);
  expect(countsSince(calendar('DAY', 'Europe/Berlin'), now)).toBe(day);
});

const zone = 'The time zone is not known here. It must be the name of an IANA zone such as UTC';
const weekStart = 'The start of the week must be a day from 1 for Monday to 7 for Sunday';
const whole = 'The duration must be a whole number of milliseconds';
const bounds = 'The duration must be from 1 minute to 90 days';

describe('a window', () => {
  test.each<[LimitWindow]>([
    [{ kind: 'LIFETIME' }],
    [calendar('HOUR', 'UTC')],
    [calendar('WEEK', 'Asia/Kathmandu', 7)],
    [rolling(ROLLING_MS_MIN)],
    [rolling(100_000)],
    [rolling(ROLLING_MS_MAX)],
  ])('%j is in order', (window) => {
    expect(windowProblem(window)).toBeUndefined();
  });

  test.each<[LimitWindow, string]>([
    [calendar('DAY', ''), zone],
    [calendar('DAY', '+02:00'), zone],
    [calendar('DAY', 'Mars/Olympus'), zone],
    [calendar('WEEK', 'UTC', 0), weekStart],
    [calendar('WEEK', 'UTC', 8), weekStart],
    [calendar('WEEK', 'UTC', 1.5), weekStart],
    [calendar('WEEK', 'UTC', Number.NaN), weekStart],
    [rolling(ROLLING_MS_MIN - 1), bounds],
    [rolling(ROLLING_MS_MAX + 1), bounds],
    [rolling(0), bounds],
    [rolling(-60_000), bounds],
    [rolling(60_000.5), whole],
    [rolling(Number.NaN), whole],
    [rolling(Number.POSITIVE_INFINITY), whole],
  ])('%j is not, and it says why', (window, problem) => {
    expect(windowProblem(window)).toBe(problem);
    // What a status message may not contain.
    expect(problem).not.toMatch(/[,;/?:@&=+$#]/);
  });
});
