import { addressRefusal, type AddressPolicy, type AddressRefusal } from './address-policy.js';
import { parseIp } from './ip-address.js';

/** Longest URL of a webhook, in characters. */
export const WEBHOOK_URL_CHARS_MAX = 2_048;

/**
 * Why a text cannot be the URL of a webhook, in one sentence that repeats nothing of it (paths of
 * webhooks are secrets); undefined: it can. Hosts that are addresses are judged here, in whatever way
 * they are written (`0x7f000001`, `127.1`, `[::ffff:127.0.0.1]`); the addresses of names at each sending.
 */
export function webhookUrlProblem(text: string, policy: AddressPolicy): string | undefined {
  if (text.length > WEBHOOK_URL_CHARS_MAX) {
    return `must be at most ${WEBHOOK_URL_CHARS_MAX} characters`;
  }
  // The parser of URLs drops or mends these, so that what is shown would not be what is called.
  if (/[\s\\\p{Cc}]/u.test(text)) {
    return 'must not contain spaces, control characters or backslashes';
  }
  if (!/^https?:\/\//i.test(text)) return 'must start with https:// or http://';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return 'is not a URL';
  if (/^[^/?#]*@/.test(text.slice(url.protocol.length + 2))) {
    return 'must not contain a user or password; send a header instead';
  }
  if (text.includes('#')) return 'must not have a fragment';
  if (url.port === '0') return 'must not have port 0';
  const refusal = hostRefusal(hostOf(url), policy);
  return refusal === undefined ? undefined : `names ${withAdvice(refusal)}`;
}

/** What is refused as `a loopback address`, and after it the settings that would admit it, if any do. */
export function withAdvice({ what, settings }: AddressRefusal): string {
  if (settings.length === 0) return `${what}, which no setting admits`;
  return `${what}; set ${settings.join(' or ')} if it is meant to be reached`;
}

/** The host of a URL as the resolver or the socket wants it: without brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Why a host may not be called, judged without resolving its name; undefined: it may. */
export function hostRefusal(host: string, policy: AddressPolicy): AddressRefusal | undefined {
  if (parseIp(host) !== undefined) return addressRefusal(host, policy);
  if (!/(^|\.)localhost\.?$/.test(host)) return undefined;
  const refusal = addressRefusal('127.0.0.1', policy);
  return refusal === undefined || addressRefusal('::1', policy) === undefined ? undefined : refusal;
}
