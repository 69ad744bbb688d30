/**
 * Calendar windows of any zone against a reference that knows no arithmetic: it goes through time
 * minute by minute and reads what Intl shows on the wall.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { calendarSpan, type CalendarUnit } from '../../src/domain/window.js';
import { runs } from '../support/seed.js';

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

/** What a wall shows: the date as yyyymmdd, the minute of the day, and the day of the week. */
interface Wall {
  readonly date: number;
  readonly minute: number;
  readonly weekday: number;
}

const walls = new Map<string, (time: number) => Wall>();

function wallOf(zone: string): (time: number) => Wall {
  const kept = walls.get(zone);
  if (kept) return kept;
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  const read = (time: number): Wall => {
    const text = format.format(time);
    const [day, month, year, hour, minute] = text.match(/\d+/g)!.map(Number);
    return {
      date: (year! * 100 + month!) * 100 + day!,
      minute: hour! * 60 + minute!,
      weekday: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(text.slice(0, 3)) + 1,
    };
  };
  walls.set(zone, read);
  return read;
}

/** How far from a moment its span's ends may lie. */
const REACH: Readonly<Record<CalendarUnit, number>> = {
  HOUR: 70 * MINUTE,
  DAY: 2 * DAY,
  WEEK: 9 * DAY,
  MONTH: 33 * DAY,
};

interface Case {
  readonly unit: CalendarUnit;
  readonly zone: string;
  readonly weekStart: number;
  readonly time: number;
}

/** The span around a time: from the last minute that begins one to the first after it that does. */
function reference({ unit, zone, weekStart, time }: Case): { start: number; end: number } {
  const read = wallOf(zone);
  const until = time + REACH[unit];
  // Two days more tell which date was the latest before.
  const margin = unit === 'HOUR' ? 0 : 2 * DAY;
  let at = Math.floor((time - REACH[unit] - margin) / MINUTE) * MINUTE;
  let before = read(at);
  let latest = before.date;
  let start = Number.NaN;
  while (at <= until) {
    // Far from the ends of a month nothing can begin one.
    const day = before.date % 100;
    at += unit === 'MONTH' && day > 3 && day < 25 ? DAY : MINUTE;
    const wall = read(at);
    if (begins(unit, weekStart, before, wall, latest)) {
      if (at > time) return { start, end: at };
      start = at;
    }
    latest = Math.max(latest, wall.date);
    before = wall;
  }
  throw new Error('no span ends within reach');
}

/** Whether a span begins with this minute, the latest date that was ever shown being `latest`. */
function begins(
  unit: CalendarUnit,
  weekStart: number,
  before: Wall,
  wall: Wall,
  latest: number,
): boolean {
  if (unit === 'HOUR') {
    return wall.minute % 60 === 0 || wall.minute !== before.minute + 1;
  }
  if (wall.date <= latest) return false;
  if (unit === 'MONTH') return Math.floor(wall.date / 100) > Math.floor(latest / 100);
  if (unit === 'DAY') return true;
  // The first day of the week, or one behind it when that one was skipped.
  return (wall.weekday - weekStart + 7) % 7 < (before.weekday - weekStart + 7) % 7;
}

const FIRST_YEAR = 1990;
const LAST_YEAR = 2040;

/** A moment of a year: anywhere in it, or close to one of the year's changes of clocks. */
function momentOf(zone: string, year: number, share: number, near: boolean): number {
  const start = Date.UTC(year, 0, 1);
  const anywhere = start + Math.floor(share * 365 * DAY);
  if (!near) return anywhere;
  const read = wallOf(zone);
  const changes: number[] = [];
  for (let day = 0; day < 365; day += 1) {
    const at = start + day * DAY;
    if (read(at).minute !== read(at + DAY).minute) changes.push(at);
  }
  const change = changes[Math.floor(share * changes.length)];
  if (change === undefined) return anywhere;
  const rest = (share * changes.length) % 1;
  return Math.floor(change - DAY / 4 + rest * 1.5 * DAY);
}

function cases(unit: CalendarUnit): fc.Arbitrary<Case> {
  const zone = fc.oneof(
    fc.constantFrom(...Intl.supportedValuesOf('timeZone')),
    // Midnights that do not exist or come twice, half hours, skipped days.
    fc.constantFrom(
      'America/Sao_Paulo',
      'America/St_Johns',
      'America/Havana',
      'America/Asuncion',
      'Asia/Beirut',
      'Africa/Cairo',
      'Asia/Kathmandu',
      'Australia/Lord_Howe',
      'Pacific/Apia',
      'Pacific/Kwajalein',
      'Antarctica/Casey',
    ),
  );
  const year = fc.integer({ min: FIRST_YEAR, max: LAST_YEAR - 1 });
  const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const weekStart = fc.integer({ min: 1, max: 7 });
  return fc.tuple(zone, weekStart, year, share, fc.boolean()).map(([name, first, y, s, near]) => ({
    unit,
    zone: name,
    weekStart: first,
    time: momentOf(name, y, s, near),
  }));
}

const settings = {
  HOUR: runs('hours', 500),
  DAY: runs('days', 60),
  WEEK: runs('weeks', 20),
  MONTH: runs('months', 20),
};

const units = ['HOUR', 'DAY', 'WEEK', 'MONTH'] as const;

test.each(units)('the %s around a moment is what the wall shows', (unit) => {
  fc.assert(
    fc.property(cases(unit), (each) => {
      expect(calendarSpan({ kind: 'CALENDAR', ...each }, each.time)).toEqual(reference(each));
    }),
    settings[unit],
  );
});

test.each(units)('the %s before and the one after join it without gap or overlap', (unit) => {
  fc.assert(
    fc.property(cases(unit), (each) => {
      const window = { kind: 'CALENDAR', ...each } as const;
      const span = calendarSpan(window, each.time);
      expect(span.start).toBeLessThanOrEqual(each.time);
      expect(span.end).toBeGreaterThan(each.time);
      expect(calendarSpan(window, span.start)).toEqual(span);
      expect(calendarSpan(window, span.end - 1)).toEqual(span);
      expect(calendarSpan(window, span.end).start).toBe(span.end);
      expect(calendarSpan(window, span.start - 1).end).toBe(span.start);
    }),
    { ...settings[unit], numRuns: Math.max(settings[unit].numRuns, 300) },
  );
});
