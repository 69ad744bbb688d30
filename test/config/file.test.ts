import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError, resolveConfig } from '../../src/config/config.js';
import { readConfigFile } from '../../src/config/file.js';

const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function written(text: string): string {
  const file = path.join(folder, 'safeguards.yaml');
  writeFileSync(file, text);
  return file;
}

describe('the configuration file', () => {
  test('gives values as they are written, numbers and lists too', () => {
    const file = readConfigFile(
      written(
        [
          'agent_socket_mode: 0600',
          'forced_amount_max: 123456789012345678 # more than a float holds',
          'insecure: true',
          'data_dir: "/var/lib/budgets"',
          'allowed_hosts: [Budgets.local, other]',
          'backup_dir:',
          'webhook_private_addresses: true',
          'webhook_allowed_ranges: [10.1.0.0/16, "FD00::/8", 169.254.169.254]',
        ].join('\n'),
      ),
    );
    expect(resolveConfig({ file })).toMatchObject({
      agentSocketMode: 0o600,
      forcedAmountMax: 123456789012345678n * 10n ** 12n,
      insecure: true,
      dataDir: '/var/lib/budgets',
      allowedHosts: ['budgets.local', 'other'],
      backupDir: undefined,
      webhookPrivateAddresses: true,
      webhookAllowedRanges: ['10.1.0.0/16', 'fd00::/8', '169.254.169.254'],
    });
  });

  test('may be empty', () => {
    expect(readConfigFile(written('# nothing yet\n'))).toEqual({});
  });

  test.each([
    ['a list', '- a\n', /line 1/],
    ['nested values', 'streams_max: 1\nlimits:\n  a: 1\n', /line 2: limits is not a plain value/],
    ['a name given twice', 'streams_max: 1\nstreams_max: 2\n', /line 2: Map keys must be unique/],
    ['broken YAML', 'data_dir: "open\n', /line \d/],
  ])('refuses %s and says where', (_name, text, message) => {
    expect(() => readConfigFile(written(text))).toThrow(message);
  });

  test('that is missing is a problem of --config', () => {
    const missing = path.join(folder, 'missing.yaml');
    expect(() => readConfigFile(missing)).toThrow(ConfigError);
    expect(() => readConfigFile(missing)).toThrow(/--config: .*missing\.yaml cannot be read/);
  });
});
