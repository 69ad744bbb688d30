import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readTls } from '../../src/cli/tls-files.js';
import { ConfigError, resolveConfig } from '../../src/config/config.js';
import { authority, type Certificate } from '../support/certificates.js';
import { hasTool } from '../support/tools.js';

const DAY_MS = 86_400_000;

function configOf(own: Partial<Certificate>, clientCa?: string) {
  const flags = {
    ...(own.certificateFile !== undefined && { agent_tls_cert: own.certificateFile }),
    ...(own.keyFile !== undefined && { agent_tls_key: own.keyFile }),
    ...(clientCa !== undefined && { agent_tls_client_ca: clientCa }),
  };
  return resolveConfig({ flags });
}

function problemsOf(own: Partial<Certificate>, clientCa?: string, now = Date.now()) {
  try {
    readTls(configOf(own, clientCa), 'agent', now);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

function written(text: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'file.pem');
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

describe.skipIf(!hasTool('openssl', 'openssl', ['version']))('the files of TLS', () => {
  test('are read: certificate, key and whom clients are signed by', () => {
    const ca = authority();
    const own = ca.server({ days: 30 });
    chmodSync(own.keyFile, 0o600);
    expect(readTls(configOf(own, ca.certificateFile), 'agent', Date.now())).toEqual({
      material: { certificate: own.certificate, key: own.key, clientCa: ca.certificate },
      warnings: [],
    });
    expect(readTls(configOf({}), 'agent', Date.now())).toBeUndefined();
    expect(readTls(configOf(own), 'admin', Date.now())).toBeUndefined();
  });

  test('that end soon, or that others can read, are warned about', () => {
    const own = authority().server({ days: 2 });
    chmodSync(own.keyFile, 0o644);
    expect(readTls(configOf(own), 'agent', Date.now())?.warnings).toEqual([
      expect.stringMatching(/^agent_tls_cert: .* ends on .*GMT/),
      expect.stringMatching(/others can read the key/),
    ]);
  });

  test('that are missing are named, all at once', () => {
    expect(
      problemsOf({ certificateFile: '/nowhere/a.crt', keyFile: '/nowhere/a.key' }, '/nowhere/ca'),
    ).toEqual([
      'agent_tls_cert: /nowhere/a.crt cannot be read (ENOENT). Put the file there, or leave the setting out.',
      'agent_tls_key: /nowhere/a.key cannot be read (ENOENT). Put the file there, or leave the setting out.',
      'agent_tls_client_ca: /nowhere/ca cannot be read (ENOENT). Put the file there, or leave the setting out.',
    ]);
  });

  test('with a key of another certificate are refused', () => {
    const ca = authority();
    const { certificateFile } = ca.server();
    expect(problemsOf({ certificateFile, keyFile: ca.server().keyFile })).toEqual([
      expect.stringMatching(/^agent_tls_key: .* is not the key of the certificate/),
    ]);
  });

  test('that expired, or do not hold yet, are refused', () => {
    const ca = authority();
    const own = ca.server();
    const [past, future] = [Date.now() - 3 * DAY_MS, Date.now() + 3 * DAY_MS];
    expect(problemsOf(own, ca.certificateFile, future)).toEqual([
      expect.stringMatching(/^agent_tls_cert: .* expired on .* Put a new certificate there/),
      expect.stringMatching(/^agent_tls_client_ca: .* expired on/),
    ]);
    expect(problemsOf(own, undefined, past)).toEqual([
      expect.stringMatching(/^agent_tls_cert: .* does not hold before/),
    ]);
  });

  test('that hold something else are refused', () => {
    const own = authority().server();
    const garbled = own.certificate.replace(/[A-Z]{4}/, '!!!!');
    expect(problemsOf({ ...own, certificateFile: written(garbled) })).toEqual([
      expect.stringMatching(/^agent_tls_cert: .* holds no certificate/),
    ]);
    expect(problemsOf({ ...own, keyFile: own.certificateFile })).toEqual([
      expect.stringMatching(/^agent_tls_key: .* holds no private key/),
    ]);
    expect(problemsOf(own, written(''))).toEqual([
      expect.stringMatching(/^agent_tls_client_ca: .* holds no certificate/),
    ]);
  });

  test('with a passphrase on the key are refused, with how to take it away', () => {
    const own = authority().server();
    const keyFile = written('');
    const words = ['pkey', '-aes256', '-passout', 'pass:hunter2', '-in', own.keyFile];
    expect(spawnSync('openssl', [...words, '-out', keyFile]).status).toBe(0);
    const problems = problemsOf({ ...own, keyFile });
    expect(problems).toEqual([expect.stringMatching(/without passphrase.*openssl pkey/)]);
  });

  test('never show the key when something is wrong with it', () => {
    const own = authority().server();
    const problems = problemsOf({ ...own, keyFile: written(own.key.slice(0, -40)) });
    expect(problems).toHaveLength(1);
    expect(problems.join()).not.toContain(own.key.slice(40, 60));
  });
});
