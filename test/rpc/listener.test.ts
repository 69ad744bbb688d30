import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { formatAddress, parseAddress } from '../../src/rpc/address.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { connect, unary } from './support/grpc.js';
import { serve } from './support/harness.js';
import { post } from './support/http.js';

const SPEND = '/safeguards.v1.BudgetService/Spend';
const REQUEST = { requestId: 'r-1', agentId: 'agent-1', amount: '10' };

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'safeguards-rpc-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A socket file whose server is gone, as a killed process leaves it. */
async function staleSocket(file: string): Promise<void> {
  const server = createServer().listen(`${file}.first`);
  await once(server, 'listening');
  renameSync(`${file}.first`, file);
  server.close();
  await once(server, 'close');
}

describe('a Unix socket', () => {
  test('serves gRPC and HTTP/1.1, whatever name they give', async () => {
    const address = `unix:${folder()}/agent.sock`;
    const { agent } = await serve({ listeners: [{ trust: 'agent', address }] });
    expect(agent).toBe(address);
    // Clients on the C core of gRPC send the path of the socket, percent-encoded.
    const authority = encodeURIComponent(address.slice(5));
    const client = connect(agent, { 'grpc.default_authority': authority });
    await expect(unary(client, BudgetService.method.spend, REQUEST)).resolves.toMatchObject({
      grantedAmount: '10',
    });
    for (const host of [authority, 'evil.example.com', '[']) {
      expect((await post(agent, SPEND, REQUEST, { host })).status).toBe(200);
    }
  });

  test('has the permissions it was given', async () => {
    const file = `${folder()}/agent.sock`;
    const listeners = [{ trust: 'agent', address: `unix:${file}`, socketMode: 0o600 }] as const;
    await serve({ listeners });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test.skipIf(process.getuid?.() !== 0)('belongs to whom it was given', async () => {
    const file = `${folder()}/agent.sock`;
    const socketOwner = { uid: 4_321, gid: 1_234 };
    await serve({ listeners: [{ trust: 'agent', address: `unix:${file}`, socketOwner }] });
    expect(statSync(file)).toMatchObject(socketOwner);
  });

  test.skipIf(process.getuid?.() === 0)('that cannot be given away is not served', async () => {
    const file = `${folder()}/agent.sock`;
    const socketOwner = { uid: 0, gid: 0 };
    await expect(
      serve({ listeners: [{ trust: 'agent', address: `unix:${file}`, socketOwner }] }),
    ).rejects.toThrow(/cannot be given to 0:0. Run as root/);
    expect(() => statSync(file)).toThrow('ENOENT');
  });

  test('of a process that died is taken over', async () => {
    const file = `${folder()}/agent.sock`;
    await staleSocket(file);
    const { agent } = await serve({ listeners: [{ trust: 'agent', address: `unix:${file}` }] });
    expect((await post(agent, SPEND, REQUEST)).status).toBe(200);
  });

  test('of a process that lives is not', async () => {
    const listeners = [{ trust: 'agent', address: `unix:${folder()}/agent.sock` }] as const;
    const { agent } = await serve({ listeners });
    await expect(serve({ listeners })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message:
        `${listeners[0].address} cannot be listened on: another process listens there. Stop that ` +
        'one, or choose another path with --agent-socket (SAFEGUARDS_AGENT_SOCKET).',
    });
    expect((await post(agent, SPEND, REQUEST)).status).toBe(200);
  });

  test('does not replace a file', async () => {
    const file = `${folder()}/notes.txt`;
    writeFileSync(file, 'mine');
    await expect(
      serve({ listeners: [{ trust: 'agent', address: `unix:${file}` }] }),
    ).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: expect.stringContaining('what stands there is no socket') as string,
    });
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  test.each([
    ['in a folder that is not there', () => `${folder()}/none/agent.sock`, /Make the folder/],
    ['in a file', () => path.join(import.meta.filename, 'agent.sock'), /Make the folder/],
    ['of a path that is too long', () => `${folder()}/${'x'.repeat(120)}`, /at most 103 bytes/],
  ])('%s cannot be had, and says what to do', async (_name, file, advice) => {
    const listeners = [{ trust: 'agent', address: `unix:${file()}` }] as const;
    const failed = await serve({ listeners }).catch((error: unknown) => error);
    expect(String(failed)).toMatch(advice);
    expect(String(failed)).toContain('--agent-socket (SAFEGUARDS_AGENT_SOCKET)');
  });

  test('is gone when the server is', async () => {
    const file = `${folder()}/agent.sock`;
    const server = await serve({ listeners: [{ trust: 'agent', address: `unix:${file}` }] });
    await server.close({ graceMs: 0 });
    expect(() => statSync(file)).toThrow('ENOENT');
  });
});

test('when one address cannot be had, none is kept', async () => {
  const file = `unix:${folder()}/agent.sock`;
  const { agent } = await serve({ listeners: [{ trust: 'agent', address: '127.0.0.1:0' }] });
  await expect(
    serve({
      listeners: [
        { trust: 'agent', address: file },
        { trust: 'admin', address: agent },
      ],
    }),
  ).rejects.toMatchObject({
    code: 'EADDRINUSE',
    message: expect.stringContaining('another port with --admin-listen') as string,
  });
  expect(() => statSync(file.slice(5))).toThrow('ENOENT');
});

test.each([
  [
    'agent',
    'taken',
    /another process listens there.*--agent-listen \(SAFEGUARDS_AGENT_LISTEN\)\.$/,
  ],
  [
    'admin',
    'taken',
    /another process listens there.*--admin-listen \(SAFEGUARDS_ADMIN_LISTEN\)\.$/,
  ],
  ['agent', '192.0.2.1:0', /^192\.0\.2\.1:0 .* no address of this host.*--agent-listen/],
] as const)(
  'the %s address %s cannot be had: it says so, and what to set',
  async (trust, at, said) => {
    const { agent } = await serve({ listeners: [{ trust: 'agent', address: '127.0.0.1:0' }] });
    const address = at === 'taken' ? agent : at;
    await expect(serve({ listeners: [{ trust, address }] })).rejects.toThrow(said);
  },
);

describe('an address', () => {
  test.each(['127.0.0.1:7450', 'localhost:0', '[::1]:65535', 'unix:/run/safeguards/agent.sock'])(
    '%s is read and printed',
    (text) => {
      expect(formatAddress(parseAddress(text))).toBe(text);
    },
  );

  test.each([
    '7450',
    ':7450',
    'localhost',
    'localhost:65536',
    'unix:relative',
    'unix:',
    '::1:7450',
  ])('%s is none', (text) => {
    expect(() => parseAddress(text)).toThrow('not an address');
  });
});
