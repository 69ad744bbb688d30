import { rejectFields } from '../../domain/answer.js';
import type { FieldViolation, Rejection } from '../../domain/answer.js';

/**
 * A request while it is read: every field is judged, and what is wrong is collected. A reader that
 * refuses a field returns something of the right type, which nobody will use.
 */
export interface Form {
  /** What stands before the names of the fields, such as `items[3].`. */
  readonly prefix: string;
  readonly violations: FieldViolation[];
}

/** Begins to read a request, or a part of one. */
export function formOf(prefix = ''): Form {
  return { prefix, violations: [] };
}

/** A part of the same request: its violations are the request's. */
export function partOf(form: Form, prefix: string): Form {
  return { prefix: form.prefix + prefix, violations: form.violations };
}

/** Notes that a field is not as it must be, and what to do. */
export function refuseField(form: Form, field: string, description: string): void {
  form.violations.push({ field: form.prefix + field, description });
}

/** The value that was read, or every violation at once. */
export function judged<T>(form: Form, value: T): T | Rejection {
  return form.violations.length === 0 ? value : rejectFields(form.violations);
}
