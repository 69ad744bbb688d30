import { readFileSync } from 'node:fs';
import { credentials, type ChannelCredentials } from '@grpc/grpc-js';
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
  if (cert === undefined || key === undefined) return credentials.createSsl(roots);
  try {
    return credentials.createSsl(roots, read('--tls-key', key), read('--tls-cert', cert));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    // OpenSSL's words name no file and hold nothing of the key.
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${cert} and ${key} cannot be used together: ${reason}.`);
  }
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
