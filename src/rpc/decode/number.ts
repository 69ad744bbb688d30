import { PAGE_SIZE } from '../limits.js';
import { refuseField } from './form.js';
import type { Form } from './form.js';

const PRIORITY = { min: 1, max: 10, default: 5 } as const;
const SCALE = { min: 0, max: 12, default: 9 } as const;

/** Reads a priority; left out it is 5. */
export function priorityOf(form: Form, value: number | undefined): number {
  return ranged(form, 'priority', value, PRIORITY);
}

/** Reads the priority from which on agents are critical; left out it is 8. */
export function criticalPriorityOf(form: Form, value: number | undefined): number {
  return ranged(form, 'critical_priority', value, { ...PRIORITY, default: 8 });
}

/** Reads a scale; left out it is 9. */
export function scaleOf(form: Form, value: number | undefined): number {
  return ranged(form, 'scale', value, SCALE);
}

function ranged(
  form: Form,
  field: string,
  value: number | undefined,
  bounds: { readonly min: number; readonly max: number; readonly default: number },
): number {
  if (value === undefined) return bounds.default;
  if (!(value >= bounds.min && value <= bounds.max)) {
    refuseField(form, field, `Give a whole number from ${bounds.min} to ${bounds.max}`);
  }
  return value;
}

/** Reads how long a page may be. */
export function pageSizeOf(form: Form, value: number): number {
  if (value < 0) refuseField(form, 'page_size', 'Give a page size that is not negative');
  return value === 0 ? PAGE_SIZE.default : Math.min(value, PAGE_SIZE.max);
}

/** Reads a revision that an object must have; left out it may have any. */
export function revisionOf(form: Form, value: bigint | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (value < 1n || value > BigInt(Number.MAX_SAFE_INTEGER)) {
    refuseField(form, 'expected_revision', 'Give a revision as it was read, or leave it out');
  }
  return Number(value);
}

/** Reads a sequence; 0 stands for none. */
export function sequenceOf(form: Form, field: string, value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    refuseField(form, field, 'Give the sequence of an entry');
  }
  return Number(value);
}

/** Reads an enum by its number; a number that the table lacks is refused. */
export function enumOf<T>(
  form: Form,
  field: string,
  number: number,
  table: readonly (T | undefined)[],
  fallback: T,
): T {
  const value = table[number];
  if (value !== undefined) return value;
  refuseField(form, field, 'Give one of the values that the method takes');
  return fallback;
}
