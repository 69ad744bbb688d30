/** What stands where a secret was. */
export const REDACTED = '[redacted]';

const SECRET_NAME =
  /token|authorization|secret|password|passphrase|cookie|credential|private_?key/i;
/** Page tokens and counts of tokens are not secrets. */
const HARMLESS_NAME = /^(page_?token|next_?page_?token|tokens|.*_?token_?file)$/i;
const BEARER = /\b(Bearer|Basic)\s+[^\s"',;]+/gi;
const DEPTH_MAX = 6;

/**
 * The same value without secrets: fields with a secret's name and credentials within texts. Errors
 * become their name, message, stack and cause; what lies deeper than six levels is left out.
 */
export function redacted<T>(value: T): T {
  return copy(value, 0) as T;
}

function copy(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.replace(BEARER, `$1 ${REDACTED}`);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEPTH_MAX) return '[deeper]';
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => copy(item, depth + 1));
  return Object.fromEntries(
    entriesOf(value).map(([name, field]) => [
      name,
      isSecret(name, field) ? REDACTED : copy(field, depth + 1),
    ]),
  );
}

function entriesOf(value: object): readonly (readonly [string, unknown])[] {
  const own = Object.entries(value);
  if (!(value instanceof Error)) return own;
  const { name, message, stack, cause } = value;
  const told = Object.entries({ name, message, stack, cause });
  return [...told.filter(([, field]) => field !== undefined), ...own];
}

function isSecret(name: string, field: unknown): boolean {
  const empty = field === undefined || field === null || field === '';
  return !empty && SECRET_NAME.test(name) && !HARMLESS_NAME.test(name);
}
