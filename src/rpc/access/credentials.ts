import { timingSafeEqual } from 'node:crypto';
import { reject } from '../../domain/answer.js';
import type { Rejection } from '../../domain/answer.js';
import type { Principal } from './principal.js';
import { digestOf } from './token.js';

/** A principal and what it is known by. */
export interface KnownPrincipal {
  readonly principal: Principal;
  /** SHA-256 digests of its tokens: several while they are rotated. */
  readonly digests: readonly Buffer[];
  /** Names in its certificates, such as `uri:spiffe://example.org/worker`. */
  readonly certificates: readonly string[];
}

/** Everybody who is known. */
export type Credentials = readonly KnownPrincipal[];

/** What a caller shows. */
export interface Presented {
  /** The `authorization` headers. */
  readonly authorization: readonly unknown[];
  /** The names in the certificate that TLS has verified. */
  readonly certificate: readonly string[];
}

const BEARER = /^bearer +(\S+)$/i;

/**
 * Who shows these credentials, or why nobody does. A token, where one is sent, decides; else the
 * certificate does. A refusal never repeats what was shown.
 */
export function identify(known: Credentials, presented: Presented): Principal | Rejection {
  const [header, ...others] = presented.authorization;
  if (header === undefined) return byCertificate(known, presented.certificate);
  const token = typeof header === 'string' ? BEARER.exec(header)?.[1] : undefined;
  if (token === undefined || others.length > 0) return invalid();
  return byToken(known, token) ?? invalid();
}

function byToken(known: Credentials, token: string): Principal | undefined {
  const digest = digestOf(token);
  let found: Principal | undefined;
  // Every digest is compared, each in constant time: how long it takes tells nothing about any.
  for (const { principal, digests } of known) {
    for (const each of digests) if (timingSafeEqual(digest, each)) found = principal;
  }
  return found;
}

function byCertificate(known: Credentials, names: readonly string[]): Principal | Rejection {
  if (names.length === 0) {
    return reject(
      'CREDENTIALS_MISSING',
      'Credentials are missing. Send the header authorization with Bearer and a token',
    );
  }
  const found = known.filter(({ certificates }) =>
    certificates.some((name) => names.includes(name)),
  );
  const [only] = found;
  if (only !== undefined && found.length === 1) return only.principal;
  return reject(
    'CREDENTIALS_INVALID',
    found.length === 0
      ? 'The certificate is of no principal. Send a token or have the principal name it'
      : 'The certificate is of several principals. Send a token that tells which',
  );
}

function invalid(): Rejection {
  return reject('CREDENTIALS_INVALID', 'The credentials are not known here');
}
