import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { connect, unary } from './support/grpc.js';
import { serve } from './support/harness.js';
import type { Harness } from './support/harness.js';
import { post, talk, target } from './support/http.js';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const SPEND = '/safeguards.v1.BudgetService/Spend';
const REQUEST = { requestId: 'r-1', agentId: 'agent-1', amount: '10' };

/** Whatever was done to it, the server still answers both kinds of clients. */
async function isAlive({ agent }: Harness): Promise<void> {
  const client = connect(agent);
  await expect(unary(client, BudgetService.method.spend, REQUEST)).resolves.toMatchObject({
    grantedAmount: '10',
  });
  expect((await post(agent, SPEND, REQUEST)).status).toBe(200);
}

describe('bytes that are no protocol', () => {
  test.each([
    ['a line of text', 'hello\r\n\r\n'],
    ['a TLS hello', Buffer.from('16030100c8010000c40303', 'hex')],
    ['a preface that goes wrong', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'],
    ['random bytes', Buffer.concat([Buffer.from([0]), randomBytes(4_000)])],
    ['headers without end', `GET / HTTP/1.1\r\nhost: a\r\n${'x: y\r\n'.repeat(10_000)}`],
    ['one long header', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(100_000)}`],
    ['no Host', `POST ${SPEND} HTTP/1.1\r\n\r\n`],
    ['HTTP/0.9', 'GET /\r\n\r\n'],
    [
      'two lengths',
      `POST ${SPEND} HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n`,
    ],
  ])('are answered with an error and closed: %s', async (_name, bytes) => {
    const server = await serve();
    expect(await talk(server.agent, bytes)).toMatch(/^HTTP\/1\.1 4\d\d /);
    await isAlive(server);
  });

  test('after the preface close the connection', async () => {
    const server = await serve();
    await talk(server.agent, PREFACE, randomBytes(4_000));
    await isAlive(server);
  });
});

describe('requests that lead nowhere', () => {
  test.each([
    ['CONNECT', 'CONNECT example.com:80 HTTP/1.1\r\nhost: localhost\r\n\r\n'],
    ['an empty Host', 'POST / HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n'],
    [
      'an absolute target',
      'POST http://[:/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
    ],
    ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'],
    [
      'a GET of a method',
      `GET ${SPEND}?message=x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
    ],
    [
      'a strange query',
      `POST ${SPEND}?//[:@ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
    ],
    [
      'a wrong type',
      `POST ${SPEND} HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n`,
    ],
    [
      'gRPC without HTTP/2',
      `POST ${SPEND} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/grpc\r\nconnection: close\r\n\r\n`,
    ],
    [
      'an upgrade',
      'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n',
    ],
  ])('are refused: %s', async (_name, text) => {
    const server = await serve();
    expect(await talk(server.agent, text)).not.toMatch(/^HTTP\/1\.1 2/);
    await isAlive(server);
  });

  test('over HTTP/2 are answered whatever their path or type', async () => {
    const server = await serve();
    const session = connectHttp2(`http://${server.agent}`);
    session.on('error', () => undefined);
    onTestFinished(() => session.destroy());
    const grpc = 'application/grpc';
    expect(await status(session, '/x/y', 'text/plain')).toBe(415);
    expect(await status(session, SPEND, 'application/json')).toBe(415);
    for (const path of ['/x/y', '/', '/%', '/%zz', '/a?b#c', '/\u00e9', `/${'x'.repeat(8_000)}`]) {
      const answered = status(session, path, grpc).catch((error: unknown) => String(error));
      expect([200, 'Error: Stream closed with error code NGHTTP2_PROTOCOL_ERROR']).toContain(
        await answered,
      );
    }
    expect(await status(session, SPEND, grpc, { 'grpc-timeout': 'soon' })).toBe(200);
    expect(await status(session, SPEND, grpc, { 'grpc-encoding': 'br' })).toBe(200);
    await isAlive(server);
  });

  test('over HTTP/2 may name any authority', async () => {
    const server = await serve();
    for (const authority of ['%2Ftmp%2Fa.sock', 'a b', '[', 'http://', '@', '']) {
      const session = connectHttp2(`http://${server.agent}`);
      session.on('error', () => undefined);
      await status(session, SPEND, 'application/grpc', { ':authority': authority }).catch(() => 0);
      session.destroy();
    }
    await isAlive(server);
  });
});

describe('peers that are slow or gone', () => {
  const limits = { headersTimeoutMs: 100 };

  test.each([
    ['nothing', ''],
    ['half a preface', PREFACE.slice(0, 10)],
    ['half a header', 'POST / HTTP/1.1\r\nhos'],
  ])('are closed after a while when they send %s', async (_name, text) => {
    const server = await serve({ limits });
    const { host, port } = target(server.agent);
    const socket = connectTcp(Number(port), host ?? '');
    socket.on('error', () => undefined);
    if (text !== '') socket.write(text);
    socket.resume();
    await once(socket, 'close');
    await isAlive(server);
  });

  test('are closed when they half close an HTTP/2 connection', async () => {
    const { agent } = await serve();
    const { host, port } = target(agent);
    const socket = connectTcp({ port: Number(port), host: host ?? '', allowHalfOpen: true });
    const closed = once(socket, 'end');
    socket.resume();
    socket.end(Buffer.concat([Buffer.from(PREFACE), Buffer.from('000000040000000000', 'hex')]));
    await closed;
    socket.destroy();
  });

  test('are not closed when their preface comes in pieces', async () => {
    const { agent } = await serve();
    const { host, port } = target(agent);
    const socket = connectTcp({ port: Number(port), host: host ?? '', noDelay: true });
    onTestFinished(() => void socket.destroy());
    for (const byte of PREFACE) {
      await new Promise((written) => socket.write(byte, written));
      await new Promise(setImmediate);
    }
    const [settings] = (await once(socket, 'data')) as [Buffer];
    expect(settings[3]).toBe(4);
  });

  test('leave nothing behind when they reset', async () => {
    const server = await serve({ limits: { connectionsMax: 4 } });
    for (let at = 0; at < 20; at += 1) {
      const { host, port } = target(server.agent);
      const socket = connectTcp(Number(port), host ?? '');
      await once(socket, 'connect');
      if (at % 2 === 0) socket.write(at % 4 === 0 ? PREFACE : 'PO');
      socket.resetAndDestroy();
      await once(socket, 'close');
    }
    await expect.poll(async () => (await attempt(server))?.status).toBe(200);
  });
});

test('a listener takes no more connections than it may', async () => {
  const server = await serve({ limits: { connectionsMax: 2 } });
  const { host, port } = target(server.agent);
  const open = [1, 2].map(() => connectTcp(Number(port), host ?? ''));
  await Promise.all(open.map((socket) => once(socket, 'connect')));
  expect(await talk(server.agent, 'GET / HTTP/1.1\r\n\r\n')).toBe('');
  // The other listener has room of its own.
  expect(await talk(server.admin, 'GET / HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 4/);
  for (const socket of open) socket.destroy();
  await expect.poll(async () => (await attempt(server))?.status).toBe(200);
});

test('a thousand streams that are reset at once do no harm', async () => {
  const server = await serve();
  const session = connectHttp2(`http://${server.agent}`);
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  await once(session, 'connect');
  for (let at = 0; at < 1_000 && !session.destroyed; at += 1) {
    const stream = session.request({
      ':method': 'POST',
      ':path': SPEND,
      'content-type': 'application/grpc',
    });
    stream.on('error', () => undefined);
    stream.close(8);
  }
  await isAlive(server);
});

async function attempt({ agent }: Harness) {
  return post(agent, SPEND, REQUEST).catch(() => undefined);
}

async function status(
  session: ClientHttp2Session,
  path: string,
  type: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': type,
    te: 'trailers',
    ...headers,
  });
  stream.resume();
  stream.end(Buffer.from([1, 0, 0, 0, 0]));
  const [answer] = (await once(stream, 'response')) as [Record<string, unknown>];
  return answer[':status'];
}
