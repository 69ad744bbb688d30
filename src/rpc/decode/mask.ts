import type { FieldMask } from '@bufbuild/protobuf/wkt';
import { refuseField } from './form.js';
import type { Form } from './form.js';

/** Reads an update mask: it must name some of the fields and nothing else. */
export function maskOf(
  form: Form,
  mask: FieldMask | undefined,
  fields: readonly string[],
): ReadonlySet<string> {
  const paths = new Set(mask?.paths);
  const known = `Name some of ${fields.join(' ')}`;
  if (paths.size === 0) refuseField(form, 'update_mask', known);
  for (const path of paths) {
    if (!fields.includes(path)) {
      refuseField(form, 'update_mask', `${known} and nothing else`);
      break;
    }
  }
  return paths;
}
