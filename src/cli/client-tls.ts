import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { credentials, type ChannelCredentials, type VerifyOptions } from '@grpc/grpc-js';
import { UsageError, type Terminal } from './terminal.js';

/** The files that a client speaks TLS with, as flags. */
export interface TlsFlags {
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** Instead of a file: the authorities that Node trusts. */
const SYSTEM = 'system';

/**
 * How a client connects: in plain text, unless an authority is named, by flag or by environment. Throws
 * a UsageError that names the file that cannot be used.
 */
export function channelCredentials(
  address: string,
  flags: TlsFlags,
  { environment }: Pick<Terminal, 'environment'>,
): ChannelCredentials {
  const ca = flags.tlsCa ?? given(environment['SAFEGUARDS_TLS_CA']);
  const cert = flags.tlsCert ?? given(environment['SAFEGUARDS_TLS_CERT']);
  const key = flags.tlsKey ?? given(environment['SAFEGUARDS_TLS_KEY']);
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('Give both --tls-cert and --tls-key, or neither.');
  }
  if (ca === undefined) {
    if (cert === undefined) return credentials.createInsecure();
    throw new UsageError(`Give --tls-ca too: the authority of the sidecar, or "${SYSTEM}".`);
  }
  const roots = ca === SYSTEM ? null : read('--tls-ca', ca);
  const verify = verification(address);
  if (cert === undefined || key === undefined) {
    return credentials.createSsl(roots, null, null, verify);
  }
  try {
    return credentials.createSsl(roots, read('--tls-key', key), read('--tls-cert', cert), verify);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    // OpenSSL's words name no file and hold nothing of the key.
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${cert} and ${key} cannot be used together: ${reason}.`);
  }
}

/** The IP address that a `host:port` names; undefined: its host is a name. */
export function ipOf(address: string): string | undefined {
  const host = /^\[?(.*?)\]?:\d+$/.exec(address)?.[1] ?? address;
  return isIP(host) === 0 ? undefined : host;
}

/**
 * What to announce to a server that is called by its address. RFC 6066 admits no addresses there, and
 * grpc-js cannot announce nothing; this name is nobody's (RFC 6761).
 */
export const UNNAMED = 'address.invalid';

/** Holds the certificate against the address itself, whatever name was announced. */
function verification(address: string): VerifyOptions {
  const ip = ipOf(address);
  if (ip === undefined) return {};
  return { checkServerIdentity: (_announced, certificate) => checkServerIdentity(ip, certificate) };
}

function given(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function read(flag: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    throw new UsageError(`${flag}: ${file} cannot be read (${code}).`);
  }
}
