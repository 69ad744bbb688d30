import { createHash, timingSafeEqual } from 'node:crypto';
import { reject } from '../domain/answer.js';
import type { Rejection } from '../domain/answer.js';

/** What the admin listener asks of its callers. */
export type AdminAuth =
  { readonly kind: 'token'; readonly token: string } | { readonly kind: 'none' };

/** Judges the `authorization` header of a call; undefined lets it pass. */
export type Authenticate = (authorization: readonly unknown[]) => Rejection | undefined;

const BEARER = /^bearer +(\S+)$/i;

/** Lets everybody pass. */
export const anybody: Authenticate = () => undefined;

/** Makes the check of a listener's credentials. The token itself is not kept. */
export function authenticator(auth: AdminAuth): Authenticate {
  if (auth.kind === 'none') return anybody;
  const expected = digest(auth.token);
  return (authorization) => {
    const [header, ...others] = authorization;
    if (header === undefined) {
      return reject(
        'CREDENTIALS_MISSING',
        'Credentials are missing. Send the header authorization with Bearer and the admin token',
      );
    }
    const token = typeof header === 'string' ? BEARER.exec(header)?.[1] : undefined;
    // Digests have one length, so that the time of the comparison tells nothing about the token.
    if (token === undefined || others.length > 0 || !timingSafeEqual(digest(token), expected)) {
      return reject('CREDENTIALS_INVALID', 'The credentials are not known here');
    }
    return undefined;
  };
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
