import { describe, expect, test } from 'vitest';
import {
  ConfigError,
  limitsInForce,
  resolveConfig,
  type Sources,
} from '../../src/config/config.js';
import { fieldOf, LIMITS, SETTING_NAMES, TABLE } from '../../src/config/settings.js';
import type { ValueType } from '../../src/config/value.js';
import { startWarnings } from '../../src/config/warnings.js';

function problemsOf(sources: Sources): readonly string[] {
  try {
    resolveConfig(sources);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const inFile = (text: string) => ({ text, where: 'safeguards.yaml line 3' });

describe('precedence', () => {
  const flags = { streams_max: '1' };
  const environment = { SAFEGUARDS_STREAMS_MAX: '2' };
  const file = { streams_max: inFile('3') };
  test.each<[string, Sources, number]>([
    ['a flag wins over everything', { flags, environment, file }, 1],
    ['the environment wins over the file', { environment, file }, 2],
    ['the file wins over the default', { file }, 3],
    ['the default holds when nothing is given', {}, 1024],
  ])('%s', (_name, sources, expected) => {
    expect(resolveConfig(sources).streamsMax).toBe(expected);
  });
});

describe('what is wrong', () => {
  test('every bad value and every unknown name is reported at once, with what to do', () => {
    const sources: Sources = {
      flags: { batch_items_max: '0', agent_lisen: '127.0.0.1:1' },
      environment: { SAFEGUARDS_IDEMPOTENCY_TTL: '30m', SAFEGUARDS_ADMIN_AUTH: 'open' },
      file: { message_bytes_max: inFile('4 megabytes'), late_windw: inFile('7d') },
    };
    expect(problemsOf(sources)).toEqual([
      '--agent-lisen: no such flag. Did you mean --agent-listen?',
      'safeguards.yaml line 3: no setting "late_windw". Did you mean late_window?',
      'SAFEGUARDS_ADMIN_AUTH: "open" is not a value of admin_auth. Write auto, token, principals, none, such as auto.',
      'safeguards.yaml line 3: "4 megabytes" is not a value of message_bytes_max. ' +
        'Write 1KiB..64MiB, such as 4MiB.',
      '--batch-items-max: "0" is not a value of batch_items_max. Write 1..10000, such as 1000.',
      'SAFEGUARDS_IDEMPOTENCY_TTL: "30m" is not a value of idempotency_ttl. ' +
        'Write 1h..7d, such as 24h.',
    ]);
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['half of TLS', { agent_tls_cert: '/a.crt' }, /^agent_tls_key: it is missing/],
    ['the other half', { admin_tls_key: '/a.key' }, /^admin_tls_cert: it is missing/],
    [
      'an authority alone',
      { admin_tls_client_ca: '/ca' },
      /^admin_tls_client_ca: .* over TLS only/,
    ],
    [
      'an owner by name',
      { agent_socket_owner: 'root:root' },
      /value of agent_socket_owner.*uid:gid/,
    ],
    ['a listener that others reach', { agent_listen: '0.0.0.0:7450' }, /^agent_listen: .*insecure/],
    ['an admin listener that others reach', { admin_listen: '[::]:7451' }, /^admin_listen: /],
    ['two listeners on one port', { admin_listen: '127.0.0.1:7450' }, /a port of its own/],
    ['a socket path too long', { agent_socket: `/${'s'.repeat(108)}` }, /at most 107/],
    ['a port out of range', { agent_listen: '127.0.0.1:65536' }, /host:port/],
    ['an address without a port', { agent_listen: 'localhost' }, /host:port/],
    ['an amount with an exponent', { forced_amount_max: '1e3' }, /value of forced_amount_max/],
    ['a negative duration', { sweep_interval: '-1s' }, /100ms\.\.60s/],
    ['an empty count', { streams_max: '' }, /value of streams_max/],
    ['a range that is none', { webhook_allowed_ranges: '10.0.0.0/33' }, /CIDR ranges/],
    ['a mode that is not octal', { agent_socket_mode: '0888' }, /value of agent_socket_mode/],
  ])('refuses %s', (_name, flags, message) => {
    expect(problemsOf({ flags })).toEqual([expect.stringMatching(message)]);
  });

  test.each([
    ['::', {}, 'TLS and no authentication'],
    ['10.0.0.1', { agent_tls_cert: '/a.crt', agent_tls_key: '/a.key' }, 'authentication'],
  ])('other hosts are not let in on %s with %j', (host, tls, lacks) => {
    const at = host.includes(':') ? `[${host}]:1` : `${host}:1`;
    expect(problemsOf({ flags: { agent_listen: at, ...tls } })).toEqual([
      `agent_listen: other hosts can reach ${at}, and there is no ${lacks}. ` +
        'Configure that, listen on 127.0.0.1, or allow it with --insecure.',
    ]);
  });

  test('other hosts are let in over TLS by those who prove themselves, without a warning', () => {
    const flags = {
      agent_listen: '0.0.0.0:7450',
      agent_tls_cert: '/a.crt',
      agent_tls_key: '/a.key',
      agent_tls_client_ca: '/ca.crt',
      admin_listen: '0.0.0.0:7451',
      admin_tls_cert: '/a.crt',
      admin_tls_key: '/a.key',
    };
    expect(startWarnings(resolveConfig({ flags }), {})).toEqual([]);
    expect(problemsOf({ flags: { ...flags, admin_auth: 'none' } })).toEqual([
      expect.stringMatching(/^admin_listen: .* no authentication/),
    ]);
  });

  test('other hosts are let in with --insecure, and warned about at each start', () => {
    const flags = { agent_listen: '0.0.0.0:7450', insecure: 'true', admin_auth: 'none' };
    const warnings = startWarnings(resolveConfig({ flags }), {});
    expect(warnings).toEqual([
      'Insecure: other hosts can reach 0.0.0.0:7450, and there is no TLS and no authentication',
      'Insecure: whoever reaches 127.0.0.1:7451 is an operator, since admin_auth is none',
    ]);
  });

  test('a variable that is no setting is a warning, one that Kubernetes made is nothing', () => {
    const environment = {
      SAFEGUARDS_DATADIR: '/tmp',
      SAFEGUARDS_DATA_DIR: '/tmp',
      SAFEGUARDS_PORT: 'tcp://10.0.0.1:7450',
      SAFEGUARDS_SERVICE_HOST: '10.0.0.1',
      SAFEGUARDS_ADMIN_TOKEN: 'secret',
    };
    expect(startWarnings(resolveConfig({}), environment)).toEqual([
      'The environment variable SAFEGUARDS_DATADIR has no effect. Did you mean SAFEGUARDS_DATA_DIR?',
    ]);
  });
});

describe('values', () => {
  test('are frozen, with absolute paths and the token beside the store', () => {
    const config = resolveConfig({ flags: { data_dir: '/var/lib/budgets' } });
    expect(Object.isFrozen(config)).toBe(true);
    expect(config.adminTokenFile).toBe('/var/lib/budgets/admin.token');
    expect(config).toMatchObject({
      agentListen: { host: '127.0.0.1', port: 7450 },
      agentSocketMode: 0o660,
      agentSocketOwner: undefined,
      idempotencyTtlMs: 86_400_000,
      storeMapBytes: 2 ** 36,
      forcedAmountMax: 10n ** 18n,
      allowedHosts: [],
    });
  });

  test.each(SETTING_NAMES)('the default of %s is read and printed as it stands', (name) => {
    const type: ValueType<unknown> = TABLE[name].type;
    const standard = TABLE[name].default;
    expect(type.print(type.read(standard))).toBe(standard);
    expect(resolveConfig({})).toHaveProperty(fieldOf(name));
  });

  test('the bounds in force are shown as they would be written', () => {
    const limits = limitsInForce(resolveConfig({ flags: { message_bytes_max: '1048576' } }));
    expect(Object.keys(limits)).toEqual(Object.keys(LIMITS));
    expect(limits).toMatchObject({ message_bytes_max: '1MiB', idempotency_ttl: '24h' });
  });
});
