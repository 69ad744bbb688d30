import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { knowKey } from './secrets.js';

/** A certificate and its key: PEM texts, and the files that they stand in. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** Signs certificates that nobody but a test trusts. */
export interface Authority extends Certificate {
  /** A certificate for a server on the loopback interface. */
  server(options?: { readonly days?: number }): Certificate;
  /** A certificate for a client: a common name, and names such as `URI:spiffe://example.org/a`. */
  client(commonName: string, ...alternatives: readonly string[]): Certificate;
}

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Makes a certificate authority with openssl, in a folder that goes when the test is over. */
export function authority(name?: string): Authority {
  const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-certificates-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return authorityIn(folder, name);
}

/** The same in a folder that is there. */
export function authorityIn(folder: string, name = 'test authority'): Authority {
  let made = 0;
  const files = () => {
    made += 1;
    const at = (ending: string) => path.join(folder, `${made}.${ending}`);
    return { certificateFile: at('crt'), keyFile: at('key'), requestFile: at('csr') };
  };
  const read = (certificateFile: string, keyFile: string): Certificate => {
    const key = readFileSync(keyFile, 'utf8');
    knowKey('a private key of TLS', key);
    const certificate = readFileSync(certificateFile, 'utf8');
    return { certificate, key, certificateFile, keyFile };
  };
  const own = files();
  const out = ['-keyout', own.keyFile, '-out', own.certificateFile];
  openssl(['req', '-x509', ...CURVE, '-days', '2', '-subj', `/CN=${name}`, ...out]);
  const signed = (commonName: string, extensions: string, days: number): Certificate => {
    const { certificateFile, keyFile, requestFile } = files();
    const request = ['-keyout', keyFile, '-out', requestFile];
    openssl(['req', '-new', ...CURVE, '-subj', `/CN=${commonName}`, ...request]);
    writeFileSync(`${requestFile}.ext`, extensions);
    const signer = ['-CA', own.certificateFile, '-CAkey', own.keyFile, '-CAcreateserial'];
    const what = ['-in', requestFile, '-extfile', `${requestFile}.ext`, '-out', certificateFile];
    openssl(['x509', '-req', ...signer, '-days', String(days), ...what]);
    return read(certificateFile, keyFile);
  };
  return {
    ...read(own.certificateFile, own.keyFile),
    server: ({ days = 2 } = {}) =>
      signed('localhost', 'subjectAltName=DNS:localhost,IP:127.0.0.1\n', days),
    client: (commonName, ...alternatives) => {
      const names = alternatives.length === 0 ? '' : `subjectAltName=${alternatives.join(',')}\n`;
      return signed(commonName, `extendedKeyUsage=clientAuth\n${names}`, 2);
    },
  };
}

function openssl(words: readonly string[]): void {
  const { status, stderr, error } = spawnSync('openssl', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${words.join(' ')}\n${stderr}`, { cause: error });
}
