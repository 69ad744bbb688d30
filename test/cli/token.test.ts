import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { adminToken, findToken, readToken } from '../../src/cli/token.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'safeguards-token-'));
  file = path.join(folder, 'admin.token');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the admin token', () => {
  test('is made with 32 random bytes, for its owner only', () => {
    const { token, warnings } = adminToken(file);
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(readFileSync(file, 'utf8')).toBe(`${token}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['admin.token']);
    expect(warnings).toEqual([]);
  });

  test('is for its owner only under any umask', () => {
    const before = process.umask(0);
    try {
      adminToken(file);
    } finally {
      process.umask(before);
    }
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('stays the same from start to start', () => {
    expect(adminToken(file)).toEqual(adminToken(file));
  });

  test('may be an operator’s own', () => {
    writeFileSync(file, '  my-own-token-of-16\n', { mode: 0o600 });
    expect(adminToken(file)).toEqual({ token: 'my-own-token-of-16', warnings: [] });
  });

  test('that others can read is a warning', () => {
    writeFileSync(file, 'my-own-token-of-16');
    chmodSync(file, 0o644);
    expect(adminToken(file).warnings).toEqual([expect.stringContaining('mode 0644')]);
  });

  test.each(['', 'short', 'two words that are long'])('is never "%s"', (text) => {
    writeFileSync(file, text, { mode: 0o600 });
    expect(() => adminToken(file)).toThrow(/holds no token/);
  });
});

describe('the client finds the token', () => {
  const made = (name: string) => {
    const place = path.join(folder, name);
    writeFileSync(place, `token-of-${name}-long-enough\n`);
    return place;
  };

  test('where it is told, then in the environment, then beside the store', () => {
    const given = made('given');
    const named = made('named');
    made('admin.token');
    const environment = {
      SAFEGUARDS_ADMIN_TOKEN: 'token-in-the-environment',
      SAFEGUARDS_ADMIN_TOKEN_FILE: named,
      SAFEGUARDS_DATA_DIR: folder,
    };
    const nothing = { tokenFile: undefined, dataDir: undefined };
    const found = (places: Partial<typeof nothing> | { tokenFile: string }, env: object) =>
      findToken({ ...nothing, ...places }, { environment: env as Record<string, string> }).token;
    expect(found({ tokenFile: given }, environment)).toBe('token-of-given-long-enough');
    expect(found({}, environment)).toBe('token-in-the-environment');
    const { SAFEGUARDS_ADMIN_TOKEN: _token, ...withFile } = environment;
    expect(found({}, withFile)).toBe('token-of-named-long-enough');
    expect(found({}, { SAFEGUARDS_DATA_DIR: folder })).toBe('token-of-admin.token-long-enough');
  });

  test('in the folder it is told, before a file of the environment', () => {
    made('admin.token');
    const environment = { SAFEGUARDS_ADMIN_TOKEN_FILE: made('named') };
    const { token } = findToken({ tokenFile: undefined, dataDir: folder }, { environment });
    expect(token).toBe('token-of-admin.token-long-enough');
  });

  test('nowhere, and goes without one', () => {
    const places = { tokenFile: undefined, dataDir: folder };
    expect(findToken(places, { environment: {} })).toEqual({ token: undefined, searched: file });
    expect(readToken(file)).toBeUndefined();
  });
});
