import { parseAmount, parseSignedAmount } from '../../domain/amount.js';
import type { Amount } from '../../domain/amount.js';
import { refuseField } from './form.js';
import type { Form } from './form.js';

const GRAMMAR =
  'Write digits as in 12.50. At most 18 and 12 decimals. No sign or space or comma or exponent';

const SIGNED =
  'Write digits as in -12.50. At most 18 and 12 decimals. No space or comma or exponent';

/** Reads an amount >= 0 that must be there. */
export function requiredAmount(form: Form, field: string, value: string): Amount {
  const amount = parseAmount(value);
  if (amount !== undefined) return amount;
  refuseField(form, field, value === '' ? 'Give an amount' : unsigned(value));
  return 0n;
}

/** Reads an amount > 0 that must be there. */
export function positiveAmount(form: Form, field: string, value: string): Amount {
  const before = form.violations.length;
  const amount = requiredAmount(form, field, value);
  if (amount === 0n && form.violations.length === before) {
    refuseField(form, field, 'Give an amount above 0');
  }
  return amount;
}

/** Reads an amount >= 0; left out it is 0. */
export function optionalAmount(form: Form, field: string, value: string): Amount {
  return value === '' ? 0n : requiredAmount(form, field, value);
}

/** Reads a delta, which may be negative but not 0. */
export function deltaOf(form: Form, value: string): Amount {
  const amount = parseSignedAmount(value);
  if (amount === undefined) refuseField(form, 'delta', value === '' ? 'Give a delta' : GRAMMAR);
  else if (amount === 0n) refuseField(form, 'delta', 'Give a delta other than 0');
  return amount ?? 0n;
}

/** Reads an amount that may be negative and must be there. */
export function signedAmount(form: Form, field: string, value: string): Amount {
  const amount = parseSignedAmount(value);
  if (amount === undefined) refuseField(form, field, value === '' ? 'Give an amount' : SIGNED);
  return amount ?? 0n;
}

function unsigned(value: string): string {
  return value.startsWith('-') ? 'Give an amount that is not negative' : GRAMMAR;
}
