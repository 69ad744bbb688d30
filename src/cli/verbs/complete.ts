import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { JsonValue } from '@bufbuild/protobuf';
import { parseDuration } from '../../config/value.js';
import { SeveritySchema } from '../../gen/safeguards/v1/severity_pb.js';
import { jsonOfWord } from '../field-option.js';
import { UsageError, type Terminal } from '../terminal.js';
import type { Given, Verb } from '../verb.js';

type Complete = NonNullable<Verb['complete']>;

/** A name is the id unless one is given. */
export function named(id: string): Complete {
  return (given) => {
    const name = given['name'] ?? given[id];
    return name === undefined ? given : { ...given, name };
  };
}

/** Puts the new values into the object to update, with the mask that names them. */
export function updated(
  field: 'pool' | 'agent' | 'limit' | 'monitor' | 'alert',
  id: string,
): Complete {
  const outside = ['request_id', 'expected_revision', 'reason'];
  return ({ [id]: subject, ...given }) => {
    const entries = Object.entries(given);
    const values = entries.filter(([name]) => !outside.includes(name));
    if (values.length === 0) throw new UsageError('Nothing to update: give an option to change.');
    return {
      ...Object.fromEntries(entries.filter(([name]) => outside.includes(name))),
      [field]: { id: subject ?? '', ...Object.fromEntries(values) },
      // In JSON a field mask is one text with the names in camel case.
      update_mask: values.map(([name]) => camel(name)).join(','),
    };
  };
}

/** Reads `agent:ID` and `pool:ID`. */
export const withParties: Complete = (given) => ({
  ...given,
  source: partyOf(given['source']),
  destination: partyOf(given['destination']),
});

/** Reads the items of a batch: a list, an object with `items`, or one object a line. */
export const withItems: Complete = async ({ file, ...given }, terminal) => {
  const items = itemsOf(await textOf(file, terminal));
  const complete = items.map((item) =>
    'request_id' in item || 'requestId' in item ? item : { request_id: randomUUID(), ...item },
  );
  return { ...given, items: complete };
};

/** Reads the document to apply. */
export const withDocument: Complete = async ({ file, ...given }, terminal) => ({
  ...given,
  document: await textOf(file, terminal),
});

async function textOf(given: JsonValue | undefined, terminal: Terminal): Promise<string> {
  const file = typeof given === 'string' ? given : '-';
  if (file === '-') return terminal.input();
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}.`);
  }
}

function itemsOf(text: string): readonly Given[] {
  try {
    const whole: unknown = JSON.parse(text);
    const items = isObject(whole) && 'items' in whole ? whole['items'] : whole;
    if (Array.isArray(items) && items.every(isObject)) return items;
    return isObject(items) ? [items] : [];
  } catch {
    return text.split('\n').flatMap((line, at) => (line.trim() === '' ? [] : [itemOf(line, at)]));
  }
}

function itemOf(line: string, at: number): Given {
  try {
    const item: unknown = JSON.parse(line);
    if (isObject(item)) return item;
  } catch {
    // The same complaint as for what is JSON and no object.
  }
  throw new UsageError(`Line ${at + 1} of the items is not a JSON object.`);
}

function isObject(value: unknown): value is Given {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function partyOf(given: JsonValue | undefined): Given {
  const text = typeof given === 'string' ? given : '';
  const [, kind, id] = /^(agent|pool):(.+)$/.exec(text) ?? [];
  if (kind === undefined || id === undefined) {
    throw new UsageError(`"${text}" names neither side. Write agent:ID or pool:ID.`);
  }
  return { [`${kind}_id`]: id };
}

function camel(name: string): string {
  return name.replace(/_(.)/g, (_match, letter: string) => letter.toUpperCase());
}

/** Reads thresholds such as `15:medium`, `15%`, `2.50:high` and `2h:critical`. */
export const withThresholds: Complete = ({ thresholds, ...given }) =>
  Array.isArray(thresholds) ? { ...given, thresholds: thresholds.map(thresholdOf) } : given;

function thresholdOf(given: JsonValue): Given {
  const text = typeof given === 'string' ? given : '';
  const [, value, severity] = /^([^:]+?)%?(?::([a-z]+))?$/i.exec(text) ?? [];
  if (value === undefined) {
    throw new UsageError(`"${text}" is no threshold. Write one like 15:medium or 2h:critical.`);
  }
  // A number alone is a percent or an amount.
  const ms = /[a-z]$/.test(value) ? parseDuration(value) : undefined;
  return {
    value: ms === undefined ? value : `${ms / 1_000}s`,
    ...(severity !== undefined && { severity: jsonOfWord(SeveritySchema, 'THRESHOLDS', severity) }),
  };
}
