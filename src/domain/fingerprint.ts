import { formatAmount } from './amount.js';
import type { Command } from './command.js';

/** What is no part of a request: who asks, under which id, whether in earnest, what was scanned for it. */
const OUTSIDE: readonly string[] = ['method', 'requestId', 'dryRun', 'principal', 'scanned'];

/**
 * The canonical form of a request: what must be equal for two requests of one request_id to be the same
 * request. Its own id, its caller and dry-run flags are left out, what the sidecar scanned for it too, and
 * so is every field that has no value, so that a field added later does not change the fingerprints on
 * disk. Amounts are canonical, maps and fields sorted.
 */
export function canonicalRequest(command: Command): string {
  const fields = command as unknown as Readonly<Record<string, unknown>>;
  let text: string = command.method;
  for (const key of sortedKeys(fields)) {
    const value = fields[key];
    if (value === undefined || value === '' || value === false) continue;
    if (OUTSIDE.includes(key)) continue;
    if (Array.isArray(value) && value.length === 0) continue;
    text += `\n${key}=${typeof value === 'bigint' ? formatAmount(value) : json(value)}`;
  }
  return text;
}

/** JSON with sorted fields and with amounts as canonical texts: two or three times as fast as a replacer. */
function json(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'bigint') return `"${formatAmount(value)}"`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) {
    let text = '';
    for (const inner of value as readonly unknown[]) {
      text += `${text === '' ? '[' : ','}${inner === undefined ? 'null' : json(inner)}`;
    }
    return text === '' ? '[]' : `${text}]`;
  }
  const fields = value as Readonly<Record<string, unknown>>;
  let text = '';
  for (const key of sortedKeys(fields)) {
    const inner = fields[key];
    if (inner !== undefined) text += `${text === '' ? '{' : ','}${quoted(key)}:${json(inner)}`;
  }
  return text === '' ? '{}' : `${text}}`;
}

/** Texts that JSON writes as they are. */
const PLAIN = /^[ !#-[\]-~]*$/;

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** The last row of so many fields, and its keys in order: requests of one kind come one after the other. */
const SORTED = new Map<number, { readonly keys: readonly string[]; readonly sorted: string[] }>();

function sortedKeys(row: object): readonly string[] {
  const keys = Object.keys(row);
  const last = SORTED.get(keys.length);
  if (last?.keys.every((key, at) => key === keys[at]) === true) return last.sorted;
  const sorted = keys.toSorted((a, b) => (a < b ? -1 : 1));
  SORTED.set(keys.length, { keys, sorted });
  return sorted;
}
