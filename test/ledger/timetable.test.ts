/** When schedules are due: tables of known dates, and a reference that looks at every minute. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cronMistake } from '../../src/domain/cron.js';
import type { Instant } from '../../src/domain/model.js';
import type { ScheduleTiming } from '../../src/domain/schedule.js';
import { offsetAt } from '../../src/domain/zone.js';
import { dueAfter, everDue } from '../../src/ledger/timetable.js';
import { DAY, HOUR, MINUTE, T0 } from '../fakes/manual-time.js';
import { runs } from '../support/seed.js';

function cron(text: string, zone = 'UTC'): ScheduleTiming {
  return { kind: 'CRON', cron: text, zone };
}

/** The next so many times, in the form that people write. */
function next(timing: ScheduleTiming, after: string, count: number): readonly string[] {
  const times: string[] = [];
  let time: Instant | undefined = Date.parse(after);
  while (times.length < count && time !== undefined) {
    time = dueAfter(timing, time);
    if (time !== undefined) times.push(new Date(time).toISOString().replace(':00.000Z', 'Z'));
  }
  return times;
}

describe('cron', () => {
  test.each([
    [
      'the first of the month',
      '0 0 1 * *',
      '2026-01-31T23:59:59.999Z',
      '2026-02-01T00:00Z',
      '2026-03-01T00:00Z',
    ],
    [
      'strictly after',
      '0 0 1 * *',
      '2026-02-01T00:00:00.000Z',
      '2026-03-01T00:00Z',
      '2026-04-01T00:00Z',
    ],
    [
      'the 31st, where there is one',
      '0 0 31 * *',
      '2026-01-31T00:00:00Z',
      '2026-03-31T00:00Z',
      '2026-05-31T00:00Z',
    ],
    [
      'the last of the month',
      '30 6 L * *',
      '2028-01-31T12:00:00Z',
      '2028-02-29T06:30Z',
      '2028-03-31T06:30Z',
    ],
    ['leap days', '0 0 29 2 *', '2026-01-01T00:00:00Z', '2028-02-29T00:00Z', '2032-02-29T00:00Z'],
    [
      'a century without a leap day',
      '0 0 29 2 *',
      '2096-03-01T00:00:00Z',
      '2104-02-29T00:00Z',
      '2108-02-29T00:00Z',
    ],
    [
      'Fridays and the 13th',
      '0 0 13 * FRI',
      '2026-02-07T00:00:00Z',
      '2026-02-13T00:00Z',
      '2026-02-20T00:00Z',
    ],
    [
      'the 13th or a Monday',
      '0 0 13 * 1',
      '2026-05-12T00:00:00Z',
      '2026-05-13T00:00Z',
      '2026-05-18T00:00Z',
    ],
    ['Sunday as 7', '0 0 * * 7', '2026-01-01T00:00:00Z', '2026-01-04T00:00Z', '2026-01-11T00:00Z'],
    ['quarters', '0 0 1 */3 *', '2026-01-01T00:00:00Z', '2026-04-01T00:00Z', '2026-07-01T00:00Z'],
    ['workdays', '0 9 * * 1-5', '2026-01-02T09:00:00Z', '2026-01-05T09:00Z', '2026-01-06T09:00Z'],
    [
      'the end of the year',
      '59 23 31 12 *',
      '2026-01-01T00:00:00Z',
      '2026-12-31T23:59Z',
      '2027-12-31T23:59Z',
    ],
  ])('%s: %s', (_name, text, after, first, second) => {
    expect(next(cron(text), after, 2)).toEqual([first, second]);
  });

  test.each([
    [
      'a skipped time is due when it is skipped',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:30Z'],
    ],
    [
      'several of one gap are due once',
      '0,30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:00Z'],
    ],
    [
      'a repeated time is due the first time',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00:00Z',
      ['2026-10-25T00:30Z', '2026-10-26T01:30Z'],
    ],
    [
      'the same in a list',
      '0,30 2-3 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00:00Z',
      ['2026-10-25T00:00Z', '2026-10-25T00:30Z', '2026-10-25T02:00Z', '2026-10-25T02:30Z'],
    ],
    [
      'every hour goes on through a repeated one',
      '0 * * * *',
      'Europe/Berlin',
      '2026-10-24T23:30:00Z',
      ['2026-10-25T00:00Z', '2026-10-25T01:00Z', '2026-10-25T02:00Z'],
    ],
    [
      'every 20 minutes leaves out a skipped hour and nothing else',
      '*/20 * * * *',
      'Europe/Berlin',
      '2026-03-29T00:30:00Z',
      ['2026-03-29T00:40Z', '2026-03-29T01:00Z'],
    ],
    [
      'New York in spring',
      '15 2 * * *',
      'America/New_York',
      '2026-03-07T12:00:00Z',
      ['2026-03-08T07:00Z', '2026-03-09T06:15Z'],
    ],
    [
      'New York in autumn',
      '15 1 * * *',
      'America/New_York',
      '2026-10-31T12:00:00Z',
      ['2026-11-01T05:15Z', '2026-11-02T06:15Z'],
    ],
    [
      'the month begins by the clocks of the zone',
      '0 0 1 * *',
      'Europe/Berlin',
      '2026-03-15T00:00:00Z',
      ['2026-03-31T22:00Z', '2026-04-30T22:00Z'],
    ],
    [
      'a midnight that clocks skip',
      '0 0 * * *',
      'Africa/Cairo',
      '2026-04-22T22:30:00Z',
      ['2026-04-23T22:00Z', '2026-04-24T21:00Z'],
    ],
    [
      'a change of half an hour',
      '15 2 * * *',
      'Australia/Lord_Howe',
      '2026-10-03T00:00:00Z',
      ['2026-10-03T15:30Z', '2026-10-04T15:15Z'],
    ],
    [
      'a zone of 45 minutes',
      '0 0 * * *',
      'Asia/Kathmandu',
      '2026-01-01T00:00:00Z',
      ['2026-01-01T18:15Z', '2026-01-02T18:15Z'],
    ],
  ])('where clocks change: %s', (_name, text, zone, after, expected) => {
    expect(next(cron(text, zone), after, expected.length)).toEqual(expected);
  });

  test('a day that never comes is never due', () => {
    expect(dueAfter(cron('0 0 30 2 *'), T0)).toBeUndefined();
    expect(everDue('0 0 31 4,6,9,11 *')).toBe(false);
    expect(everDue('0 0 29 2 *')).toBe(true);
    expect(everDue('0 0 30 2 MON')).toBe(true);
  });

  test('more texts than are kept are told apart all the same', () => {
    for (let minute = 0; minute < 60; minute += 1) {
      for (let hour = 0; hour < 24; hour += 1) {
        const due = dueAfter(cron(`${minute} ${hour} * * *`), Date.parse('2026-01-01T23:59:59Z'));
        expect(due).toBe(Date.UTC(2026, 0, 2, hour, minute));
      }
    }
    expect(next(cron('0 0 * * *'), '2026-01-01T00:00:00Z', 1)).toEqual(['2026-01-02T00:00Z']);
  });
});

describe('an interval', () => {
  const timing: ScheduleTiming = { kind: 'INTERVAL', everyMs: 90 * MINUTE, anchor: T0 };

  test.each([
    ['before its anchor', T0 - DAY, T0 + 90 * MINUTE],
    ['at its anchor', T0, T0 + 90 * MINUTE],
    ['just before it is due', T0 + 90 * MINUTE - 1, T0 + 90 * MINUTE],
    ['when it is due', T0 + 90 * MINUTE, T0 + 180 * MINUTE],
    ['a year later', T0 + 365 * DAY, T0 + 365 * DAY + 90 * MINUTE],
  ])('%s', (_name, after, expected) => {
    expect(dueAfter(timing, after)).toBe(expected);
  });
});

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo'];

/** Moments around which clocks change somewhere, and others. */
const moment = fc.oneof(
  fc.constantFrom(
    '2026-03-28',
    '2026-03-07',
    '2026-10-24',
    '2026-10-31',
    '2026-10-03',
    '2026-04-23',
  ),
  fc.constantFrom('2026-01-30', '2028-02-27', '2027-02-27', '2026-12-31', '2026-04-29'),
);

const minutes = fc.integer({ min: 0, max: 59 });
const hours = fc.integer({ min: 0, max: 23 });

function field(value: fc.Arbitrary<number>, max: number): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant('*') },
    { weight: 3, arbitrary: value.map(String) },
    fc.integer({ min: 2, max: 6 }).map((step) => `*/${step}`),
    fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    fc.tuple(value, value).map(([a, b]) => `${a},${b}`),
    fc.tuple(value, fc.integer({ min: 1, max: 5 })).map(([from, step]) => `${from}-${max}/${step}`),
  );
}

const text = fc
  .tuple(
    field(minutes, 59),
    fc.oneof(fc.constantFrom('0', '1', '2', '3'), field(hours, 23)),
    fc.oneof(fc.constantFrom('*', '*', 'L', '31'), field(fc.integer({ min: 1, max: 31 }), 31)),
    fc.oneof(fc.constant('*'), field(fc.integer({ min: 1, max: 12 }), 12)),
    fc.oneof(fc.constantFrom('*', '*', 'MON-FRI'), field(fc.integer({ min: 0, max: 6 }), 6)),
  )
  .map((fields) => fields.join(' '));

test('the next time is after the last, and the first minute that a reference finds', () => {
  const check = fc.property(
    text,
    fc.constantFrom(...ZONES),
    moment,
    hours,
    (cronText, zone, day, hour) => {
      expect(cronMistake(cronText)).toBeUndefined();
      const after = Date.parse(`${day}T00:00:00Z`) + hour * HOUR;
      const due = dueAfter(cron(cronText, zone), after) ?? Infinity;
      expect(due).toBeGreaterThan(after);
      const until = Math.min(due, after + 4 * DAY);
      for (let time = after + MINUTE; time < until; time += MINUTE) {
        if (isDue(cronText, zone, time)) {
          throw new Error(`${cronText} ${zone}: due at ${new Date(time).toISOString()}`);
        }
      }
      if (due !== Infinity) expect(isDue(cronText, zone, due)).toBe(true);
    },
  );
  fc.assert(check, runs('timetable', 150));
});

/** Whether a cron text is due in a minute, by looking at what clocks show in it and skip before it. */
function isDue(cronText: string, zone: string, time: Instant): boolean {
  const offset = offsetAt(zone, time);
  const before = offsetAt(zone, time - 1);
  const [minute = '', hour = ''] = cronText.split(' ');
  const fixed = !/[*/]/.test(minute + hour);
  if (!fixed) return matches(cronText, time + offset);
  // Clocks that jumped: what they skipped.
  for (let skipped = time + before; skipped < time + offset; skipped += MINUTE) {
    if (matches(cronText, skipped)) return true;
  }
  if (!matches(cronText, time + offset)) return false;
  // Clocks that went back within the last hours: whether they showed this before.
  for (let back = MINUTE; back <= 3 * HOUR; back += 15 * MINUTE) {
    const change = offsetAt(zone, time - back) - offset;
    if (change > 0 && offsetAt(zone, time - change) - offset === change) return false;
  }
  return true;
}

function matches(cronText: string, local: number): boolean {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = cronText.split(' ');
  const date = new Date(local);
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  const days = day.split(',').map((item) => (item === 'L' ? String(lastDay) : item));
  const onDay = within(days.join(','), date.getUTCDate(), 1);
  const onWeekday = within(weekday.replace('MON-FRI', '1-5'), date.getUTCDay(), 0);
  const both = day === '*' || weekday === '*';
  return (
    within(minute, date.getUTCMinutes(), 0) &&
    within(hour, date.getUTCHours(), 0) &&
    within(month, date.getUTCMonth() + 1, 1) &&
    (both ? onDay && onWeekday : onDay || onWeekday)
  );
}

function within(items: string, value: number, min: number): boolean {
  return items.split(',').some((item) => {
    const [range = '', step = '1'] = item.split('/');
    const [from = '', to = from] = range === '*' ? [String(min), '99'] : range.split('-');
    return (
      value >= Number(from) && value <= Number(to) && (value - Number(from)) % Number(step) === 0
    );
  });
}
