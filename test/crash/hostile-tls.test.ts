/** The attacks of hostile.test.ts on a real sidecar over TLS, and those on the handshake itself. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorityIn } from '../support/certificates.js';
import { dialTls, dialTo } from '../support/dial.js';
import { hasTool } from '../support/tools.js';
import { ATTACKS } from './attacks.js';
import { HANDSHAKE_ATTACKS } from './handshakes.js';
import { besiege, withstands, type Besieged } from './siege.js';

const isHere = hasTool('openssl', 'openssl', ['version']);

describe.skipIf(!isHere)('over TLS', () => {
  let folder = '';
  let ca = '';
  let besieged: Besieged;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'safeguards-hostile-'));
    const certificates = path.join(folder, 'certificates');
    mkdirSync(certificates);
    const signer = authorityIn(certificates);
    const { certificateFile, keyFile } = signer.server();
    ca = signer.certificate;
    const flags = ['--agent-tls-cert', certificateFile, '--agent-tls-key', keyFile];
    besieged = await besiege(path.join(folder, 'data'), flags, ca);
  });

  afterAll(async () => {
    const { code } = await besieged.sidecar.end('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
    expect(code).toBe(0);
  });

  test.each(Object.entries(ATTACKS))('%s', { timeout: 90_000 }, (name, attack) =>
    withstands(besieged, `${name}, over TLS`, () => attack(dialTls(besieged.sidecar.agent, ca))),
  );

  test.each(Object.entries(HANDSHAKE_ATTACKS))('%s', { timeout: 90_000 }, (name, attack) =>
    withstands(besieged, name, () => attack(dialTo(besieged.sidecar.agent))),
  );
});
