import { createHmac } from 'node:crypto';
import type { Instant } from '../domain/model.js';

/** The header of a request's signature, as receivers are told of it. */
export const SIGNATURE_HEADER = 'Safeguards-Signature';

/**
 * The value of the signature's header: `t=<unix seconds>,v1=<hex>`, with one v1 per secret so that a
 * receiver that knows any of them is satisfied while secrets are changed. Each is the HMAC-SHA256 of
 * the seconds, a dot and the body's bytes: the time is signed too, and an old request recognized.
 */
export function signatureOf(secrets: readonly string[], time: Instant, body: Uint8Array): string {
  const seconds = Math.floor(time / 1_000);
  const signatures = secrets.map((secret) => {
    const hmac = createHmac('sha256', secret).update(`${seconds}.`).update(body);
    return `,v1=${hmac.digest('hex')}`;
  });
  return `t=${seconds}${signatures.join('')}`;
}
