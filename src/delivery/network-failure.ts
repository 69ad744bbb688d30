import { Abandoned, TimedOut } from './exchange.js';
import { AddressRefused } from './lookup.js';
import { refused, retry, type SendResult } from './send-result.js';

/** What the codes of Node and OpenSSL mean for the one who set the channel up. */
const PHRASES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
  ENOTFOUND: 'the name of the host has no address',
  EAI_AGAIN: 'the name of the host could not be resolved now',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'the connection timed out',
  CERT_HAS_EXPIRED: 'the certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is of another host',
};

const NOT_TRUSTED =
  'the certificate is not trusted; have it issued by a known authority, or name its authority in ' +
  'NODE_EXTRA_CA_CERTS';

/** Codes of OpenSSL for certificates that no known authority vouches for. */
const UNTRUSTED =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|INVALID_CA)$/;

/**
 * What it means that there was no answer. Nearly everything may pass: names come back, hosts restart,
 * certificates are renewed. What could not even be sent, or not there, will not. Messages of errors
 * are not repeated: they may quote the request.
 */
export function judgeFailure(error: unknown): SendResult {
  if (error instanceof AddressRefused) return refused(error.message);
  if (error instanceof Abandoned) return retry('abandoned since the sidecar stops');
  if (error instanceof TimedOut) return retry(error.what);
  const code = codeOf(error);
  if (code === 'ERR_INVALID_CHAR' || code === 'ERR_HTTP_INVALID_HEADER_VALUE') {
    return refused('a header has a character that cannot be sent; correct the headers');
  }
  const phrase = PHRASES[code] ?? (UNTRUSTED.test(code) ? NOT_TRUSTED : 'the request failed');
  return retry(code === '' ? phrase : `${phrase} (${code})`);
}

function codeOf(error: unknown): string {
  // Of several addresses that were tried, the first says enough.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Error) || !('code' in first)) return '';
  return typeof first.code === 'string' && /^[A-Z0-9_]{1,64}$/.test(first.code) ? first.code : '';
}
