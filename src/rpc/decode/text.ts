import { refuseField } from './form.js';
import type { Form } from './form.js';

const ID = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/;
const CATEGORY = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/;
const UNIT = /^[A-Za-z][A-Za-z0-9_-]{0,15}$/;
const PRINTABLE = /^[\x20-\x7e]{1,128}$/;
const BACKUP_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const LONE_SURROGATE = /\p{Cs}/u;

const NAME_CHARACTERS_MAX = 256;
const REASON_CHARACTERS_MAX = 512;
const MESSAGE_CHARACTERS_MAX = 512;

/** Whether a text could be an id. */
export function isId(text: string): boolean {
  return ID.test(text);
}

/** Reads an id that must be there. */
export function requiredId(form: Form, field: string, value: string): string {
  if (value === '') refuseField(form, field, 'Give an id');
  else optionalId(form, field, value);
  return value;
}

/** Reads an id that may be left out. */
export function optionalId(form: Form, field: string, value: string): string {
  if (value !== '' && !ID.test(value)) {
    refuseField(
      form,
      field,
      'Use 1 to 128 letters, digits and the characters . _ : / - and begin with a letter or digit',
    );
  }
  return value;
}

/** Reads a request_id. */
export function requestIdOf(form: Form, value: string, required: boolean): string {
  if (value === '') {
    if (required) refuseField(form, 'request_id', 'Give a new id for each request');
  } else if (!PRINTABLE.test(value)) {
    refuseField(form, 'request_id', 'Use 1 to 128 printable ASCII characters');
  }
  return value;
}

/** Reads a run_id, which may be left out. */
export function runIdOf(form: Form, value: string): string {
  if (value !== '' && !PRINTABLE.test(value)) {
    refuseField(form, 'run_id', 'Use at most 128 printable ASCII characters');
  }
  return value;
}

/** Reads a category, which may be left out. */
export function categoryOf(form: Form, value: string): string {
  if (value !== '' && !CATEGORY.test(value)) {
    refuseField(
      form,
      'category',
      'Use at most 64 letters, digits and the characters . _ : / - and begin with a letter or digit',
    );
  }
  return value;
}

/** Reads a unit, which may be left out. */
export function unitOf(form: Form, value: string): string {
  if (value !== '' && !UNIT.test(value)) {
    refuseField(
      form,
      'unit',
      'Use at most 16 letters, digits and the characters _ and - and begin with a letter',
    );
  }
  return value;
}

/** Reads the name of an agent or a pool. */
export function nameOf(form: Form, value: string): string {
  if (value === '') refuseField(form, 'name', 'Give a name');
  else if (exceeds(value, NAME_CHARACTERS_MAX)) {
    refuseField(form, 'name', `Use at most ${NAME_CHARACTERS_MAX} characters`);
  }
  wellFormed(form, 'name', value);
  return value;
}

/** Characters of the name of a level of service, and of a feature. */
export const LEVEL_NAME_CHARACTERS_MAX = 64;

/** Reads a short text that must be there. */
export function wordOf(form: Form, field: string, value: string, charactersMax: number): string {
  if (value === '' || exceeds(value, charactersMax)) {
    refuseField(form, field, `Use 1 to ${charactersMax} characters`);
  }
  wellFormed(form, field, value);
  return value;
}

/** Reads the reason of an operator's mutation, which may be left out. */
export function reasonOf(form: Form, value: string, field = 'reason'): string {
  if (exceeds(value, REASON_CHARACTERS_MAX)) {
    refuseField(form, field, `Use at most ${REASON_CHARACTERS_MAX} characters`);
  }
  wellFormed(form, field, value);
  return value;
}

/** Reads the message of a rule's violations, which may be left out. */
export function messageOf(form: Form, value: string): string {
  if (exceeds(value, MESSAGE_CHARACTERS_MAX)) {
    refuseField(form, 'message', `Use at most ${MESSAGE_CHARACTERS_MAX} characters`);
  }
  wellFormed(form, 'message', value);
  return value;
}

/** Reads a text for people, of so many characters. */
export function textOf(
  form: Form,
  field: string,
  value: string,
  { min, max }: { readonly min: number; readonly max: number },
): string {
  if (value.length < min || exceeds(value, max)) {
    refuseField(
      form,
      field,
      min === 0 ? `Use at most ${max} characters` : `Use 1 to ${max} characters`,
    );
  }
  wellFormed(form, field, value);
  return value;
}

/** Reads the name of a backup, which may be left out. */
export function backupNameOf(form: Form, value: string): string {
  if (value !== '' && !BACKUP_NAME.test(value)) {
    refuseField(
      form,
      'name',
      'Use at most 128 letters, digits and the characters . _ - and begin with a letter or digit',
    );
  }
  return value;
}

/** JSON can carry half a character, which no store keeps. */
export function wellFormed(form: Form, field: string, value: string): void {
  if (LONE_SURROGATE.test(value)) refuseField(form, field, 'Use whole Unicode characters');
}

/** Whether a text has more characters, not code units, than allowed. */
function exceeds(value: string, characters: number): boolean {
  return (
    value.length > characters &&
    (value.length > 2 * characters || Array.from(value).length > characters)
  );
}
