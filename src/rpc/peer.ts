import { X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import type { PeerCertificate } from 'node:tls';

/**
 * The names in a client's certificate that a principal may be known by, such as `cn:research`,
 * `uri:spiffe://example.org/ns/agents/sa/research` and `dns:a.example.org`.
 */
export type PeerNames = readonly string[];

const NOBODY: PeerNames = [];

/** What was read of a certificate, which is one object as long as its connection lives. */
const known = new WeakMap<object, PeerNames>();

/**
 * Reads the certificate of a connection once and not at each call: 60 us there, and whoever asks
 * later gets the same object.
 */
export function keepPeerCertificate(socket: TLSSocket): void {
  const certificate = socket.getPeerCertificate();
  socket.getPeerCertificate = (() => certificate) as TLSSocket['getPeerCertificate'];
}

/** The names of the client on a connection; none where it has shown no certificate that was trusted. */
export function peerNamesOf(socket: object): PeerNames {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return NOBODY;
  return certificateNames(socket.getPeerCertificate());
}

/** The names in a certificate as `getPeerCertificate` gives it. */
function certificateNames(certificate: PeerCertificate): PeerNames {
  if (!(certificate.raw instanceof Uint8Array)) return NOBODY;
  const earlier = known.get(certificate);
  if (earlier !== undefined) return earlier;
  const names = namesIn(new X509Certificate(certificate.raw), certificate.subject.CN);
  known.set(certificate, names);
  return names;
}

function namesIn({ subjectAltName }: X509Certificate, commonName: unknown): PeerNames {
  // Of several common names none is the name.
  const common = typeof commonName === 'string' ? [`cn:${commonName}`] : [];
  const others = alternatives(subjectAltName ?? '').flatMap(([kind, value]) => {
    if (kind === 'URI') return [`uri:${value}`];
    return kind === 'DNS' ? [`dns:${value.toLowerCase()}`] : [];
  });
  return [...common, ...others];
}

/** `DNS:` or `URI:`, then a value, in quotes as JSON where it could be taken for more than one. */
const ALTERNATIVE = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;

/**
 * The alternative names of a certificate, as Node prints them. A text that is not of that form names
 * nobody: a value that holds a comma must not become a name of its own.
 */
export function alternatives(text: string): readonly (readonly [kind: string, value: string])[] {
  const found: (readonly [string, string])[] = [];
  ALTERNATIVE.lastIndex = 0;
  while (ALTERNATIVE.lastIndex < text.length) {
    const match = ALTERNATIVE.exec(text);
    if (match === null) return [];
    const [, kind = '', value = ''] = match;
    found.push([kind, value.startsWith('"') ? unquoted(value) : value]);
  }
  return found;
}

function unquoted(value: string): string {
  try {
    return JSON.parse(value) as string;
  } catch {
    return '';
  }
}
