import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { banner } from '../../src/cli/banner.js';
import { resolveConfig, type Config } from '../../src/config/config.js';
import { configurationDocument } from '../../src/config/documentation.js';
import { SETTING_NAMES, flagOf } from '../../src/config/settings.js';
import type { VerificationReport } from '../../src/ledger/api.js';
import { commandLine } from './command-line.js';

const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-serve-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The configuration that `serve` would start with, or what it printed instead. */
async function served(words: readonly string[], environment: Record<string, string> = {}) {
  let config: Config | undefined;
  const { code, err } = await commandLine(['serve', '--log-level', 'silent', ...words], {
    environment,
    parts: {
      start: (given) => {
        config = given;
        return Promise.reject(new Error('started'));
      },
    },
  });
  return { config, code, err };
}

describe('serve', () => {
  test('takes flags, the environment and a file', async () => {
    const file = path.join(folder, 'safeguards.yaml');
    writeFileSync(file, 'streams_max: 3\nbatch_items_max: 4\nwatched_agents_max: 5\n');
    const words = ['--config', file, '--streams-max', '1', '--accept-clock'];
    const environment = { SAFEGUARDS_STREAMS_MAX: '2', SAFEGUARDS_BATCH_ITEMS_MAX: '2' };
    const { config } = await served(words, environment);
    expect(config).toMatchObject({
      streamsMax: 1,
      batchItemsMax: 2,
      watchedAgentsMax: 5,
      acceptClock: true,
      logLevel: 'silent',
    });
    const named = await served([], { SAFEGUARDS_CONFIG: file });
    expect(named.config).toMatchObject({ streamsMax: 3 });
  });

  test('names everything that is wrong at once, and starts nothing', async () => {
    const words = ['--streams-max', 'many', '--colour', 'red', '--data-dri=x', 'word'];
    const { config, code, err } = await served(words, { SAFEGUARDS_LOG_FORMAT: 'xml' });
    expect(config).toBeUndefined();
    expect(code).toBe(2);
    expect(err.split('\n').map((line) => line.trim().split(' ')[0])).toEqual([
      'The',
      'word:',
      '--colour:',
      '--data-dri:',
      'SAFEGUARDS_LOG_FORMAT:',
      '--streams-max:',
      '',
    ]);
  });

  test('that cannot start says why and exits with 1', async () => {
    expect(await served([])).toMatchObject({ code: 1, err: 'started\n' });
  });

  test('--help names every setting', async () => {
    const { code, out } = await commandLine(['serve', '--help']);
    expect(code).toBe(0);
    for (const name of SETTING_NAMES) expect(out).toContain(`  ${flagOf(name)} `);
  });
});

describe('what serve prints', () => {
  const sidecar = {
    version: '1.2.3',
    storeId: 'store',
    agentAddress: '127.0.0.1:7450',
    adminAddress: '127.0.0.1:7451',
    close: () => Promise.resolve(),
  };

  test('says where it listens and where things are, and what to paste', () => {
    const lines = banner(resolveConfig({}), sidecar).split('\n');
    const at = (name: string) => path.resolve('safeguards-data', name);
    expect(lines.slice(0, 6)).toEqual([
      'Safeguards 1.2.3 is serving.',
      '  agents       127.0.0.1:7450 (plain text, whoever reaches it)',
      '  operators    127.0.0.1:7451 (plain text, the admin token)',
      `  data         ${at('.')}`,
      `  admin token  ${at('admin.token')}`,
      '',
    ]);
    expect(lines[7]).toMatch(/ agent create hello-[0-9a-f]{6} --initial-budget 10$/);
    expect(lines[8]).toMatch(/ spend hello-[0-9a-f]{6} 2\.50$/);
  });

  test('leads to where it really is', () => {
    const flags = { data_dir: "/var/it's here", agent_socket: '/run/safeguards.sock' };
    const elsewhere = { ...sidecar, agentAddress: '127.0.0.1:1', adminAddress: '127.0.0.1:2' };
    const text = banner(resolveConfig({ flags }), elsewhere);
    expect(text).toContain('unix:/run/safeguards.sock');
    expect(text).toContain(' --address 127.0.0.1:1\n');
    expect(text).toContain(
      " --admin-address 127.0.0.1:2 --token-file '/var/it'\\''s here/admin.token'\n",
    );
  });

  test('says how each listener is protected', () => {
    const flags = {
      credentials_file: '/etc/safeguards/credentials.yaml',
      admin_tls_cert: '/a.crt',
      admin_tls_key: '/a.key',
      admin_tls_client_ca: '/ca.crt',
      agent_socket: '/run/safeguards.sock',
    };
    const text = banner(resolveConfig({ flags }), sidecar);
    expect(text).toContain('unix:/run/safeguards.sock (plain text, principals)');
    expect(text).toContain('127.0.0.1:7451 (TLS with client certificates, principals)');
    expect(text).toContain('principals   /etc/safeguards/credentials.yaml');
  });

  test('prints lines to fill in where only the reader has what they need', () => {
    const flags = {
      credentials_file: '/etc/credentials.yaml',
      agent_tls_cert: '/a.crt',
      agent_tls_key: '/a.key',
      agent_tls_client_ca: '/ca.crt',
      admin_tls_cert: '/a.crt',
      admin_tls_key: '/a.key',
    };
    const lines = banner(resolveConfig({ flags }), sidecar).split('\n');
    const at = lines.findIndex((line) => line.startsWith('Make an agent'));
    expect(lines.slice(at).map((line) => line.replace(/hello-\w+/, 'NAME'))).toEqual([
      'Make an agent and spend, from another terminal in this folder, with files of your own for the capitals:',
      expect.stringMatching(/create NAME --initial-budget 10 --tls-ca CA --token-file TOKEN$/),
      expect.stringMatching(
        / spend NAME 2\.50 --tls-ca CA --tls-cert CERT --tls-key KEY --token-file TOKEN$/,
      ),
      expect.stringMatching(/^ {2}CA {5}who signed \/a\.crt: /),
      expect.stringMatching(/^ {2}CERT {3}a certificate for clients/),
      expect.stringMatching(/^ {2}TOKEN {2}the file of a token of one of \/etc\/credentials\.yaml/),
      '',
    ]);
  });

  test.each([
    ['0.0.0.0:7460', '127.0.0.1:7460'],
    ['[::]:7460', '[::1]:7460'],
  ])('calls what listens on %s at %s', (agentAddress, called) => {
    const text = banner(resolveConfig({}), { ...sidecar, agentAddress });
    expect(text).toContain(` --address ${called}\n`);
  });

  test('says that there is no token', () => {
    const text = banner(resolveConfig({ flags: { admin_auth: 'none' } }), sidecar);
    expect(text).toContain('operators    127.0.0.1:7451 (plain text, whoever reaches it)');
    expect(text).not.toContain('admin token');
  });
});

describe('verify', () => {
  const clean: VerificationReport = {
    clean: true,
    entries: 12,
    balances: 3,
    headSequence: 12,
    headHash: new Uint8Array(32).fill(0xab),
    findings: [],
    elapsedMs: 4.6,
  };
  const findings = [
    { sequence: 4, account: 'AGENT 7', message: 'spent is 3 and stored is 4' },
    { sequence: 0, account: '', message: 'the head is missing' },
  ];
  const dir = path.resolve('somewhere');
  const verified = (report: VerificationReport, ...words: readonly string[]) => {
    const verify = (given: string) => {
      expect(given).toBe(dir);
      return Promise.resolve(report);
    };
    return commandLine(['verify', '--data-dir', 'somewhere', ...words], { parts: { verify } });
  };

  test('exits with 0 when everything agrees', async () => {
    expect(await verified(clean)).toEqual({
      code: 0,
      out: `Clean: 12 entries and 3 balances in 5 ms, head 12 ${'ab'.repeat(32)}.\n`,
      err: '',
    });
  });

  test('exits with 1 and lists what does not', async () => {
    const { code, out } = await verified({ ...clean, clean: false, findings });
    expect(code).toBe(1);
    expect(out).toContain('  entry 4, AGENT 7: spent is 3 and stored is 4\n');
    expect(out).toContain('  the head is missing\n');
  });

  test('prints JSON on request', async () => {
    const { out } = await verified(clean, '--json');
    expect(JSON.parse(out)).toMatchObject({ clean: true, headHash: 'ab'.repeat(32) });
  });

  test('exits with 2 and says so when there is no such folder', async () => {
    const parts = { verify: () => Promise.reject(new Error('ENOENT')) };
    const { code, err } = await commandLine(['verify', '--data-dir', '/nope'], { parts });
    expect([code, err]).toEqual([
      2,
      '/nope does not exist. Name the folder of the store with --data-dir.\n',
    ]);
  });

  test('exits with 2 when it cannot be opened', async () => {
    const parts = { verify: () => Promise.reject(new Error('There is no store here')) };
    expect(await commandLine(['verify', '--data-dir', '.'], { parts })).toEqual({
      code: 2,
      out: '',
      err: `The store in ${path.resolve('.')} cannot be opened: There is no store here\n`,
    });
  });
});

test('config docs prints the page about every setting', async () => {
  expect(await commandLine(['config', 'docs'])).toMatchObject({
    code: 0,
    out: configurationDocument(),
  });
});

test('--version prints the version', async () => {
  expect(await commandLine(['--version'])).toEqual({ code: 0, out: '1.2.3\n', err: '' });
});
