import { ScalarType, type DescEnum, type DescField, type DescMessage } from '@bufbuild/protobuf';
import type { JsonValue } from '@bufbuild/protobuf';
import { parseDuration } from '../config/value.js';
import { FIELD_HELP } from './field-help.js';
import { checkWord } from './scalar-word.js';
import { UsageError } from './terminal.js';
import type { Verb } from './verb.js';

/** A field of a request as an option. */
export interface FieldOption {
  /** The field's name in the proto. */
  readonly field: string;
  /** What commander calls it: camel case, without `no`. */
  readonly key: string;
  /** As commander takes them: `--pool <id>`; a boolean that may be unset has a `--no-` twin. */
  readonly flags: readonly string[];
  readonly description: string;
  /** Whether it may be given more than once. */
  readonly repeated: boolean;
  /** The JSON form of what was given. */
  readonly json: (given: unknown) => JsonValue;
}

/** The options of a verb: every field of its request that is not given by position. */
export function optionsOf(verb: Verb): readonly FieldOption[] {
  const { method, positional, update, inner = [], without = [], names = {} } = verb;
  const elsewhere = [...positional.map(fieldName), ...without];
  const own = method.input.fields.filter(
    (field) => !elsewhere.includes(field.name) && !isInner(field),
  );
  const updated =
    update === undefined ? [] : fieldsOf(innerOf(method.input, update.field), update.names);
  return [
    ...updated.map((field) => optionOf(field, true)),
    ...own.map((field) => optionOf(field, field.proto.proto3Optional, names[field.name])),
    ...inner.map((field) => optionOf(field, false)),
  ];
}

/** The field behind an argument such as `[agent_ids...]`. */
export function fieldName(argument: string): string {
  return argument.replace(/[[\].]/g, '');
}

/** What an argument such as `[agent_ids...]` is called where something is wrong with it: `AGENT-IDS`. */
export function argumentLabel(argument: string): string {
  return optionName(fieldName(argument)).toUpperCase();
}

/** The name of a field as an option, such as `pool` for `pool_id`. */
export function optionName(field: string): string {
  const short = field === 'request_id' ? field : field.replace(/_id$/, '');
  return short.replaceAll('_', '-');
}

/** The message in a field of a request. */
export function innerOf(schema: DescMessage, name: string): DescMessage {
  const field = schema.fields.find((each) => each.name === name);
  if (field?.fieldKind !== 'message') throw new Error(`${schema.typeName} has no message ${name}`);
  return field.message;
}

/** The words of an enum on the command line: `up-to` for SPEND_MODE_UP_TO. */
export function wordsOf(schema: DescEnum): readonly string[] {
  return schema.values
    .filter((value) => value.number !== 0)
    .map((value) => value.localName.toLowerCase().replaceAll('_', '-'));
}

/**
 * The JSON form of one word, as it was typed. Throws a UsageError that says what may be written;
 * `label` is what the field is called there, such as `--mode` or `SEQUENCE`.
 */
export function jsonOf(field: DescField, label: string, text: string): JsonValue {
  if (field.fieldKind === 'message' && field.message.typeName === 'google.protobuf.Duration') {
    return durationJson(label, text);
  }
  checkWord(field, label, text);
  const schema = field.fieldKind === 'enum' || field.fieldKind === 'list' ? field.enum : undefined;
  return schema === undefined ? text : jsonOfWord(schema, label, text);
}

/** The JSON form of a word of an enum. Throws a UsageError that has all of them. */
export function jsonOfWord(schema: DescEnum, label: string, text: string): string {
  const word = text.toLowerCase().replaceAll('_', '-');
  const value = schema.values.find(
    ({ localName, number }) =>
      number !== 0 && localName.toLowerCase().replaceAll('_', '-') === word,
  );
  if (value !== undefined) return value.name;
  throw new UsageError(`${label}: "${text}" is none of ${wordsOf(schema).join(', ')}.`);
}

function isInner(field: DescField): boolean {
  return (
    field.name === 'update_mask' ||
    (field.fieldKind === 'message' && !field.message.typeName.startsWith('google.protobuf.')) ||
    (field.fieldKind === 'list' && field.listKind === 'message')
  );
}

function fieldsOf(schema: DescMessage, names: readonly string[]): readonly DescField[] {
  return schema.fields.filter((field) => names.includes(field.name));
}

/** `unsettable`: leaving it out is not the same as its zero. */
function optionOf(
  field: DescField,
  unsettable: boolean,
  word = optionName(field.name),
): FieldOption {
  const name = `--${word}`;
  const description = FIELD_HELP[field.name] ?? '';
  const key = word.replace(/-(.)/g, (_match, letter: string) => letter.toUpperCase());
  const single = { field: field.name, key, description, repeated: false };
  if (field.fieldKind === 'map') {
    const json = (given: unknown) => pairsOf(name, given as readonly string[]);
    return { ...single, flags: [`${name} <name=value>`], repeated: true, json };
  }
  if (field.fieldKind === 'list') {
    const json = (given: unknown) =>
      (given as readonly string[]).map((text) => jsonOf(field, name, text));
    return { ...single, flags: [`${name} <word>`], repeated: true, json };
  }
  if (field.fieldKind === 'scalar' && field.scalar === ScalarType.BOOL) {
    const negated = `--no-${word}`;
    const flags = unsettable ? [name, negated] : [name];
    return { ...single, flags, json: (given) => given === true };
  }
  const json = (given: unknown) => jsonOf(field, name, given as string);
  if (field.fieldKind !== 'enum') return { ...single, flags: [`${name} <${kindOf(field)}>`], json };
  const words = wordsOf(field.enum).join(', ');
  return { ...single, flags: [`${name} <word>`], description: `${description}: ${words}`, json };
}

function kindOf(field: DescField): string {
  if (field.fieldKind === 'message') {
    return field.message.typeName === 'google.protobuf.Duration' ? 'duration' : 'time';
  }
  if (/_id$/.test(field.name)) return 'id';
  return field.fieldKind === 'scalar' && field.scalar !== ScalarType.STRING ? 'n' : 'text';
}

function pairsOf(name: string, pairs: readonly string[]): JsonValue {
  const entries = pairs.flatMap((pair) => {
    // An empty text empties the map, which an update could not say otherwise.
    if (pair === '') return [];
    const at = pair.indexOf('=');
    if (at <= 0) throw new UsageError(`${name}: "${pair}" is not name=value.`);
    return [[pair.slice(0, at), pair.slice(at + 1)] as const];
  });
  return Object.fromEntries(entries);
}

function durationJson(label: string, text: string): string {
  const ms = parseDuration(text);
  if (ms === undefined) {
    const what = `${label}: "${text}" is no duration`;
    throw new UsageError(`${what}. Write one like 250ms, 90s, 2m or 1h.`);
  }
  return `${Math.floor(ms / 1_000)}.${String(ms % 1_000).padStart(3, '0')}s`;
}
