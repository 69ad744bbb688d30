import { formatAmount } from './amount.js';
import type { Command } from './command.js';

/** What is no part of a request: who asks, under which id, and whether in earnest. */
const OUTSIDE: readonly string[] = ['method', 'requestId', 'dryRun', 'principal'];

/**
 * The canonical form of a request: what must be equal for two requests of one request_id to be the same
 * request. Its own id and dry-run flags are left out, what the sidecar scanned for it too, and so is every
 * field that has no value, so that a field added later does not change the fingerprints on disk. Amounts
 * are canonical, maps and fields sorted.
 * request. Its own id, its caller and dry-run flags are left out, and so is every field that has no value, so that a
 * field added later does not change the fingerprints on disk. Amounts are canonical, maps and fields
 * sorted.
 */
export function canonicalRequest(command: Command): string {
  let text: string = command.method;
  for (const [key, value] of sortedEntries(command)) {
    if (key === 'method' || key === 'requestId' || key === 'dryRun' || key === 'scanned') continue;
    if (OUTSIDE.includes(key)) continue;
    if (value === undefined || value === '' || value === false) continue;
    if (Array.isArray(value) && value.length === 0) continue;
    text += `\n${key}=${canonicalValue(value)}`;
  }
  return text;
}

function canonicalValue(value: unknown): string {
  if (typeof value === 'bigint') return formatAmount(value);
  if (typeof value !== 'object') return JSON.stringify(value);
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'bigint') return formatAmount(inner);
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(sortedEntries(inner));
  });
}

function sortedEntries(row: object): [string, unknown][] {
  return Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1));
}
