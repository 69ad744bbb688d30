import { hash, randomBytes } from 'node:crypto';

/** How a token begins that was made here, so that scanners of secrets know one when they see it. */
export const TOKEN_PREFIX = 'sgt_';

const HASH = /^sha256:([0-9a-f]{64})$/i;

/** A new token of 256 random bits. */
export function newToken(): string {
  return `${TOKEN_PREFIX}${randomBytes(32).toString('base64url')}`;
}

/** What is kept of a token: nobody gets from it back to one of 256 random bits. */
export function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

/** The hash of a token as a credentials file has it: `sha256:` and 64 hex digits. */
export function formatHash(token: string): string {
  return `sha256:${digestOf(token).toString('hex')}`;
}

/** Reads a hash. Undefined when it is none. */
export function parseHash(text: string): Buffer | undefined {
  const digits = HASH.exec(text)?.[1];
  return digits === undefined ? undefined : Buffer.from(digits, 'hex');
}
