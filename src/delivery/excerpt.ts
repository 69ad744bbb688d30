/** Longest excerpt of an answer, in characters. */
export const EXCERPT_CHARS_MAX = 256;

/** What stands where a secret was. */
const REDACTED = '[redacted]';

/** Parts that are shorter are no secrets, and replacing them would make answers unreadable. */
const SECRET_CHARS_MIN = 4;

/**
 * The beginning of an answer's body on one line, without the secrets of the request, which servers
 * like to repeat. The longest secret goes first, since a shorter one may be part of it.
 */
export function excerptOf(body: Uint8Array, secrets: readonly string[]): string {
  let text = new TextDecoder().decode(body);
  const longestFirst = secrets
    .filter(({ length }) => length >= SECRET_CHARS_MIN)
    .sort((a, b) => b.length - a.length);
  // Before any is replaced: a short one may be part of the beginning of a long one.
  for (const secret of longestFirst) text = withoutStartOf(secret, text);
  for (const secret of longestFirst) {
    text = text.replaceAll(secret, REDACTED);
    text = text.replaceAll(JSON.stringify(secret).slice(1, -1), REDACTED);
  }
  const line = text.replace(/[\s\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}]+/gu, ' ').trim();
  return line.slice(0, EXCERPT_CHARS_MAX).replace(/[\ud800-\udbff]$/, '');
}

/** The text without a beginning of the secret at its end, where the reading stopped. */
function withoutStartOf(secret: string, text: string): string {
  for (let length = Math.min(secret.length, text.length); length >= SECRET_CHARS_MIN; length -= 1) {
    if (text.endsWith(secret.slice(0, length))) return `${text.slice(0, -length)}${REDACTED}`;
  }
  return text;
}
