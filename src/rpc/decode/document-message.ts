import { fromJson, ScalarType } from '@bufbuild/protobuf';
import type {
  DescEnum,
  DescField,
  DescMessage,
  JsonObject,
  JsonValue,
  MessageShape,
} from '@bufbuild/protobuf';
import { DurationSchema } from '@bufbuild/protobuf/wkt';
import { fieldsOf, type Fields } from './document-fields.js';
import { partOf, refuseField } from './form.js';
import type { Form } from './form.js';
import type { Tree } from './yaml-tree.js';

/** Seconds of what a duration may be written in. */
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** What a text cannot be read as. */
const REFUSED = Symbol('refused');

/**
 * Reads an object of a document as a message: its fields by the names of the proto, enums by name with or
 * without their prefix, durations such as `90s` or `24h`. What is none of the message's fields, or not of
 * its kind, is refused where it stands; undefined then.
 */
export function messageFrom<D extends DescMessage>(
  form: Form,
  desc: D,
  fields: Fields,
  leftOut: readonly string[] = [],
): MessageShape<D> | undefined {
  const before = form.violations.length;
  const json = objectOf(form, desc, fields, leftOut);
  return form.violations.length > before ? undefined : fromJson(desc, json);
}

function objectOf(
  form: Form,
  desc: DescMessage,
  fields: Fields,
  leftOut: readonly string[] = [],
): JsonObject {
  const known = desc.fields.filter(({ name }) => !leftOut.includes(name));
  fieldsOf(
    form,
    fields,
    known.map(({ name }) => name),
  );
  const json: JsonObject = {};
  const chosen = new Set<string>();
  for (const field of known) {
    const value = fields.get(field.name);
    if (value === undefined) continue;
    const oneof = field.oneof?.name ?? '';
    if (oneof !== '' && chosen.has(oneof)) {
      refuseField(form, field.name, 'Give one of these fields and leave the others out');
    }
    chosen.add(oneof);
    const read = valueOf(form, field, value);
    if (read !== REFUSED) json[field.name] = read;
  }
  return json;
}

function valueOf(form: Form, field: DescField, value: Tree): JsonValue | typeof REFUSED {
  const { name } = field;
  switch (field.fieldKind) {
    case 'scalar':
      return scalarOf(form, name, field.scalar, value);
    case 'enum':
      return enumOf(form, name, field.enum, value);
    case 'message':
      return singleOf(form, name, field.message, value);
    case 'map':
      if (!(value instanceof Map)) return refused(form, name, 'Give an object');
      return Object.fromEntries(
        [...(value as Fields)].map(([key, text]) => [
          key,
          scalarOf(partOf(form, `${name}.`), key, ScalarType.STRING, text),
        ]),
      ) as JsonObject;
    case 'list': {
      if (value === '') return [];
      if (!Array.isArray(value)) return refused(form, name, 'Give a list');
      const items = (value as readonly Tree[]).map((item, at) => {
        const place = `${name}[${at}]`;
        if (field.listKind === 'message') return singleOf(form, place, field.message, item);
        if (field.listKind === 'enum') return enumOf(form, place, field.enum, item);
        return scalarOf(form, place, field.scalar, item);
      });
      return items.filter((item) => item !== REFUSED);
    }
  }
}

function scalarOf(
  form: Form,
  name: string,
  type: ScalarType,
  value: Tree,
): JsonValue | typeof REFUSED {
  if (typeof value !== 'string') return refused(form, name, 'Give a single value');
  if (type === ScalarType.STRING) return value;
  if (type === ScalarType.BOOL) {
    if (value === 'true' || value === 'false') return value === 'true';
    return refused(form, name, 'Give true or false');
  }
  if (/^\d{1,9}$/.test(value)) return Number(value);
  return refused(form, name, 'Give a whole number');
}

function enumOf(
  form: Form,
  name: string,
  { values, sharedPrefix = '' }: DescEnum,
  value: Tree,
): JsonValue | typeof REFUSED {
  const short = (full: string): string => full.slice(sharedPrefix.length);
  const given = values.filter(({ number }) => number !== 0);
  const found = given.find((each) => each.name === value || short(each.name) === value);
  if (found !== undefined) return found.name;
  return refused(form, name, `Give one of ${given.map((each) => short(each.name)).join(' ')}`);
}

function singleOf(
  form: Form,
  name: string,
  desc: DescMessage,
  value: Tree,
): JsonValue | typeof REFUSED {
  if (desc.typeName === DurationSchema.typeName) return durationOf(form, name, value);
  // A message without fields, such as the action of a review, may be written as nothing.
  if (value === '' && desc.fields.length === 0) return {};
  if (!(value instanceof Map)) return refused(form, name, 'Give an object');
  return objectOf(partOf(form, `${name}.`), desc, value as Fields);
}

function durationOf(form: Form, name: string, value: Tree): JsonValue | typeof REFUSED {
  const [, amount = '', unit = ''] =
    typeof value === 'string' ? (/^(\d{1,9})([smhd])$/.exec(value) ?? []) : [];
  const seconds = Number(amount) * (SECONDS[unit] ?? Number.NaN);
  if (amount !== '' && seconds <= 1e9) return `${seconds}s`;
  return refused(form, name, 'Give a duration such as 90s or 30m or 24h or 7d');
}

function refused(form: Form, name: string, advice: string): typeof REFUSED {
  refuseField(form, name, advice);
  return REFUSED;
}
