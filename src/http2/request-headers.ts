import type { Field } from './static-table.js';

/** The header fields of a request by their names. Those that came several times are joined by commas. */
export type RequestHeaders = Readonly<Record<string, string | undefined>>;

/** What a request must begin with, each once (RFC 9113, section 8.3.1). */
const REQUIRED = [':method', ':scheme', ':path'] as const;
const PSEUDO = new Set<string>([...REQUIRED, ':authority']);

/** What HTTP/1.1 says of a connection, and HTTP/2 must not (section 8.2.2). */
const OF_CONNECTIONS = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** A token without capitals. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** What no value may hold (section 8.2.1). */
const FORBIDDEN = /[\0\r\n]/;
/** The headers of a request. Undefined: it is malformed. */
export function requestHeaders(fields: readonly Field[]): RequestHeaders | undefined {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  let pseudo = true;
  for (const { name, value: sent } of fields) {
    if (FORBIDDEN.test(sent)) return undefined;
    const value = trimmed(sent);
    if (name.startsWith(':')) {
      if (!pseudo || !PSEUDO.has(name) || headers[name] !== undefined) return undefined;
      headers[name] = value;
      continue;
    }
    pseudo = false;
    if (!isRegular(name, value)) return undefined;
    const earlier = headers[name];
    if (earlier === undefined) headers[name] = value;
    else headers[name] = name === 'cookie' ? `${earlier}; ${value}` : `${earlier}, ${value}`;
  }
  return REQUIRED.every((name) => (headers[name] ?? '') !== '') ? headers : undefined;
}

/** Whether the fields behind a request's body are any that may be there. */
export function areTrailers(fields: readonly Field[]): boolean {
  return fields.every(({ name, value }) => isRegular(name, value) && !FORBIDDEN.test(value));
}

function isRegular(name: string, value: string): boolean {
  if (!NAME.test(name) || OF_CONNECTIONS.has(name)) return false;
  return name !== 'te' || value.toLowerCase() === 'trailers';
}

/** How long a request says that it is, in bytes: undefined where it does not, NaN where that is no number. */
export function bodyLength(headers: RequestHeaders): number | undefined {
  const text = headers['content-length'];
  if (text === undefined) return undefined;
  return /^\d{1,15}$/.test(text) ? Number(text) : NaN;
}

/** RFC 9113 wants no blanks at the ends, and metadata of gRPC may have them there. */
function trimmed(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text, from)) from += 1;
  while (to > from && isBlank(text, to - 1)) to -= 1;
  return text.slice(from, to);
}

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x20 || code === 0x09;
}
