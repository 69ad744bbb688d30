import { formatAmount, type Amount } from '../amount.js';
import type { FieldChange } from '../entry.js';
import type { Metadata } from '../model.js';

/** A field of an update: its name in the proto, and both values. */
export type FieldValue = string | number | boolean | Amount | Metadata;

/** The fields among `fields` that a patch changes, as the ledger shows them. */
export function changesOf<Row extends object>(
  row: Row,
  patch: Partial<Row>,
  fields: readonly (readonly [name: string, key: keyof Row])[],
): readonly FieldChange[] {
  const changes: FieldChange[] = [];
  for (const [name, key] of fields) {
    const after = patch[key];
    if (after === undefined) continue;
    const change: FieldChange = {
      field: name,
      before: showValue(row[key] as FieldValue),
      after: showValue(after as FieldValue),
    };
    if (change.before !== change.after) changes.push(change);
  }
  return changes;
}

/** A configuration value as text: amounts canonical, metadata as JSON with sorted keys. */
export function showValue(value: FieldValue): string {
  if (typeof value === 'bigint') return formatAmount(value);
  if (typeof value === 'object') return JSON.stringify(Object.fromEntries(value));
  return String(value);
}

/** The values that a new object begins with, as the ledger shows them. */
export function firstValuesOf<Row extends object>(
  row: Row,
  fields: readonly (readonly [name: string, key: keyof Row])[],
): readonly FieldChange[] {
  return fields.map(([name, key]) => ({
    field: name,
    before: '',
    after: showValue(row[key] as FieldValue),
  }));
}
