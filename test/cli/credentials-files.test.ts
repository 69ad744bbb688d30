import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { knownByFiles } from '../../src/cli/credentials-files.js';
import { resolveConfig } from '../../src/config/config.js';
import { formatHash } from '../../src/rpc/access/token.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'safeguards-credentials-'));
  file = path.join(folder, 'credentials.yaml');
});
afterEach(() => rmSync(folder, { recursive: true }));

const ADMIN = `principals: [{name: ops, role: admin, tokens: ["${formatHash('a')}"]}]\n`;
const VIEWER = `principals: [{name: eyes, role: viewer, tokens: ["${formatHash('a')}"]}]\n`;

function known(flags: Record<string, string>) {
  const { credentials, warnings } = knownByFiles(
    resolveConfig({ flags: { data_dir: folder, ...flags } }),
  );
  return { names: credentials.map(({ principal }) => principal.name), warnings };
}

describe('known are', () => {
  test('without a file whoever has the admin token', () => {
    expect(known({}).names).toEqual(['admin']);
  });

  test('with a file its principals, and no token is made', () => {
    writeFileSync(file, ADMIN, { mode: 0o600 });
    expect(known({ credentials_file: file })).toEqual({ names: ['ops'], warnings: [] });
  });

  test('both where that is asked for', () => {
    writeFileSync(file, VIEWER, { mode: 0o600 });
    expect(known({ credentials_file: file, admin_auth: 'token' }).names).toEqual(['admin', 'eyes']);
  });
});

describe('a file', () => {
  test('of which nobody could administrate is refused', () => {
    writeFileSync(file, VIEWER, { mode: 0o600 });
    expect(() => known({ credentials_file: file })).toThrow(/no principal has the role admin/);
  });

  test('that is not there, or no good, is refused by name', () => {
    expect(() => known({ credentials_file: file })).toThrow(/credentials_file: .* \(ENOENT\)/);
    writeFileSync(file, 'principals: 1\n');
    expect(() => known({ credentials_file: file })).toThrow(/credentials.yaml line 1: write/);
  });

  test('that others can write is a warning', () => {
    writeFileSync(file, ADMIN);
    chmodSync(file, 0o666);
    expect(known({ credentials_file: file }).warnings).toEqual([
      expect.stringMatching(/others can write .*chmod go-w/),
    ]);
  });
});
