import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Amount } from '../../src/domain/amount.js';
import { countIn, countedAt, retryTime, type LimitCounter } from '../../src/domain/counter.js';
import { sliceOf, type LimitWindow, type RollingWindow } from '../../src/domain/window.js';
import { money, runs } from '../support/seed.js';

const settings = runs('counters', 400);

const lifetime = { kind: 'LIFETIME' } as const;
const day = { kind: 'CALENDAR', unit: 'DAY', zone: 'Europe/Berlin', weekStart: 1 } as const;
const hour = { kind: 'ROLLING', durationMs: 3_600_000 } as const;

const at = (text: string) => Date.parse(`2024-03-${text}Z`);

type Step = readonly [at: string, now: string, amount: string];

function counted(window: LimitWindow, steps: readonly Step[]): LimitCounter | undefined {
  return steps.reduce<LimitCounter | undefined>(
    (counter, [moment, now, amount]) =>
      countIn(window, counter, at(moment), at(now), money(amount)),
    undefined,
  );
}

describe('a counter of a lifetime', () => {
  const spent = counted(lifetime, [
    ['01T10:00', '01T10:00', '3'],
    ['02T10:00', '30T10:00', '0.5'],
  ]);

  test('counts everything, whenever it was', () => {
    expect(spent).toEqual({ start: 0, end: 0, counted: money('3.5'), slots: [] });
    expect(countedAt(lifetime, spent, at('31T00:00'))).toBe(money('3.5'));
  });

  test('gives back what is released, at most what it has', () => {
    const now = at('30T10:00');
    const left = countIn(lifetime, spent, now, now, money('-1'));
    expect(countedAt(lifetime, left, now)).toBe(money('2.5'));
    const none = countIn(lifetime, left, now, now, money('-99'));
    expect(countedAt(lifetime, none, now)).toBe(0n);
  });

  test('never has room by waiting', () => {
    expect(retryTime(lifetime, spent, at('30T10:00'), money('1'))).toBeUndefined();
  });
});

describe('a counter of a calendar day', () => {
  // Berlin's 31 March 2024: 23 hours from 30 March 23:00 UTC.
  const spent = counted(day, [
    ['30T12:00', '30T12:00', '8'],
    ['30T23:00', '30T23:00', '3'],
    ['31T12:00', '31T12:00', '4'],
  ]);

  test('counts the day under way and says which it is', () => {
    const span = { start: at('30T23:00'), end: at('31T22:00') };
    expect(spent).toEqual({ ...span, counted: money('7'), slots: [] });
  });

  test.each([
    ['30T23:00', '7'],
    ['31T21:59:59.999', '7'],
    ['31T22:00', '0'],
  ])('holds at %s %s', (now, amount) => {
    expect(countedAt(day, spent, at(now))).toBe(money(amount));
  });

  test('counts what was reserved earlier on the same day', () => {
    const late = countIn(day, spent, at('31T01:00'), at('31T20:00'), money('1'));
    expect(late).toEqual({ ...spent, counted: money('8') });
  });

  test.each<[string, LimitCounter | undefined, string, string, string]>([
    ['a spend of yesterday', spent, '30T22:59:59.999', '31T20:00', '1'],
    ['a release of yesterday', spent, '30T12:00', '31T20:00', '-1'],
    ['a release of today, tomorrow', spent, '31T12:00', '31T22:00', '-4'],
    ['nothing', spent, '31T20:00', '31T20:00', '0'],
    ['a spend of yesterday, without a counter', undefined, '30T12:00', '31T20:00', '1'],
    ['a release without a counter', undefined, '31T20:00', '31T20:00', '-1'],
  ])('is not touched by %s', (_name, counter, moment, now, amount) => {
    expect(countIn(day, counter, at(moment), at(now), money(amount))).toBe(counter);
  });

  test('has room when the day is over, if it has as much', () => {
    const now = at('31T20:00');
    expect(retryTime(day, spent, now, money('7'))).toBe(at('31T22:00'));
    expect(retryTime(day, spent, now, money('0.01'))).toBe(at('31T22:00'));
    expect(retryTime(day, spent, now, money('7.01'))).toBeUndefined();
    expect(retryTime(day, spent, at('31T22:00'), money('1'))).toBeUndefined();
    expect(retryTime(day, undefined, now, money('1'))).toBeUndefined();
  });

  test('has room at once for what needs none', () => {
    expect(retryTime(day, spent, at('31T20:00'), 0n)).toBe(at('31T20:00'));
    expect(retryTime(day, undefined, at('31T20:00'), -1n)).toBe(at('31T20:00'));
  });
});

describe('a counter of the last hour', () => {
  const spent = counted(hour, [
    ['10T10:00', '10T10:00', '1'],
    ['10T10:00:59.999', '10T10:00:59.999', '2'],
    ['10T10:30:30', '10T10:30:30', '4'],
  ]);
  const minute = at('10T10:00') / 60_000;

  test('keeps a slot for each of its minutes that has something', () => {
    const slots = [
      [minute, money('3')],
      [minute + 30, money('4')],
    ];
    expect(spent).toEqual({ start: 0, end: 0, counted: 0n, slots });
  });

  test.each([
    ['10T11:00', '7'],
    ['10T11:00:59.999', '7'],
    ['10T11:01', '4'],
    ['10T11:30:59.999', '4'],
    ['10T11:31', '0'],
  ])('holds at %s %s', (now, amount) => {
    expect(countedAt(hour, spent, at(now))).toBe(money(amount));
  });

  test('counts a hold in the minute it was reserved in, and forgets the old minutes', () => {
    const late = countIn(hour, spent, at('10T10:20'), at('10T11:05'), money('9'));
    const slots = [
      [minute + 20, money('9')],
      [minute + 30, money('4')],
    ];
    expect(late?.slots).toEqual(slots);
  });

  test('drops a minute that was given back', () => {
    const less = countIn(hour, spent, at('10T10:30'), at('10T10:40'), money('-99'));
    expect(less?.slots).toEqual([[minute, money('3')]]);
  });

  test.each([
    ['a spend that has left', '10T10:00', '10T11:01', '1'],
    ['a release of what has left', '10T10:00', '10T11:01', '-1'],
    ['a release in a minute without anything', '10T10:15', '10T10:40', '-1'],
    ['nothing', '10T10:15', '10T10:40', '0'],
  ])('is not touched by %s', (_name, moment, now, amount) => {
    expect(countIn(hour, spent, at(moment), at(now), money(amount))).toBe(spent);
  });

  test.each([
    ['0.01', '10T11:01'],
    ['3', '10T11:01'],
    ['3.01', '10T11:31'],
    ['7', '10T11:31'],
    ['7.01', undefined],
  ])('has %s less at %s', (needed, moment) => {
    const expected = moment === undefined ? undefined : at(moment);
    expect(retryTime(hour, spent, at('10T10:40'), money(needed))).toBe(expected);
  });

  test('takes a moment that is still to come for now', () => {
    const early = countIn(hour, spent, at('10T12:00'), at('10T10:30:59'), money('1'));
    expect(early?.slots.at(-1)).toEqual([minute + 30, money('5')]);
  });
});

/** What happened: a spend some time after the one before, or some of an earlier one given back. */
interface Happening {
  readonly wait: number;
  readonly age: number;
  readonly amount: Amount;
  readonly giveBack: number | undefined;
}

const happening: fc.Arbitrary<Happening> = fc.record({
  wait: fc.integer({ min: 0, max: 60 }),
  age: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300 })),
  amount: fc.bigInt({ min: 1n, max: 20n }),
  giveBack: fc.option(fc.nat(), { nil: undefined }),
});

// Of any number of milliseconds, divisible by its 60 slices or not.
const rolling = fc
  .integer({ min: 60, max: 250 })
  .map((durationMs) => ({ kind: 'ROLLING', durationMs }) as const);
const begin = fc.integer({ min: 0, max: 1_000_000 }).map((time) => 1_700_000_000_000 + time);

/** Runs what happened through a counter and, naively, through a list of spends. */
function play(window: RollingWindow, start: number, happenings: readonly Happening[]) {
  const spends: { readonly time: number; amount: Amount }[] = [];
  let now = start;
  let counter: LimitCounter | undefined;
  for (const { wait, age, amount, giveBack } of happenings) {
    now += wait;
    const earlier = giveBack === undefined ? undefined : spends[giveBack % (spends.length || 1)];
    if (earlier === undefined) {
      spends.push({ time: now - age, amount });
      counter = countIn(window, counter, now - age, now, amount);
    } else {
      const back = amount < earlier.amount ? amount : earlier.amount;
      earlier.amount -= back;
      counter = countIn(window, counter, earlier.time, now, -back);
    }
  }
  const since = (time: number) =>
    spends.reduce((sum, spend) => (spend.time > time ? sum + spend.amount : sum), 0n);
  return { counter, now, since };
}

describe('a rolling counter, whatever happens', () => {
  const story = fc.tuple(rolling, begin, fc.array(happening, { maxLength: 40 }));

  test('lets a spend leave up to one slice late, never early', () => {
    fc.assert(
      fc.property(story, fc.nat(300), ([window, start, happenings], later) => {
        const { counter, now, since } = play(window, start, happenings);
        const then = now + later;
        const sum = countedAt(window, counter, then);
        const slice = sliceOf(window);
        expect(sum).toBeGreaterThanOrEqual(since(then - window.durationMs));
        expect(sum).toBeLessThanOrEqual(since(then - window.durationMs - slice));
      }),
      settings,
    );
  });

  test('keeps at most 61 slots, ascending, none of them empty', () => {
    fc.assert(
      fc.property(story, ([window, start, happenings]) => {
        const slots = play(window, start, happenings).counter?.slots ?? [];
        expect(slots.length).toBeLessThanOrEqual(61);
        expect(slots.every(([, amount]) => amount > 0n)).toBe(true);
        const indexes = slots.map(([index]) => index);
        expect(indexes).toEqual([...new Set(indexes)].sort((a, b) => a - b));
      }),
      settings,
    );
  });

  test('keeps 61 slots and no more when every slice has something', () => {
    const window = { kind: 'ROLLING', durationMs: 60_000 } as const;
    let counter: LimitCounter | undefined;
    for (let now = 0; now < 200_000; now += 500) counter = countIn(window, counter, now, now, 1n);
    expect(counter?.slots.length).toBe(61);
  });

  test('has room at the first moment that shows it', () => {
    fc.assert(
      fc.property(story, fc.bigInt(1n, 60n), ([window, start, happenings], needed) => {
        const { counter, now } = play(window, start, happenings);
        const before = countedAt(window, counter, now);
        let first: number | undefined;
        for (let time = now; time <= now + 600; time += 1) {
          if (before - countedAt(window, counter, time) < needed) continue;
          first = time;
          break;
        }
        expect(retryTime(window, counter, now, needed)).toBe(first);
      }),
      settings,
    );
  });

  test('is never below nothing', () => {
    const any = fc.record({
      wait: fc.integer({ min: 0, max: 60 }),
      age: fc.integer({ min: 0, max: 300 }),
      amount: fc.bigInt({ min: -20n, max: 20n }),
    });
    fc.assert(
      fc.property(rolling, begin, fc.array(any), (window, start, changes) => {
        let now = start;
        for (const each of [window, lifetime, { ...day, unit: 'HOUR' } as const]) {
          let counter: LimitCounter | undefined;
          for (const { wait, age, amount } of changes) {
            now += wait;
            counter = countIn(each, counter, now - age, now, amount);
            expect(countedAt(each, counter, now)).toBeGreaterThanOrEqual(0n);
            expect(counter?.slots.every((slot) => slot[1] > 0n) ?? true).toBe(true);
          }
        }
      }),
      settings,
    );
  });
});
