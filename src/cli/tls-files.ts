import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { ConfigError, type Config } from '../config/config.js';
import { refusedByTls, type TlsMaterial } from '../rpc/tls.js';

/** Whose listener it is: the first word of its settings. */
export type TlsOwner = 'agent' | 'admin';

/** What stands in the files of a listener. */
export interface ReadTls {
  readonly material: TlsMaterial;
  /** What is allowed but worth a line in the log. */
  readonly warnings: readonly string[];
}

/** A certificate that ends within so long is warned about. */
const ENDING_MS = 7 * 86_400_000;

const READABLE_BY_OTHERS = 0o007;

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The files of a listener's TLS, by their settings; none where it speaks none. */
export function tlsFiles(config: Config, owner: TlsOwner): Readonly<Record<string, string>> {
  const [certificate, key, clientCa] =
    owner === 'agent'
      ? [config.agentTlsCert, config.agentTlsKey, config.agentTlsClientCa]
      : [config.adminTlsCert, config.adminTlsKey, config.adminTlsClientCa];
  return {
    ...(certificate !== undefined && { [`${owner}_tls_cert`]: certificate }),
    ...(key !== undefined && { [`${owner}_tls_key`]: key }),
    ...(clientCa !== undefined && { [`${owner}_tls_client_ca`]: clientCa }),
  };
}

/**
 * Reads and checks the certificate, key and authority of a listener; undefined where it has none.
 * Throws a ConfigError that names everything that is wrong, by setting and file, with the way out.
 */
export function readTls(config: Config, owner: TlsOwner, now: number): ReadTls | undefined {
  const files = tlsFiles(config, owner);
  const problems: string[] = [];
  const texts = Object.entries(files).map(([name, file]) => [name, textOf(name, file, problems)]);
  const {
    [`${owner}_tls_cert`]: certificate,
    [`${owner}_tls_key`]: key,
    [`${owner}_tls_client_ca`]: clientCa,
  } = Object.fromEntries(texts) as Record<string, string | undefined>;
  const at = (name: string) => `${name}: ${files[name] ?? ''}`;
  const warnings: string[] = [];
  if (certificate !== undefined && key !== undefined) {
    const found = judgePair(at(`${owner}_tls_cert`), at(`${owner}_tls_key`), certificate, key, now);
    problems.push(...found.problems);
    warnings.push(...found.warnings, ...modeWarnings(files[`${owner}_tls_key`]));
  }
  if (clientCa !== undefined) {
    problems.push(...judgeAuthorities(at(`${owner}_tls_client_ca`), clientCa, now));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  if (certificate === undefined || key === undefined) return undefined;
  const material = { certificate, key, clientCa };
  const refused = refusedByTls(material);
  if (refused !== undefined) {
    throw new ConfigError([
      `${at(`${owner}_tls_cert`)} cannot be served. OpenSSL says ${refused}.`,
    ]);
  }
  return { material, warnings };
}

function textOf(name: string, file: string, problems: string[]): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    const way = code === 'ENOENT' ? 'Put the file there' : 'Let the user of the sidecar read it';
    problems.push(`${name}: ${file} cannot be read (${code}). ${way}, or leave the setting out.`);
    return undefined;
  }
}

interface Judged {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

function judgePair(
  certificateAt: string,
  keyAt: string,
  certificate: string,
  key: string,
  now: number,
): Judged {
  const problems: string[] = [];
  const warnings: string[] = [];
  const [own] = certificatesIn(certificate);
  if (own === undefined) {
    problems.push(`${certificateAt} holds no certificate. Write it as PEM, its own one first.`);
  } else {
    problems.push(...judgeTime(certificateAt, own, now));
    const end = Date.parse(own.validTo);
    if (end > now && end - now < ENDING_MS) {
      warnings.push(`${certificateAt} ends on ${own.validTo}. Put a new certificate there`);
    }
  }
  const secret = keyIn(key);
  if (secret === undefined) {
    problems.push(
      `${keyAt} holds no private key without passphrase. Write it as PEM; ` +
        'openssl pkey takes a passphrase away.',
    );
  } else if (own !== undefined && !own.checkPrivateKey(secret)) {
    problems.push(`${keyAt} is not the key of the certificate. Put both of one request there.`);
  }
  return { problems, warnings };
}

function judgeAuthorities(where: string, text: string, now: number): readonly string[] {
  const authorities = certificatesIn(text);
  if (authorities.length === 0) {
    return [`${where} holds no certificate. Write those of the authorities as PEM.`];
  }
  const good = authorities.filter((authority) => judgeTime(where, authority, now).length === 0);
  return good.length > 0 ? [] : judgeTime(where, authorities[0] as X509Certificate, now);
}

function judgeTime(where: string, certificate: X509Certificate, now: number): readonly string[] {
  const { validFrom, validTo } = certificate;
  if (Date.parse(validTo) <= now) {
    return [`${where} expired on ${validTo}. Put a new certificate there.`];
  }
  if (Date.parse(validFrom) > now) {
    return [`${where} does not hold before ${validFrom}. Wait, or look at the clock of this host.`];
  }
  return [];
}

/** The certificates of a PEM text; none where one of them cannot be read. */
function certificatesIn(text: string): readonly X509Certificate[] {
  try {
    return (text.match(PEM_CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
  } catch {
    return [];
  }
}

function keyIn(text: string) {
  try {
    return createPrivateKey(text);
  } catch {
    return undefined;
  }
}

function modeWarnings(file: string | undefined): readonly string[] {
  if (file === undefined) return [];
  const { mode } = statSync(file);
  if ((mode & READABLE_BY_OTHERS) === 0) return [];
  return [`Insecure: others can read the key ${file}. Run chmod o-rwx on it`];
}
