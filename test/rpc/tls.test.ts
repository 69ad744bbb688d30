import { connect as connectTcp } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { Health } from '../../src/gen/grpc/health/v1/health_pb.js';
import { alternatives } from '../../src/rpc/peer.js';
import { authority } from '../support/certificates.js';
import type { Authority, Certificate } from '../support/certificates.js';
import { hasTool } from '../support/tools.js';
import { failing, serverStream, unary } from './support/grpc.js';
import { serve } from './support/harness.js';
import { post, target } from './support/http.js';
import { connectTls, handshake, postTls } from './support/tls.js';
import { fakeLedger } from './support/fake-ledger.js';
import { ledgerOfTwo, principal } from './support/principals.js';
import { agent, pool, FULL } from './support/rows.js';

const isHere = hasTool('openssl', 'openssl', ['version']);

const SPEND = '/safeguards.v1.BudgetService/Spend';
const REQUEST = { requestId: 'r-1', agentId: 'agent-1', amount: '10' };

const materialOf = (own: Certificate, clients?: Authority) => ({
  certificate: own.certificate,
  key: own.key,
  clientCa: clients?.certificate,
});

/** An agent listener over TLS; clients show a certificate where an authority of theirs is given. */
async function served(ca: Authority, clients?: Authority) {
  const tls = materialOf(ca.server(), clients);
  return serve({ listeners: [{ trust: 'agent', address: '127.0.0.1:0', tls }] });
}

describe.skipIf(!isHere)('a listener with a certificate', () => {
  test('speaks gRPC and JSON on one port', async () => {
    const ca = authority();
    const { agent: address } = await served(ca);
    await expect(
      unary(connectTls(address, { ca }), BudgetService.method.spend, REQUEST),
    ).resolves.toMatchObject({ grantedAmount: '10' });
    const { status, json } = await postTls(address, SPEND, REQUEST, { ca });
    expect([status, json]).toEqual([200, expect.objectContaining({ grantedAmount: '10' })]);
  });

  test('prefers HTTP/1.1 where a client offers both, and takes h2 alone', async () => {
    const ca = authority();
    const { agent: address } = await served(ca);
    const chosen = async (...protocols: string[]) =>
      (await handshake(address, { ca }, { protocols })).alpnProtocol;
    expect(await chosen('h2', 'http/1.1')).toBe('http/1.1');
    expect(await chosen('h2')).toBe('h2');
    expect(await chosen()).toBe(false);
  });

  test('speaks TLS 1.2 and nothing older', async () => {
    const ca = authority();
    const { agent: address } = await served(ca);
    const newest = await handshake(address, { ca }, { versionMax: 'TLSv1.2' });
    expect(newest.getProtocol()).toBe('TLSv1.2');
    await expect(handshake(address, { ca }, { versionMax: 'TLSv1.1' })).rejects.toThrow();
  });

  test('does not answer who speaks without', async () => {
    const ca = authority();
    const { agent: address } = await served(ca);
    await expect(post(address, SPEND, REQUEST)).rejects.toThrow();
    // The listener is as well as before.
    expect((await postTls(address, SPEND, REQUEST, { ca })).status).toBe(200);
  });

  test('gives up on who connects and says nothing', async () => {
    const ca = authority();
    const tls = materialOf(ca.server());
    const { agent: address } = await serve({
      listeners: [{ trust: 'agent', address: '127.0.0.1:0', tls }],
      limits: { headersTimeoutMs: 50 },
    });
    const { host, port } = target(address);
    const socket = connectTcp(Number(port), host ?? '');
    onTestFinished(() => void socket.destroy());
    await new Promise((resolve) => socket.once('close', resolve));
    const silent = await handshake(address, { ca });
    await new Promise((resolve) => silent.once('close', resolve));
  });

  test('takes another one while it serves: new connections see it, old ones go on', async () => {
    const [before, after] = [authority('before'), authority('after')];
    const ledger = fakeLedger({
      async *watchBudgets(_selection, _ms, signal) {
        yield { kind: 'BUDGET', agent: agent(), pool: pool(), level: FULL };
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    });
    const tls = materialOf(before.server());
    const server = await serve({
      ledger,
      listeners: [{ trust: 'agent', address: '127.0.0.1:0', tls }],
    });
    const old = connectTls(server.agent, { ca: before });
    const watch = serverStream(old, BudgetService.method.watchBudgets, { agentIds: ['agent-1'] });
    const seen = new Promise((resolve) => watch.once('data', resolve));
    let ended = false;
    watch.on('error', () => (ended = true));
    await seen;
    server.setTls('agent', materialOf(after.server()));
    await expect(
      unary(connectTls(server.agent, { ca: after }), BudgetService.method.spend, REQUEST),
    ).resolves.toMatchObject({ grantedAmount: '10' });
    await expect(handshake(server.agent, { ca: before })).rejects.toThrow();
    await expect(unary(old, BudgetService.method.spend, REQUEST)).resolves.toMatchObject({
      grantedAmount: '10',
    });
    expect(ended).toBe(false);
    watch.cancel();
  });
});

describe.skipIf(!isHere)('a listener that asks clients for certificates', () => {
  test('takes those of its authority, over gRPC and HTTPS', async () => {
    const [ca, clients] = [authority(), authority('clients')];
    const { agent: address } = await served(ca, clients);
    const own = clients.client('worker');
    await expect(
      unary(connectTls(address, { ca, own }), BudgetService.method.spend, REQUEST),
    ).resolves.toMatchObject({ grantedAmount: '10' });
    expect((await postTls(address, SPEND, REQUEST, { ca, own })).status).toBe(200);
  });

  test('refuses those of another, and who shows none', async () => {
    const [ca, clients, others] = [authority(), authority('clients'), authority('others')];
    const { agent: address } = await served(ca, clients);
    for (const own of [undefined, others.client('worker')]) {
      const tls = { ca, ...(own && { own }) };
      await expect(postTls(address, SPEND, REQUEST, tls)).rejects.toThrow();
      const failure = await failing(
        connectTls(address, tls),
        BudgetService.method.spend,
        REQUEST,
        undefined,
        { deadline: Date.now() + 10_000 },
      );
      expect(failure.code).toBe('UNAVAILABLE');
    }
  });

  test('takes another authority while it serves', async () => {
    const [ca, before, after] = [authority(), authority('before'), authority('after')];
    const own = ca.server();
    const server = await serve({
      listeners: [{ trust: 'agent', address: '127.0.0.1:0', tls: materialOf(own, before) }],
    });
    server.setTls('agent', materialOf(own, after));
    const call = (client: Certificate) =>
      postTls(server.agent, SPEND, REQUEST, { ca, own: client });
    expect((await call(after.client('worker'))).status).toBe(200);
    await expect(call(before.client('worker'))).rejects.toThrow();
  });
});

describe.skipIf(!isHere)('a certificate that a principal names', () => {
  const budget = '/safeguards.v1.BudgetService/GetBudget';

  test('is the principal, over gRPC and HTTPS, for its own agents only', async () => {
    const [ca, clients] = [authority(), authority('clients')];
    const spiffe = 'spiffe://example.org/team-a';
    const known = principal('agent', { digests: [], certificates: [`uri:${spiffe}`] });
    const server = await serve({
      ledger: ledgerOfTwo(),
      asks: { agent: 'PRINCIPALS', admin: 'PRINCIPALS' },
      credentials: [known],
      listeners: [
        { trust: 'agent', address: '127.0.0.1:0', tls: materialOf(ca.server(), clients) },
      ],
    });
    const own = clients.client('worker', `URI:${spiffe}`);
    const stranger = clients.client('stranger', 'URI:spiffe://example.org/team-b');
    const overGrpc = async (certificate: Certificate, agentId: string) => {
      const client = connectTls(server.agent, { ca, own: certificate });
      // More than one call a connection: the certificate is read once.
      await unary(client, Health.method.check, {});
      return unary(client, BudgetService.method.getBudget, { agentId }).then(
        () => 'OK',
        (failure: unknown) => (failure as { readonly reason: string }).reason,
      );
    };
    const overHttps = async (certificate: Certificate, agentId: string) => {
      const tls = { ca, own: certificate };
      return (await postTls(server.agent, budget, { agentId }, tls)).status;
    };
    expect(await overGrpc(own, 'team-a/one')).toBe('OK');
    expect(await overGrpc(own, 'team-b/two')).toBe('NOT_PERMITTED');
    expect(await overGrpc(stranger, 'team-a/one')).toBe('CREDENTIALS_INVALID');
    expect(await overHttps(own, 'team-a/one')).toBe(200);
    expect(await overHttps(own, 'team-b/two')).toBe(403);
    expect(await overHttps(stranger, 'team-a/one')).toBe(401);
  });
});

describe('the alternative names of a certificate', () => {
  test.each([
    ['', []],
    ['DNS:a.example.org', [['DNS', 'a.example.org']]],
    [
      'URI:spiffe://example.org/a, DNS:b, IP Address:127.0.0.1',
      [
        ['URI', 'spiffe://example.org/a'],
        ['DNS', 'b'],
        ['IP Address', '127.0.0.1'],
      ],
    ],
    // A name that holds what looks like another stays one name.
    [
      String.raw`URI:"a, URI:spiffe://example.org/admin"`,
      [['URI', 'a, URI:spiffe://example.org/admin']],
    ],
    ['URI:a,URI:b', []],
    ['URI:"a', []],
  ])('of %j are %j', (text, names) => {
    expect(alternatives(text)).toEqual(names);
  });
});
