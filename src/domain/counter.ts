import type { Amount } from './amount.js';
import type { Instant, Uid } from './model.js';
import {
  calendarSpan,
  countsSince,
  sliceOf,
  type CalendarWindow,
  type LimitWindow,
  type RollingWindow,
  type Span,
} from './window.js';

/**
 * What has been counted against one limit. It is a function of time, nothing resets it: what its
 * window has left behind is not read any more. It is replaced, never changed.
 */
export interface LimitCounter {
  /** CALENDAR: the span that `counted` is of, so that reading needs no calendar. Otherwise 0. */
  readonly start: Instant;
  /** CALENDAR: where that span ends. Otherwise 0. */
  readonly end: Instant;
  /** LIFETIME and CALENDAR: the sum, never below 0. ROLLING: 0, the sum is that of the slots. */
  readonly counted: Amount;
  /** ROLLING: at most 61, ascending, each above 0. Otherwise none. */
  readonly slots: readonly CounterSlot[];
}

/** A slice of a rolling window, numbered from 1970, and what was counted in it. */
export type CounterSlot = readonly [index: number, amount: Amount];

const NO_SLOTS: readonly CounterSlot[] = [];

/**
 * What has been counted against the limits of one account, an agent or a pool: the uids of the limits, and
 * in the same places what each counted. One row, since a spend of the account changes most of them.
 */
export interface LimitCounts {
  readonly limits: readonly Uid[];
  readonly counters: readonly LimitCounter[];
}

/** The counter of a limit among those of an account; none when nothing was counted yet. */
export function counterIn(counts: LimitCounts | undefined, limit: Uid): LimitCounter | undefined {
  const place = counts?.limits.indexOf(limit) ?? -1;
  return place < 0 ? undefined : counts?.counters[place];
}

/** How much a window holds at `now`. No counter yet, or one whose span is over, is 0. */
export function countedAt(
  window: LimitWindow,
  counter: LimitCounter | undefined,
  now: Instant,
): Amount {
  if (counter === undefined) return 0n;
  switch (window.kind) {
    case 'LIFETIME':
      return counter.counted;
    case 'CALENDAR':
      return now < counter.end ? counter.counted : 0n;
    case 'ROLLING':
      return slotsAt(window, counter, now).reduce((sum, [, amount]) => sum + amount, 0n);
  }
}

/**
 * The counter with an amount counted at the moment `at`, which is `now` or before it: a hold counts
 * when it was reserved. Below 0 the amount takes back what was counted there, at most all of it.
 *
 * Returns the counter it was given, or still none, when that changes nothing: the amount is 0, the
 * moment is not counted any more at `now`, or there is nothing to take back.
 */
export function countIn(
  window: LimitWindow,
  counter: LimitCounter | undefined,
  at: Instant,
  now: Instant,
  amount: Amount,
): LimitCounter | undefined {
  if (amount === 0n) return counter;
  const moment = Math.min(at, now);
  switch (window.kind) {
    case 'LIFETIME':
      return withSum(counter, { start: 0, end: 0 }, amount);
    case 'CALENDAR': {
      const span = spanAt(window, counter, now);
      return moment < span.start ? counter : withSum(counter, span, amount);
    }
    case 'ROLLING':
      return moment < countsSince(window, now)
        ? counter
        : withSlot(window, counter, moment, now, amount);
  }
}

/**
 * The first moment from `now` on at which at least `needed` of what is counted at `now` has left the
 * window, if nothing more is counted: `now` when nothing needs to leave. Undefined when waiting does
 * not help: the window is LIFETIME, or does not hold that much.
 */
export function retryTime(
  window: LimitWindow,
  counter: LimitCounter | undefined,
  now: Instant,
  needed: Amount,
): Instant | undefined {
  if (needed <= 0n) return now;
  if (counter === undefined || needed > countedAt(window, counter, now)) return undefined;
  switch (window.kind) {
    case 'LIFETIME':
      return undefined;
    case 'CALENDAR':
      return counter.end;
    case 'ROLLING': {
      let left = 0n;
      const last = slotsAt(window, counter, now).find(([, amount]) => (left += amount) >= needed);
      return last && (last[0] + 1) * sliceOf(window) + window.durationMs;
    }
  }
}

/** The span under way at `now`: what the counter says while it lasts. */
function spanAt(window: CalendarWindow, counter: LimitCounter | undefined, now: Instant): Span {
  return counter !== undefined && now < counter.end ? counter : calendarSpan(window, now);
}

function withSum(
  counter: LimitCounter | undefined,
  { start, end }: Span,
  amount: Amount,
): LimitCounter | undefined {
  const before = counter?.end === end ? counter.counted : 0n;
  const sum = notBelowZero(before + amount);
  return sum === before ? counter : { start, end, counted: sum, slots: NO_SLOTS };
}

/** The slots that are counted at `now`. */
function slotsAt(
  window: RollingWindow,
  counter: LimitCounter,
  now: Instant,
): readonly CounterSlot[] {
  const oldest = countsSince(window, now) / sliceOf(window);
  const first = counter.slots[0];
  if (first === undefined || first[0] >= oldest) return counter.slots;
  return counter.slots.filter(([index]) => index >= oldest);
}

function withSlot(
  window: RollingWindow,
  counter: LimitCounter | undefined,
  at: Instant,
  now: Instant,
  amount: Amount,
): LimitCounter | undefined {
  const index = Math.floor(at / sliceOf(window));
  const slots = counter === undefined ? [] : slotsAt(window, counter, now);
  const last = slots.at(-1);
  if (last !== undefined && last[0] === index && amount > 0n) {
    return rolling(slots.with(-1, [index, last[1] + amount]));
  }
  const before = slots.find((slot) => slot[0] === index)?.[1] ?? 0n;
  const sum = notBelowZero(before + amount);
  if (sum === before) return counter;
  const earlier = slots.filter((slot) => slot[0] < index);
  const later = slots.filter((slot) => slot[0] > index);
  const own: readonly CounterSlot[] = sum === 0n ? [] : [[index, sum]];
  return rolling([...earlier, ...own, ...later]);
}

function rolling(slots: readonly CounterSlot[]): LimitCounter {
  return { start: 0, end: 0, counted: 0n, slots };
}

function notBelowZero(amount: Amount): Amount {
  return amount > 0n ? amount : 0n;
}
