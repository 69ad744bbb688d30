import { AMOUNT_DECIMALS, percentOf, type Amount } from './amount.js';
import { remainingOf } from './budget.js';
import type { AgentBalances, Instant } from './model.js';

const MINUTE_MS = 60_000;

/** Lengths of the windows whose burn rates are told, and the hour that a rate is per. */
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** The last moment that a Timestamp of the API can name: the end of the year 9999. */
const TIME_MAX: Instant = 253_402_300_799_999;

/** Above this share of the baseline usage is high. Guide: monitor_budget_usage. */
const HIGH_USAGE_PERCENT = 80n;

/**
 * 100 - remaining percent: what of the baseline is not left, so holds count as used. A decimal string
 * with at most four decimals cut towards zero; `0` when the baseline is 0, as in the guide.
 */
export function usagePercentOf(agent: AgentBalances): string {
  return percentOf(agent.baseline - remainingOf(agent), agent.baseline);
}

/** Whether strictly more than 80 percent of the baseline is used, exactly. False at baseline 0. */
export function isHighUsage(agent: AgentBalances): boolean {
  const used = agent.baseline - remainingOf(agent);
  return agent.baseline > 0n && 100n * used > HIGH_USAGE_PERCENT * agent.baseline;
}

/** What the spends and commits of a window cost, refunds not taken off. */
export interface Burn {
  readonly amount: Amount;
  /** What it is divided by, above 0. */
  readonly spanMs: number;
}

/**
 * When a window of a length begins that reaches back from now: with the minute in which it would, since
 * usage is kept by the minute. A spend leaves it up to one minute late, never early.
 */
export function windowStart(now: Instant, lengthMs: number): Instant {
  return Math.max(0, Math.floor((now - lengthMs) / MINUTE_MS) * MINUTE_MS);
}

/**
 * What a window's costs are divided by: its length, or the account's age when it is younger, but never
 * less than an hour. The first call of a new agent is no hourly rate.
 */
export function windowSpan(now: Instant, lengthMs: number, createTime: Instant): number {
  return Math.min(lengthMs, Math.max(HOUR_MS, now - createTime));
}

/** A burn per hour, divided last and rounded half up to a scale of 0..12 decimals. */
export function ratePerHour({ amount, spanMs }: Burn, scale: number): Amount {
  const step = 10n ** BigInt(AMOUNT_DECIMALS - scale);
  const denominator = BigInt(spanMs) * step;
  const twice = 2n * amount * BigInt(HOUR_MS) + denominator;
  return (twice / (2n * denominator)) * step;
}

/**
 * When what is available will be spent: now + available / rate, cut to the millisecond, by the last
 * hour's burn when it had one, else by the last day's. Undefined when neither had one, when nothing is
 * available, and beyond the year 9999.
 */
export function exhaustionTime(
  available: Amount,
  lastHour: Burn,
  lastDay: Burn,
  now: Instant,
): Instant | undefined {
  const { amount, spanMs } = lastHour.amount > 0n ? lastHour : lastDay;
  if (amount <= 0n || available <= 0n) return undefined;
  const left = (available * BigInt(spanMs)) / amount;
  return left > BigInt(TIME_MAX - now) ? undefined : now + Number(left);
}
