import { fieldNamed, type Field } from './fields.js';
import { jsonProblem } from './json-syntax.js';
import type { Notification } from './notification.js';

/** How a body is written; both in UTF-8. */
export const CONTENT_TYPES = ['application/json', 'text/plain'] as const;

/** One of CONTENT_TYPES. */
export type ContentType = (typeof CONTENT_TYPES)[number];

/** Largest template, in bytes of UTF-8. */
export const TEMPLATE_BYTES_MAX = 8 * 1024;

/** Most placeholders of a template. */
export const PLACEHOLDERS_MAX = 64;

/** Largest body, in bytes of UTF-8. Longer texts are cut until it fits. */
export const BODY_BYTES_MAX = 64 * 1024;

/**
 * The lengths that texts are cut to, tried in turn. At the last one 64 placeholders of characters that
 * take seven bytes each (an escape that is escaped again) and a template of 8 KiB make 36 KiB: some
 * body always fits.
 */
const CHARS_MAX = [16_384, 4_096, 1_024, 256, 64] as const;

/** A template that renders every notification; of JSON it always renders JSON. */
export interface Template {
  readonly contentType: ContentType;
  readonly pieces: readonly (string | Placeholder)[];
}

/** A field at a place of a template. */
interface Placeholder {
  readonly field: Field;
  /** Whether `&`, `<` and `>` are escaped, which mean mentions and links to Slack. */
  readonly slack: boolean;
  /** RAW: as it is. CONTENT: within the quotes of a JSON string. VALUE: as a JSON value of its own. */
  readonly place: 'RAW' | 'CONTENT' | 'VALUE';
}

/** Why a text is no template. */
export interface TemplateProblem {
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  /** What is wrong there, in one sentence. */
  readonly message: string;
}

const PLACEHOLDER = /\{\{([^{}]*)\}\}/g;
const NAME = /^\s*([A-Za-z0-9_.-]+)\s*(?:\|\s*([a-z]+)\s*)?$/;

/**
 * Reads a template: text with placeholders such as `{{violation.message}}`, or
 * `{{violation.message | slack}}` with the characters escaped that are special to Slack. There is no
 * logic. In JSON a placeholder within a string is escaped for it, and one outside of a string is a
 * whole value: a string with its quotes, a number or an object. Since a placeholder can stand only
 * where any value of its type can, a template that is accepted renders JSON whatever it is told.
 */
export function parseTemplate(
  text: string,
  contentType: ContentType,
): Template | { readonly problem: TemplateProblem } {
  const problemAt = (at: number, message: string) => ({ problem: placed(text, at, message) });
  if (new TextEncoder().encode(text).length > TEMPLATE_BYTES_MAX) {
    return problemAt(0, `the template is longer than ${TEMPLATE_BYTES_MAX} bytes`);
  }
  const places = new JsonPlaces();
  const pieces: (string | Placeholder)[] = [];
  let standIn = '';
  let placeholders = 0;

  function takeLiteral(from: number, to: number): TemplateProblem | undefined {
    const literal = text.slice(from, to);
    const open = literal.indexOf('{{');
    if (open >= 0) return placed(text, from + open, 'the placeholder has no end');
    if (literal === '') return undefined;
    pieces.push(literal);
    standIn += literal;
    const crowded = contentType === 'application/json' ? places.pass(literal) : undefined;
    return crowded === undefined ? undefined : placed(text, from + crowded, NOT_ALONE);
  }

  let end = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    const problem = takeLiteral(end, match.index);
    if (problem !== undefined) return { problem };
    end = match.index + match[0].length;
    placeholders += 1;
    if (placeholders > PLACEHOLDERS_MAX) {
      return problemAt(match.index, `there are more than ${PLACEHOLDERS_MAX} placeholders`);
    }
    const [, name = '', filter] = NAME.exec(match[1] ?? '') ?? [];
    const field = fieldNamed(name);
    if (field === undefined) return problemAt(match.index, `${match[0]} names no field`);
    if (filter !== undefined && filter !== 'slack') {
      return problemAt(match.index, `${filter} is no filter; there is only slack`);
    }
    const place = contentType === 'application/json' ? places.take() : 'RAW';
    if (place === 'NONE') return problemAt(match.index, NOT_ALONE);
    pieces.push({ field, slack: filter === 'slack', place });
    standIn += standInFor(field, place, match[0].length);
  }
  const problem = takeLiteral(end, text.length);
  if (problem !== undefined) return { problem };
  if (contentType === 'application/json') {
    const syntax = jsonProblem(standIn);
    if (syntax !== undefined) {
      return problemAt(syntax.at, `this is not JSON: expected ${syntax.expected}`);
    }
  }
  return { contentType, pieces };
}

/** The body of a notification, at most BODY_BYTES_MAX bytes of UTF-8. */
export function render(template: Template, notification: Notification): Uint8Array {
  const encoder = new TextEncoder();
  for (const charsMax of CHARS_MAX) {
    const body = encoder.encode(rendered(template, notification, charsMax));
    if (body.length <= BODY_BYTES_MAX) return body;
  }
  throw new Error('a template renders more than its bounds admit');
}

const NOT_ALONE = 'a placeholder must be a whole value or stand within a string';

function rendered(template: Template, notification: Notification, charsMax: number): string {
  return template.pieces
    .map((piece) => (typeof piece === 'string' ? piece : shown(piece, notification, charsMax)))
    .join('');
}

function shown({ field, slack, place }: Placeholder, notification: Notification, max: number) {
  const value = field.valueOf(notification, max);
  if (place === 'VALUE' && typeof value !== 'string') return JSON.stringify(value);
  const plain = typeof value === 'object' ? JSON.stringify(value) : String(value);
  const safe = slack ? escapeForSlack(plain) : plain;
  if (place === 'RAW') return safe;
  const quoted = JSON.stringify(safe);
  return place === 'VALUE' ? quoted : quoted.slice(1, -1);
}

/** Slack: "Formatting text for app surfaces", escaping text. */
function escapeForSlack(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** JSON of the placeholder's own length, so that what is wrong around it is found where it stands. */
function standInFor({ type }: Field, place: Placeholder['place'], length: number): string {
  if (place !== 'VALUE') return 'x'.repeat(length);
  switch (type) {
    case 'TEXT':
      return `"${'x'.repeat(length - 2)}"`;
    case 'NUMBER':
      return '1'.repeat(length);
    case 'OBJECT':
      return '{}'.padEnd(length);
  }
}

function placed(text: string, at: number, message: string): TemplateProblem {
  const before = text.slice(0, at).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, message };
}

/** Follows JSON text far enough to know whether a place lies within a string. */
class JsonPlaces {
  /** Within a string: how many characters of an escape are still to come; -1: its letter. */
  #escape = 0;
  #inString = false;
  /** The last character outside of strings that is not space; `v` after a placeholder. */
  #last = '';

  /** Passes literal text. Returns the index of a character that touches a placeholder's value. */
  pass(literal: string): number | undefined {
    for (let at = 0; at < literal.length; at += 1) {
      const char = literal.charAt(at);
      if (this.#inString) this.#passInString(char);
      else if (!/\s/.test(char)) {
        if (this.#last === 'v' && !']},:'.includes(char)) return at;
        this.#last = char;
        this.#inString = char === '"';
      }
    }
    return undefined;
  }

  /** Takes a placeholder. NONE: no value can stand here. */
  take(): 'CONTENT' | 'VALUE' | 'NONE' {
    if (this.#inString) return this.#escape === 0 ? 'CONTENT' : 'NONE';
    if (!['', '[', '{', ',', ':'].includes(this.#last)) return 'NONE';
    this.#last = 'v';
    return 'VALUE';
  }

  #passInString(char: string): void {
    if (this.#escape > 0) this.#escape -= 1;
    else if (this.#escape < 0) this.#escape = char === 'u' ? 4 : 0;
    else if (char === '\\') this.#escape = -1;
    else if (char === '"') this.#inString = false;
  }
}
