import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ZONES_KEPT_MAX,
  canonicalZone,
  firstInstant,
  isZone,
  offsetAt,
  offsetChange,
} from '../../src/domain/zone.js';
import { runs } from '../support/seed.js';

const settings = runs('zones', 300);
const zones = Intl.supportedValuesOf('timeZone');

describe('the name of a zone', () => {
  test.each([
    ['UTC', 'UTC'],
    ['utc', 'UTC'],
    ['Europe/Berlin', 'Europe/Berlin'],
    ['europe/berlin', 'Europe/Berlin'],
    ['Etc/GMT+5', 'Etc/GMT+5'],
    ['US/Eastern', 'US/Eastern'],
    ['Europe/Kyiv', 'Europe/Kyiv'],
    ['Asia/Kolkata', 'Asia/Kolkata'],
    ['Asia/Calcutta', 'Asia/Calcutta'],
    ['Asia/Kathmandu', 'Asia/Kathmandu'],
  ])('%s is kept as %s', (name, kept) => {
    expect(isZone(name)).toBe(true);
    expect(canonicalZone(name)).toEqual(kept);
  });

  test.each([
    '',
    ' ',
    'Mars/Olympus',
    'Europe/Berlin ',
    ' Europe/Berlin',
    'Europe',
    '+02:00',
    '-0500',
    '+05',
    'Z',
    'GMT+2',
    'UTC+1',
    'undefined',
    'a'.repeat(10_000),
    'Europe/Berlin\0',
  ])('%j is none', (name) => {
    expect(isZone(name)).toBe(false);
    expect(canonicalZone(name)).toBeUndefined();
  });
});

describe('the offset of a zone', () => {
  test.each([
    ['UTC', '2024-06-01T00:00Z', '0:00'],
    ['Europe/Berlin', '2024-01-01T00:00Z', '1:00'],
    ['Europe/Berlin', '2024-06-01T00:00Z', '2:00'],
    ['America/New_York', '2024-06-01T00:00Z', '-4:00'],
    ['America/St_Johns', '2024-01-01T00:00Z', '-3:30'],
    ['Asia/Kathmandu', '2024-01-01T00:00Z', '5:45'],
    ['Pacific/Kiritimati', '2024-01-01T00:00Z', '14:00'],
    ['Pacific/Pago_Pago', '2024-01-01T00:00Z', '-11:00'],
    ['Africa/Monrovia', '1971-01-01T00:00Z', '-0:44:30'],
  ])('of %s at %s is %s', (zone, time, offset) => {
    const size = offset.replace('-', '').split(':').map(Number);
    const seconds = size[0]! * 3_600 + size[1]! * 60 + (size[2] ?? 0);
    const sign = offset.startsWith('-') ? -1 : 1;
    expect(offsetAt(zone, Date.parse(time)) / 1_000).toBe(seconds === 0 ? 0 : sign * seconds);
  });

  test('changes at the very millisecond', () => {
    const change = Date.parse('2024-03-31T01:00Z');
    const around = (before: number, after: number) =>
      offsetChange('Europe/Berlin', change - before, change + after);
    expect(around(3_600_000, 3_600_000)).toBe(change);
    expect(around(1, 0)).toBe(change);
    expect(around(1, -1)).toBeUndefined();
    expect(around(0, 3_600_000)).toBeUndefined();
  });

  test('of no zone is a RangeError', () => {
    expect(() => offsetAt('Mars/Olympus', 0)).toThrow(RangeError);
  });

  test('is right with more zones than are kept', () => {
    const time = Date.parse('2024-06-01T00:00Z');
    expect(zones.length).toBeGreaterThan(ZONES_KEPT_MAX);
    const first = zones.map((zone) => offsetAt(zone, time));
    expect(zones.map((zone) => offsetAt(zone, time))).toEqual(first);
    expect(first[zones.indexOf('Asia/Tokyo')]).toBe(9 * 3_600_000);
  });
});

describe('the first moment of a local time', () => {
  test.each([
    ['on an ordinary day', 'Europe/Berlin', '2024-06-01T00:00Z', '2024-05-31T22:00Z'],
    ['that is skipped', 'Europe/Berlin', '2024-03-31T02:30Z', '2024-03-31T01:00Z'],
    ['right behind the skipped', 'Europe/Berlin', '2024-03-31T03:00Z', '2024-03-31T01:00Z'],
    ['shown twice', 'Europe/Berlin', '2024-10-27T02:30Z', '2024-10-27T00:30Z'],
    ['right behind the repeated', 'Europe/Berlin', '2024-10-27T03:00Z', '2024-10-27T02:00Z'],
    ['on a date that is skipped', 'Pacific/Apia', '2011-12-30T12:00Z', '2011-12-30T10:00Z'],
  ])('%s: %s %s is %s', (_name, zone, local, moment) => {
    const found = firstInstant(zone, Date.parse(local));
    expect(new Date(found).toISOString()).toBe(new Date(moment).toISOString());
  });

  test('shows that time or later, and nothing before it does', () => {
    const time = fc.integer({ min: 0, max: Date.UTC(2040, 0, 1) });
    fc.assert(
      fc.property(fc.constantFrom(...zones), time, (zone, local) => {
        const found = firstInstant(zone, local);
        expect(found + offsetAt(zone, found)).toBeGreaterThanOrEqual(local);
        for (const before of [1, 60_000, 1_800_000, 3_600_000, 86_400_000]) {
          const earlier = found - before;
          expect(earlier + offsetAt(zone, earlier)).toBeLessThan(local);
        }
      }),
      settings,
    );
  });
});
