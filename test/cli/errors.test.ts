import { status } from '@grpc/grpc-js';
import { once } from 'node:events';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { adviceFor } from '../../src/cli/advice.js';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { ErrorReason } from '../../src/gen/safeguards/v1/error_reason_pb.js';
import { authority, type Authority } from '../support/certificates.js';
import { hasTool } from '../support/tools.js';
import { commandLine } from './command-line.js';
import { FakeSidecar } from './fake-sidecar.js';

const { method } = BudgetService;
let fake: FakeSidecar;
beforeAll(async () => {
  fake = await FakeSidecar.start();
});
afterAll(() => fake.close());

const call = (words: string, address = fake.address) =>
  commandLine([...words.split(' '), '--address', address]);

describe('an error of the sidecar', () => {
  test('is printed with its reason, every field, and what to do', async () => {
    fake.refuse(method.spend, {
      code: status.INVALID_ARGUMENT,
      reason: 'INVALID_REQUEST',
      message: 'The request is malformed',
      metadata: { fields: 'amount and agent_id' },
      fields: [
        { field: 'amount', description: 'Write an amount' },
        { field: 'agent_id', description: 'Name the agent' },
      ],
    });
    expect(await call('spend a x')).toEqual({
      code: 1,
      out: '',
      err: [
        'INVALID_REQUEST: The request is malformed',
        '  amount: Write an amount',
        '  agent_id: Name the agent',
        'Correct what is named above.',
        '',
      ].join('\n'),
    });
  });

  test('is printed with its values and when to come back', async () => {
    fake.refuse(method.spend, {
      code: status.RESOURCE_EXHAUSTED,
      reason: 'SERVER_BUSY',
      message: 'Too much is queued',
      metadata: { queued: '10000' },
      retrySeconds: 2,
    });
    const { err } = await call('spend a 1');
    expect(err.split('\n').slice(0, 3)).toEqual([
      'SERVER_BUSY: Too much is queued',
      '  queued = 10000',
      '  come back in 2000 ms',
    ]);
  });

  test('is one JSON object with --json', async () => {
    fake.refuse(method.getBudget, {
      code: status.NOT_FOUND,
      reason: 'AGENT_NOT_FOUND',
      message: 'No such agent',
      metadata: { agent_id: 'a' },
    });
    const { code, out, err } = await call('budget get a --json');
    expect([code, out]).toEqual([1, '']);
    expect(JSON.parse(err)).toEqual({
      error: {
        code: 'NOT_FOUND',
        reason: 'AGENT_NOT_FOUND',
        message: 'No such agent',
        metadata: { agent_id: 'a' },
        fields: [],
        advice: expect.stringContaining('agent create') as string,
      },
    });
  });

  test('ends a stream the same way', async () => {
    fake.refuse(method.watchBudgets, {
      code: status.UNAVAILABLE,
      reason: 'SHUTTING_DOWN',
      message: 'The sidecar is stopping',
    });
    const { code, err } = await call('budget watch a');
    expect(code).toBe(1);
    expect(err).toContain('SHUTTING_DOWN: The sidecar is stopping');
  });
});

test('nobody there: it says so and how to start one', async () => {
  const { code, err } = await call('budget get a', '127.0.0.1:1');
  expect(code).toBe(1);
  expect(err).toContain('Nothing answers at 127.0.0.1:1.');
  expect(err).toContain('safeguards serve');
});

test('the listener of the other side: it says so', async () => {
  fake.refuse(method.getBudget, { code: status.UNIMPLEMENTED, reason: '', message: 'unknown' });
  expect((await call('budget get a')).err).toContain('Is it the listener of the other side?');
});

test.each(Object.keys(ErrorReason).filter((reason) => reason !== 'UNSPECIFIED'))(
  'there is something to do about %s',
  (reason) => {
    expect(adviceFor(reason)).toMatch(/\.$/);
  },
);

test('a missing token: it says where it looked', async () => {
  fake.refuse(BudgetAdminService.method.listPools, {
    code: status.UNAUTHENTICATED,
    reason: 'CREDENTIALS_MISSING',
    message: 'Credentials are missing',
  });
  const words = ['pool', 'list', '--admin-address', fake.address, '--data-dir', '/nowhere'];
  const { code, err } = await commandLine(words);
  expect(code).toBe(1);
  expect(err).toContain('There is no token in /nowhere/admin.token.\n');
});

test('a missing token of an agent: it names the variables of agents', async () => {
  fake.refuse(method.getBudget, {
    code: status.UNAUTHENTICATED,
    reason: 'CREDENTIALS_MISSING',
    message: 'Credentials are missing',
  });
  const { err } = await call('budget get a');
  expect(err).toContain('CREDENTIALS_MISSING: Credentials are missing\n');
  expect(err).toContain('--token-file, SAFEGUARDS_TOKEN_FILE or SAFEGUARDS_TOKEN.');
  expect(err).not.toContain('ADMIN');
});

test('advice on open reservations names a command that has the flag', () => {
  expect(adviceFor('AGENT_HAS_RESERVATIONS')).toContain('"agent delete AGENT --release-res');
});

describe.skipIf(!hasTool('openssl', 'openssl', ['version']))('a connection over TLS', () => {
  // Node warns once a process, so of the first of these connections.
  const warnings: string[] = [];
  const warned = ({ message }: Error) => void warnings.push(message);
  beforeAll(() => void process.on('warning', warned));
  afterAll(() => void process.off('warning', warned));

  /** A server with a certificate; it answers nothing but the handshake. */
  async function listening(ca: Authority, host = '127.0.0.1'): Promise<number> {
    const { certificate: cert, key } = ca.server();
    const server = createSecureServer({ cert, key });
    server.on('tlsClientError', (_error, socket: Socket) => void socket.destroy());
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' },
        { endStream: true },
      );
    });
    server.listen(0, host);
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    return (server.address() as AddressInfo).port;
  }

  test('to who is not trusted: it names --tls-ca', async () => {
    const port = await listening(authority('this'));
    const { certificateFile } = authority('that');
    const { err } = await call(`budget get a --tls-ca ${certificateFile}`, `127.0.0.1:${port}`);
    expect(err).toContain('is not trusted: name that of its authority');
    expect(err).toContain('--tls-ca');
    expect(err).not.toMatch(/Resolution note|Nothing answers/);
  });

  test('in plain text: it names --tls-ca', async () => {
    const { err } = await call('budget get a', `127.0.0.1:${await listening(authority())}`);
    expect(err).toContain('If it speaks TLS, name the authority of its certificate with --tls-ca');
  });

  test('to who speaks plain text: it says to leave --tls-ca out', async () => {
    const { err } = await call(`budget get a --tls-ca ${authority().certificateFile}`);
    expect(err).toContain('does not speak TLS: leave --tls-ca');
    expect(err).not.toContain('.c:');
  });

  test('by an address: the certificate is held against it, without a warning of Node', async () => {
    const ca = authority();
    const port = await listening(ca);
    const flags = `budget get a --tls-ca ${ca.certificateFile}`;
    expect((await call(flags, `127.0.0.1:${port}`)).err).toContain('does not offer this call');
    expect((await call(flags, `127.0.0.1:${port}`)).err).not.toContain('altnames');
    expect(warnings).toEqual([]);
  });

  test('to another name: it says so', async () => {
    const ca = authority();
    const port = await listening(ca, '127.0.0.2');
    const flags = `budget get a --tls-ca ${ca.certificateFile}`;
    // 127.0.0.2 is this host too, and no name of the certificate.
    const { err } = await call(flags, `127.0.0.2:${port}`);
    expect(err).toContain('The certificate is of other names: say one of them with --address');
  });
});
