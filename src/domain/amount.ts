/**
 * An exact amount of money or of a quantity: a bigint counting steps of 10^-12, the finest step the
 * API admits. Addition and comparison are the bigint operators; everything else is in this file.
 */
export type Amount = bigint;

/** Decimals of one step of an Amount. */
export const AMOUNT_DECIMALS = 12;

const STEPS_PER_UNIT = 10n ** 12n;

/** Balances stay below this in magnitude: 10^24 units. */
export const BALANCE_LIMIT: Amount = 10n ** 24n * STEPS_PER_UNIT;

/** The grammar of api.md's Amount: 18 digits, at most 12 decimals, no sign, exponent or separator. */
const UNSIGNED = /^(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,12})?$/;
const SIGNED = /^-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,12})?$/;

/** Balances on disk may be longer than what a request may carry. */
const STORED = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]{1,12})?$/;

const POWERS = Array.from({ length: AMOUNT_DECIMALS + 1 }, (_, n) => 10n ** BigInt(n));

/** Reads an unsigned amount of a request. Returns undefined when it is not of the grammar. */
export function parseAmount(text: string): Amount | undefined {
  return UNSIGNED.test(text) ? stepsOf(text) : undefined;
}

/** Reads a signed amount of a request (a delta). Returns undefined when it is not of the grammar. */
export function parseSignedAmount(text: string): Amount | undefined {
  return SIGNED.test(text) ? stepsOf(text) : undefined;
}

/** Reads an amount that this module printed; empty is 0. Throws on anything else. */
export function storedAmount(text: string): Amount {
  if (text === '') return 0n;
  if (!STORED.test(text)) throw new Error('not a stored amount');
  return stepsOf(text);
}

function stepsOf(text: string): Amount {
  const point = text.indexOf('.');
  if (point < 0) return BigInt(text) * STEPS_PER_UNIT;
  const decimals = text.length - point - 1;
  const digits = BigInt(text.slice(0, point) + text.slice(point + 1));
  return digits * (POWERS[AMOUNT_DECIMALS - decimals] ?? 1n);
}

/** Prints an amount in canonical form: no trailing zeros, no exponent, `-` only below zero. */
export function formatAmount(amount: Amount): string {
  if (amount === 0n) return '0';
  const known = printed.get(amount);
  if (known !== undefined) return known;
  const text = amount < 0n ? `-${printMagnitude(-amount)}` : printMagnitude(amount);
  if (printed.size >= PRINTED_MAX) printed.clear();
  printed.set(amount, text);
  return text;
}

/** Amounts printed lately: a spend prints each balance in its entry, its rows and its answer. */
const PRINTED_MAX = 4_096;
const printed = new Map<Amount, string>();

function printMagnitude(magnitude: Amount): string {
  let digits = magnitude.toString();
  if (digits.length <= AMOUNT_DECIMALS) digits = digits.padStart(AMOUNT_DECIMALS + 1, '0');
  let end = digits.length;
  const point = end - AMOUNT_DECIMALS;
  while (end > point && digits.charCodeAt(end - 1) === 48) end -= 1;
  const whole = digits.slice(0, point);
  return end === point ? whole : `${whole}.${digits.slice(point, end)}`;
}

/** The smallest step of a scale (0..12 decimals), as an amount. */
export function stepOf(scale: number): Amount {
  return POWERS[AMOUNT_DECIMALS - scale] ?? 1n;
}

/** Whether an amount has no digit beyond `scale` decimals (0..12), judged by value. */
export function fitsScale(amount: Amount, scale: number): boolean {
  return amount % stepOf(scale) === 0n;
}

/** An amount cut to `scale` decimals (0..12), towards minus infinity. */
export function floorToScale(amount: Amount, scale: number): Amount {
  const step = POWERS[AMOUNT_DECIMALS - scale] ?? 1n;
  const rest = amount % step;
  return rest < 0n ? amount - rest - step : amount - rest;
}

/** Whether a balance is in range: below 10^24 in magnitude. */
export function inRange(amount: Amount): boolean {
  return amount < BALANCE_LIMIT && amount > -BALANCE_LIMIT;
}

/** The larger of two amounts. */
export function maxAmount(a: Amount, b: Amount): Amount {
  return a > b ? a : b;
}

/** The smaller of two amounts. */
export function minAmount(a: Amount, b: Amount): Amount {
  return a < b ? a : b;
}

/**
 * 100 x part / whole as a decimal string with at most four decimals, cut towards zero; `0` when the
 * whole is 0. The result may lie outside 0..100.
 */
export function percentOf(part: Amount, whole: Amount): string {
  if (whole === 0n) return '0';
  const tenThousandths = (part * 1_000_000n) / whole;
  return formatAmount(tenThousandths * 100_000_000n);
}
