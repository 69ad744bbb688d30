import { refuseField } from './form.js';
import type { Form } from './form.js';
import type { Tree } from './yaml-tree.js';

/** An object of a document. */
export type Fields = ReadonlyMap<string, Tree>;

/** Refuses the fields that are none of those known. */
export function fieldsOf(form: Form, fields: Fields, known: readonly string[]): Fields {
  for (const name of fields.keys()) {
    if (!known.includes(name)) {
      refuseField(form, name, `Leave it out. Known are ${known.join(' ')}`);
    }
  }
  return fields;
}

/** Reads a single value, or undefined when it is not there. */
export function textOf(form: Form, fields: Fields, key: string): string | undefined {
  const value = fields.get(key);
  if (value === undefined || typeof value === 'string') return value;
  refuseField(form, key, 'Give a single value');
  return undefined;
}
