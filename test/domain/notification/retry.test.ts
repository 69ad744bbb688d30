import { describe, expect, test } from 'vitest';
import {
  backoffMs,
  exhaustion,
  judgeStatus,
  RETRY_POLICY,
  retryAfterMs,
} from '../../../src/domain/notification/retry.js';
import { DAY, HOUR, MINUTE, SECOND, T0 } from '../../fakes/manual-time.js';
import { randomFrom } from '../../support/seed.js';

describe('the wait after an attempt', () => {
  test.each([
    [1, 1 * SECOND],
    [2, 2 * SECOND],
    [3, 4 * SECOND],
    [10, 512 * SECOND],
    [11, 15 * MINUTE],
    [12, 15 * MINUTE],
    [1_000, 15 * MINUTE],
    [5_000, 15 * MINUTE],
  ])('after attempt %i is anything up to %i ms', (attempt, longest) => {
    expect(backoffMs(attempt, 0, RETRY_POLICY)).toBe(0);
    expect(backoffMs(attempt, 0.5, RETRY_POLICY)).toBe(longest / 2);
    expect(backoffMs(attempt, 1 - 2 ** -53, RETRY_POLICY)).toBe(longest - 1);
  });

  test('reaches over a day before the attempts are used up', () => {
    const random = randomFrom(1);
    let waited = 0;
    let attempt = 0;
    while (waited < DAY) waited += backoffMs((attempt += 1), random(), RETRY_POLICY);
    expect(attempt).toBeGreaterThan(150);
    expect(attempt).toBeLessThan(RETRY_POLICY.attemptsMax);
  });
});

test.each([
  [249, DAY, undefined],
  [250, 0, 'given up after 250 attempts'],
  [1, DAY + 1, 'given up since it would be older than 1440 minutes at the next attempt'],
])('after attempt %i, the next one %i ms after the event: %s', (attempt, age, reason) => {
  expect(exhaustion(attempt, T0, T0 + age, RETRY_POLICY)).toBe(reason);
});

test.each([
  ['DELIVERED', [200, 201, 202, 204, 299]],
  ['RETRY', [408, 425, 429, 500, 501, 502, 503, 504, 521, 599]],
  ['REFUSED', [0, 101, 300, 301, 302, 307, 308, 400, 401, 403, 404, 405, 410, 413, 422, 451]],
] as const)('%s: %j', (verdict, statuses) => {
  expect(statuses.map(judgeStatus)).toEqual(statuses.map(() => verdict));
});

test.each([
  [undefined, undefined],
  ['', undefined],
  ['soon', undefined],
  ['-5', undefined],
  ['1.5', undefined],
  ['0', 0],
  ['120', 120 * SECOND],
  [' 7 ', 7 * SECOND],
  ['9999999999', HOUR],
  ['Thu, 01 Jan 2026 08:00:30 GMT', 30 * SECOND],
  ['Thu, 01 Jan 2026 07:00:00 GMT', 0],
  ['Fri, 02 Jan 2026 08:00:00 GMT', HOUR],
  ['Thu, 41 Jan 2026 08:00:30 GMT', undefined],
  ['2026-01-01T08:00:30Z', undefined],
])('Retry-After %j means %j ms', (header, ms) => {
  expect(retryAfterMs(header, T0, HOUR)).toBe(ms);
});
