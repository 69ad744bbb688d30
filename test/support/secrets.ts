import { inspect } from 'node:util';
import { expect } from 'vitest';

/** What nothing that is told may hold, whoever used it, by what it is. */
const NEVER: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['a private key', /PRIVATE KEY-----/],
  ['a token of 256 bits', /sgt_[A-Za-z0-9_-]{43}/],
  ['the header of a token', /Bearer sgt_/],
  ['a password', /hunter2/],
];

/** Secrets that tests use, and what each is. */
const known = new Map<string, string>();

/** A shorter one may stand somewhere by chance. */
const SECRET_LENGTH_MIN = 8;

/** Remembers a secret by name, so that it is looked for in all that is told. Returns it. */
export function knowSecret(name: string, secret: string): string {
  if (secret.length < SECRET_LENGTH_MIN) throw new Error(`${name} is too short to be looked for`);
  known.set(secret, name);
  return secret;
}

/** The same of the lines of a private key as PEM has it. */
export function knowKey(name: string, pem: string): void {
  const lines = pem.split('\n').filter((line) => !line.startsWith('-----') && line.length > 40);
  for (const line of lines) knowSecret(name, line);
}

/** The same of the tokens that a program finds in its environment. */
export function knowTokensOf(environment: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(environment)) {
    if (name.endsWith('_TOKEN') && value.length >= SECRET_LENGTH_MIN) knowSecret(name, value);
  }
}

/** What a text holds that it must not, by name. Undefined: nothing. */
export function secretIn(text: string): string | undefined {
  const always = NEVER.find(([, pattern]) => pattern.test(text));
  if (always !== undefined) return always[0];
  for (const [secret, name] of known) if (text.includes(secret)) return name;
  return undefined;
}

/** Throws, by name, when something that was told holds a secret. */
export function refuseSecrets(told: unknown, where = 'what was told'): void {
  const text =
    typeof told === 'string' ? told : inspect(told, { depth: null, maxStringLength: null });
  const name = secretIn(text);
  if (name !== undefined) throw new Error(`a secret stands in ${where}: ${name}`);
}

/** What processes say, from where it was looked through on. */
interface Heard {
  readonly where: string;
  text: string;
}

const heard: Heard[] = [];

/** So much of what was looked through is looked through again: a secret may come in pieces. */
const OVERLAP = 512;

/**
 * Begins to listen to something that tells, such as a log. What is given to the result is looked
 * through when a test ends, and when its file does (see secret-guard.ts).
 */
export function hear(what: string): (told: string) => void {
  const one = {
    where: `${what} of "${expect.getState().currentTestName ?? 'the file'}"`,
    text: '',
  };
  heard.push(one);
  return (told) => {
    one.text += told;
  };
}

/** Throws, by name and place, when something that was heard holds a secret. */
export function refuseHeard(): void {
  const problems = heard.flatMap((one) => {
    const { where, text } = one;
    one.text = text.slice(-OVERLAP);
    const name = secretIn(text);
    if (name !== undefined) one.text = '';
    return name === undefined ? [] : [`a secret stands in ${where}: ${name}`];
  });
  if (problems.length > 0) throw new Error(problems.join('\n'));
}
