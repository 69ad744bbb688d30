import type { Instant } from '../model.js';

/** When a delivery that failed is tried again, and when it is given up. */
export interface RetryPolicy {
  /** The longest wait after the first attempt. */
  readonly baseMs: number;
  /** How many times longer it is after each further one. */
  readonly factor: number;
  /** No wait that we choose is longer. */
  readonly delayMsMax: number;
  /** No wait that a receiver asks for is longer. */
  readonly retryAfterMsMax: number;
  /** Attempts in all. */
  readonly attemptsMax: number;
  /** No attempt is made when the notification is older: it is no news any more. */
  readonly ageMsMax: number;
}

/**
 * Full jitter makes a wait half of its longest on average: about 8 minutes pass in the first ten
 * waits and 7.5 in each one after. So a receiver that comes back is told within 15 minutes, and one
 * that stays away for a night misses nothing. The age ends it after a day, at about 200 attempts.
 */
export const RETRY_POLICY: RetryPolicy = {
  baseMs: 1_000,
  factor: 2,
  delayMsMax: 15 * 60_000,
  retryAfterMsMax: 60 * 60_000,
  attemptsMax: 250,
  ageMsMax: 24 * 60 * 60_000,
};

/**
 * How long to wait after an attempt (from 1): exponential with full jitter, a uniform share of
 * min(delayMsMax, baseMs x factor^(attempt - 1)). `random` is from 0 up to below 1. Source:
 * "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export function backoffMs(attempt: number, random: number, policy: RetryPolicy): number {
  const longest = Math.min(policy.delayMsMax, policy.baseMs * policy.factor ** (attempt - 1));
  return Math.floor(random * longest);
}

/** Why a delivery is given up after an attempt (from 1) that failed; undefined: it is tried again. */
export function exhaustion(
  attempt: number,
  createTime: Instant,
  nextTime: Instant,
  policy: RetryPolicy,
): string | undefined {
  if (attempt >= policy.attemptsMax) return `given up after ${attempt} attempts`;
  const minutes = policy.ageMsMax / 60_000;
  return nextTime > createTime + policy.ageMsMax
    ? `given up since it would be older than ${minutes} minutes at the next attempt`
    : undefined;
}

/**
 * What a status says about a delivery. Too early, too much and trouble of the server pass; a redirect
 * is not followed, since it could lead where no channel may send, and what else is refused now will be
 * refused again.
 */
export function judgeStatus(status: number): 'DELIVERED' | 'RETRY' | 'REFUSED' {
  if (status >= 200 && status <= 299) return 'DELIVERED';
  const passes = status === 408 || status === 425 || status === 429 || status >= 500;
  return passes ? 'RETRY' : 'REFUSED';
}

/** `Wed, 21 Oct 2026 07:28:00 GMT`: the only form of a date that RFC 9110 lets anybody send. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * What a Retry-After header asks for, in milliseconds from now and at most `msMax`; 0 when it lies in
 * the past, undefined when there is none that can be read. RFC 9110, section 10.2.3.
 */
export function retryAfterMs(
  header: string | undefined,
  now: Instant,
  msMax: number,
): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text) * 1_000, msMax);
  if (!HTTP_DATE.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : Math.min(Math.max(time - now, 0), msMax);
}
