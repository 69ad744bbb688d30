import { constants } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { SecureContextOptions, TlsOptions } from 'node:tls';

/** What a listener proves itself with, as PEM texts that were checked. */
export interface TlsMaterial {
  /** The certificate, and those between it and its root. */
  readonly certificate: string;
  /** The private key of the certificate, without a passphrase. */
  readonly key: string;
  /** Who signs the certificates of clients. Undefined: clients are not asked for any. */
  readonly clientCa: string | undefined;
}

/** What both ends must at least speak: older versions are broken. */
const VERSION_MIN = 'TLSv1.2';

// HTTP/1.1 first: clients of gRPC offer h2 alone; browsers and curl offer both, and what they want
// to speak here, Connect and JSON, lives on HTTP/1.1.
const PROTOCOLS = ['http/1.1', 'h2'];

/** The options of a server that speaks TLS. A handshake that takes longer is given up. */
export function tlsOptions(material: TlsMaterial, handshakeMsMax: number): TlsOptions {
  return {
    ...contextOptions(material),
    ALPNProtocols: PROTOCOLS,
    handshakeTimeout: handshakeMsMax,
    requestCert: material.clientCa !== undefined,
    rejectUnauthorized: material.clientCa !== undefined,
  };
}

/** The part of the options that may change while the server runs. Open connections keep theirs. */
export function contextOptions({ certificate, key, clientCa }: TlsMaterial): SecureContextOptions {
  return {
    cert: certificate,
    key,
    ...(clientCa !== undefined && { ca: clientCa }),
    minVersion: VERSION_MIN,
    // A ticket outlives the context that gave it, and with it a client's certificate that the new
    // one would not take. Sessions without tickets are forgotten with their context.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** Why TLS cannot be spoken with the material, in OpenSSL's words; undefined: it can. */
export function refusedByTls(material: TlsMaterial): string | undefined {
  try {
    createSecureContext(contextOptions(material));
    return undefined;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}
