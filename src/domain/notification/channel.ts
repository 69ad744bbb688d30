import type { FieldViolation } from '../answer.js';
import type { AddressPolicy } from './address-policy.js';
import type { BodyFormat } from './presets.js';
import { parseTemplate } from './template.js';
import { webhookUrlProblem } from './webhook-url.js';

/** A channel that posts to a URL. */
export interface WebhookChannel {
  readonly kind: 'WEBHOOK';
  readonly id: string;
  /** Secret as a whole: the paths of many services are credentials. */
  readonly url: string;
  readonly format: BodyFormat;
  /** What requests are signed with: none, one, or two and more while receivers change over. */
  readonly secrets: readonly string[];
  /** Further headers, such as `authorization`. Values are secret. */
  readonly headers: readonly WebhookHeader[];
}

/** One header of every request of a channel. */
export interface WebhookHeader {
  readonly name: string;
  readonly value: string;
}

/** A channel that writes a line to the sidecar's log. */
export interface LogChannel {
  readonly kind: 'LOG';
  readonly id: string;
}

/** Where notifications go. */
export type Channel = WebhookChannel | LogChannel;

/** Most secrets of a channel. */
export const SECRETS_MAX = 4;
/** Shortest and longest secret, in characters. */
export const SECRET_CHARS = { min: 16, max: 256 } as const;
/** Most headers of a channel. */
export const HEADERS_MAX = 8;
/** Longest value of a header, in characters. */
export const HEADER_CHARS_MAX = 2_048;

/** Headers that are the sidecar's or the connection's. */
const OWN_HEADERS =
  /^(safeguards-.*|proxy-.*|content-.*|transfer-encoding|host|connection|keep-alive|upgrade|te|trailer|expect|user-agent)$/i;

/** Everything that is wrong with a webhook, by field. Nothing of a secret is repeated. */
export function webhookViolations(
  { url, format, secrets, headers }: Omit<WebhookChannel, 'kind' | 'id'>,
  policy: AddressPolicy,
): readonly FieldViolation[] {
  const violations: FieldViolation[] = [];
  const note = (field: string, description: string | undefined) => {
    if (description !== undefined) violations.push({ field, description });
  };
  note('url', webhookUrlProblem(url, policy));
  if (format.preset === 'CUSTOM') note('template', templateProblem(format));
  if (secrets.length > SECRETS_MAX) note('secrets', `must be at most ${SECRETS_MAX}`);
  secrets.forEach((secret, index) => note(`secrets[${index}]`, secretProblem(secret)));
  if (headers.length > HEADERS_MAX) note('headers', `must be at most ${HEADERS_MAX}`);
  headers.forEach(({ name, value }, index) => {
    note(`headers[${index}].name`, nameProblem(name));
    note(`headers[${index}].value`, valueProblem(value));
  });
  const names = headers.map(({ name }) => name.toLowerCase());
  if (new Set(names).size < names.length) note('headers', 'must have different names');
  return violations;
}

function templateProblem(format: BodyFormat & { readonly preset: 'CUSTOM' }): string | undefined {
  const template = parseTemplate(format.template, format.contentType);
  if (!('problem' in template)) return undefined;
  const { line, column, message } = template.problem;
  return `line ${line}, column ${column}: ${message}`;
}

function secretProblem(secret: string): string | undefined {
  const { min, max } = SECRET_CHARS;
  const ok = secret.length >= min && secret.length <= max && /^[\x21-\x7e]*$/.test(secret);
  return ok ? undefined : `must be ${min} to ${max} printable ASCII characters without spaces`;
}

function nameProblem(name: string): string | undefined {
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/.test(name)) return 'is not the name of a header';
  return OWN_HEADERS.test(name) ? 'is a header that the sidecar sets itself' : undefined;
}

function valueProblem(value: string): string | undefined {
  const ok = value.length >= 1 && value.length <= HEADER_CHARS_MAX && /^[\x20-\x7e]*$/.test(value);
  return ok ? undefined : `must be 1 to ${HEADER_CHARS_MAX} printable ASCII characters`;
}
