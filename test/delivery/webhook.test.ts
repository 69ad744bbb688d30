import { createHmac } from 'node:crypto';
import net, { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createWebhookSender, type WebhookOptions } from '../../src/delivery/webhook.js';
import type { HostAddress } from '../../src/delivery/lookup.js';
import type { SendResult } from '../../src/delivery/send-result.js';
import { PUBLIC_ONLY } from '../../src/domain/notification/address-policy.js';
import { T0 } from '../fakes/manual-time.js';
import { TEST_CERTIFICATE } from './certificate.js';
import { respond, startReceiver, type Answer, type Receiver } from './receiver.js';

const ALLOW_LOCAL = { privateAddressesAllowed: false, allowedRanges: ['127.0.0.0/8'] };
const BODY = '{"message":"ä"}';
const SECRET = 'sixteen-characters-and-more';
const PATH = '/services/T0/hunter2';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function receive(answer: Answer, secure = false): Promise<Receiver> {
  const receiver = await startReceiver(answer, { secure });
  closing.push(() => receiver.close());
  return receiver;
}

function senderWith(options: Partial<WebhookOptions> = {}) {
  const sender = createWebhookSender({
    policy: ALLOW_LOCAL,
    now: () => T0,
    version: '1.2.3',
    ...options,
  });
  closing.push(() => sender.close());
  return (url: string, post = {}, signal = new AbortController().signal) =>
    sender.send(
      {
        url,
        headers: [],
        secrets: [],
        contentType: 'application/json',
        body: Buffer.from(BODY),
        deliveryId: 'd-1',
        sequence: 7,
        ...post,
      },
      signal,
    );
}

const urlOf = ({ port }: { port: number }, host = '127.0.0.1', scheme = 'http') =>
  `${scheme}://${host}:${port}${PATH}`;

const limits = (over: object) => ({
  totalMsMax: 10_000,
  connectMsMax: 3_000,
  bodyMsMax: 1_000,
  bodyBytesMax: 4_096,
  ...over,
});

const none = { status: 0, excerpt: '' };
const retried = (reason: string): SendResult => ({
  kind: 'RETRY',
  ...none,
  reason,
  retryAfterMs: undefined,
});

describe('a webhook', () => {
  test('posts the body with everything a receiver needs', async () => {
    const receiver = await receive(respond(200, 'ok'));
    const headers = [{ name: 'Authorization', value: 'Bearer abcdef' }];
    const result = await senderWith()(urlOf(receiver), {
      headers,
      secrets: [SECRET, 'b' + SECRET],
    });
    expect(result).toEqual({ kind: 'DELIVERED', status: 200, excerpt: 'ok' });
    const [request] = receiver.received;
    expect(request).toMatchObject({ method: 'POST', path: PATH, body: BODY });
    const v1 = (secret: string) =>
      createHmac('sha256', secret)
        .update(`${T0 / 1_000}.${BODY}`)
        .digest('hex');
    expect(request?.headers).toEqual({
      host: `127.0.0.1:${receiver.port}`,
      connection: 'keep-alive',
      authorization: 'Bearer abcdef',
      'content-type': 'application/json',
      'content-length': '16',
      'user-agent': 'safeguards/1.2.3',
      'safeguards-delivery': 'd-1',
      'safeguards-event-sequence': '7',
      'safeguards-signature': `t=${T0 / 1_000},v1=${v1(SECRET)},v1=${v1('b' + SECRET)}`,
    });
  });

  test('is not signed without a secret, and says that text is UTF-8', async () => {
    const receiver = await receive(respond(204));
    await senderWith()(urlOf(receiver), { contentType: 'text/plain' });
    const headers = receiver.received[0]?.headers;
    expect(headers?.['content-type']).toBe('text/plain; charset=utf-8');
    expect(headers).not.toHaveProperty('safeguards-signature');
  });

  test('uses a connection again, and another one when the server had closed it', async () => {
    const receiver = await receive((response, { socket }, number) => {
      // The second request on the connection finds it reset.
      if (number === 2) socket.resetAndDestroy();
      else response.end('ok');
    });
    const send = senderWith();
    await send(urlOf(receiver));
    expect(receiver.connections()).toBe(1);
    expect(await send(urlOf(receiver))).toEqual({ kind: 'DELIVERED', status: 200, excerpt: 'ok' });
    expect(receiver.received.map(({ headers }) => headers['safeguards-delivery'])).toEqual([
      'd-1',
      'd-1',
      'd-1',
    ]);
    expect(receiver.connections()).toBe(2);
  });
});

describe('an answer', () => {
  test('500 is tried again, and 200 then delivers', async () => {
    const receiver = await receive((response, request, number) =>
      respond(number === 1 ? 500 : 200, 'oops\n at line 1')(response, request, number),
    );
    const send = senderWith();
    expect(await send(urlOf(receiver))).toEqual({
      kind: 'RETRY',
      status: 500,
      excerpt: 'oops at line 1',
      reason: 'answered with status 500',
      retryAfterMs: undefined,
    });
    expect(await send(urlOf(receiver))).toMatchObject({ kind: 'DELIVERED', status: 200 });
  });

  test('429 says when to come back', async () => {
    const receiver = await receive(respond(429, '', { 'Retry-After': '30' }));
    expect(await senderWith()(urlOf(receiver))).toMatchObject({ retryAfterMs: 30_000 });
  });

  test('a redirect is not followed', async () => {
    const elsewhere = await receive(respond(200));
    const receiver = await receive(respond(307, '', { Location: urlOf(elsewhere) }));
    expect(await senderWith()(urlOf(receiver))).toEqual({
      kind: 'REFUSED',
      status: 307,
      excerpt: '',
      reason: 'answered with status 307; redirects are not followed, so give the URL they lead to',
    });
    expect(elsewhere.received).toEqual([]);
  });

  test('404 is a dead letter', async () => {
    const receiver = await receive(respond(404, 'no_team'));
    expect(await senderWith()(urlOf(receiver))).toEqual({
      kind: 'REFUSED',
      status: 404,
      excerpt: 'no_team',
      reason: 'answered with status 404',
    });
  });

  test('that never ends is cut, and the connection with it', async () => {
    let closed: Promise<unknown> | undefined;
    const receiver = await receive((response, { socket }) => {
      closed = new Promise((resolve) => socket.once('close', resolve));
      response.writeHead(200);
      const pour = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', pour);
      pour();
    });
    const send = senderWith({ limits: limits({ bodyMsMax: 600_000 }) });
    const result = await send(urlOf(receiver));
    expect(result).toEqual({ kind: 'DELIVERED', status: 200, excerpt: 'x'.repeat(256) });
    await closed;
  });

  test('that hangs within its body counts by its status', async () => {
    const receiver = await receive((response) => {
      response.writeHead(503, { 'Retry-After': '1' });
      response.write('wait');
    });
    const send = senderWith({ limits: limits({ bodyMsMax: 20 }) });
    expect(await send(urlOf(receiver))).toMatchObject({
      kind: 'RETRY',
      status: 503,
      excerpt: 'wait',
      retryAfterMs: 1_000,
    });
  });

  test('that repeats the request shows none of its secrets', async () => {
    const receiver = await receive((response, { headers, path }) => {
      response.writeHead(400);
      const url = `http://${headers.host ?? ''}${path}`;
      response.end(
        JSON.stringify({ url, path, auth: headers.authorization, SECRET }) + path.slice(0, 15),
      );
    });
    const headers = [{ name: 'Authorization', value: 'Bearer "abcdef"' }];
    const { excerpt } = await senderWith()(urlOf(receiver), { headers, secrets: [SECRET] });
    expect(excerpt).toBe(
      '{"url":"[redacted]","path":"[redacted]","auth":"[redacted]","SECRET":"[redacted]"}[redacted]',
    );
  });

  test('that repeats a part of the path shows no token in the middle of it', async () => {
    const receiver = await receive((response, { path }) => {
      response.writeHead(404);
      response.end(`no route for ${path.slice(1)}`);
    });
    const url = urlOf(receiver).replace(/\/[^/]*$/, '/bot123456:AAbbCCddEEff/sendMessage');
    const { excerpt } = await senderWith()(url);
    expect(excerpt).not.toContain('AAbbCCddEEff');
  });
});

describe('no answer', () => {
  test('from a server that hangs: tried again', async () => {
    const receiver = await receive(() => undefined);
    const send = senderWith({ limits: limits({ totalMsMax: 50 }) });
    expect(await send(urlOf(receiver))).toEqual(retried('no answer within 50 ms'));
  });

  test('from a name server that hangs: no connection in time', async () => {
    const send = senderWith({
      limits: limits({ connectMsMax: 50 }),
      resolve: () => new Promise(() => undefined),
    });
    expect(await send('http://hooks.test/')).toEqual(retried('no connection within 50 ms'));
  });

  test('from a server that accepts and does not shake hands: no connection in time', async () => {
    const silent = net.createServer((socket) => void closing.push(() => socket.destroy()));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    closing.unshift(() => silent.close());
    const send = senderWith({ limits: limits({ connectMsMax: 50 }) });
    const url = urlOf(silent.address() as AddressInfo, '127.0.0.1', 'https');
    expect(await send(url)).toEqual(retried('no connection within 50 ms'));
  });

  test('since the connection is reset: tried again', async () => {
    const receiver = await receive((_response, { socket }) => void socket.resetAndDestroy());
    expect(await senderWith()(urlOf(receiver))).toEqual(
      retried('the connection was reset (ECONNRESET)'),
    );
  });

  test('since nobody listens: tried again', async () => {
    const receiver = await startReceiver(respond(200));
    await receiver.close();
    expect(await senderWith()(urlOf(receiver))).toEqual(
      retried('nobody listens there (ECONNREFUSED)'),
    );
  });

  test('since the name has no address: tried again', async () => {
    const error = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
    const resolve = () => Promise.reject(error);
    expect(await senderWith({ resolve })('http://hooks.test/')).toEqual(
      retried('the name of the host has no address (ENOTFOUND)'),
    );
    expect(await senderWith({ resolve: async () => [] })('http://hooks.test/')).toEqual(
      retried('the name of the host has no address (ENOTFOUND)'),
    );
  });

  test('that is HTTP: tried again', async () => {
    const babbler = net.createServer((socket) => socket.end('hello\r\n\r\n'));
    await new Promise<void>((resolve) => babbler.listen(0, '127.0.0.1', resolve));
    closing.push(() => babbler.close());
    const result = await senderWith()(urlOf(babbler.address() as AddressInfo));
    expect(result).toEqual(retried('the request failed (HPE_INVALID_CONSTANT)'));
  });

  test('because the sidecar stops: abandoned at once, before and while', async () => {
    const stop = new AbortController();
    const receiver = await receive(() => stop.abort());
    const send = senderWith();
    const abandoned = retried('abandoned since the sidecar stops');
    expect(await send(urlOf(receiver), {}, stop.signal)).toEqual(abandoned);
    expect(await send(urlOf(receiver), {}, stop.signal)).toEqual(abandoned);
    expect(receiver.received).toHaveLength(1);
  });

  test('because a header cannot be sent: a dead letter, not an exception', async () => {
    const receiver = await receive(respond(200));
    const headers = [{ name: 'x', value: 'a\r\nb' }];
    expect(await senderWith()(urlOf(receiver), { headers })).toEqual({
      kind: 'REFUSED',
      ...none,
      reason: 'a header has a character that cannot be sent; correct the headers',
    });
  });
});

describe('TLS', () => {
  const resolve = async () => [{ address: '127.0.0.1', family: 4 }];

  test('a certificate that nobody vouches for is not accepted', async () => {
    const receiver = await receive(respond(200), true);
    const send = senderWith({ resolve });
    for (const host of ['127.0.0.1', 'hooks.test']) {
      expect(await send(urlOf(receiver, host, 'https'))).toEqual(
        retried(
          'the certificate is not trusted; have it issued by a known authority, or name its ' +
            'authority in NODE_EXTRA_CA_CERTS (DEPTH_ZERO_SELF_SIGNED_CERT)',
        ),
      );
    }
    expect(receiver.received).toEqual([]);
  });

  test('one that is vouched for is, but not for another host', async () => {
    const receiver = await receive(respond(200), true);
    const send = senderWith({ resolve, ca: [TEST_CERTIFICATE] });
    expect(await send(urlOf(receiver, 'hooks.test', 'https'))).toMatchObject({ status: 200 });
    expect(await send(urlOf(receiver, 'other.test', 'https'))).toEqual(
      retried('the certificate is of another host (ERR_TLS_CERT_ALTNAME_INVALID)'),
    );
    expect(receiver.received).toHaveLength(1);
  });
});

describe('an address that nothing may be sent to', () => {
  const advice =
    'set webhook_private_addresses or webhook_allowed_ranges if it is meant to be reached';

  test.each(['127.0.0.1', '0x7f000001', '127.1', '[::ffff:127.0.0.1]', 'localhost'])(
    '%s in the URL is not called',
    async (host) => {
      const receiver = await receive(respond(200));
      const send = senderWith({ policy: PUBLIC_ONLY });
      expect(await send(urlOf(receiver, host))).toEqual({
        kind: 'REFUSED',
        ...none,
        reason: `the URL names a loopback address; ${advice}`,
      });
      expect(receiver.connections()).toBe(0);
    },
  );

  test.each<[string, readonly HostAddress[]]>([
    ['alone', [{ address: '127.0.0.1', family: 4 }]],
    [
      'among public ones',
      [
        { address: '127.0.0.1', family: 4 },
        { address: '93.184.215.14', family: 4 },
      ],
    ],
    [
      'behind public ones',
      [
        { address: '93.184.215.14', family: 4 },
        { address: '::ffff:127.0.0.1', family: 6 },
      ],
    ],
  ])('%s behind a name is not called', async (_where, addresses) => {
    const receiver = await receive(respond(200));
    const send = senderWith({ policy: PUBLIC_ONLY, resolve: async () => addresses });
    expect(await send(urlOf(receiver, 'hooks.test'))).toEqual({
      kind: 'REFUSED',
      ...none,
      reason: `the name of the host leads to a loopback address; ${advice}`,
    });
    expect(receiver.connections()).toBe(0);
  });

  test('cannot be slipped in between judging and connecting', async () => {
    // The name leads to the allowed address when asked first and to another one ever after.
    const allowed = await receive(respond(200, 'allowed'));
    let asked = 0;
    const resolve = async () => {
      asked += 1;
      return [{ address: asked === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }];
    };
    const policy = { privateAddressesAllowed: false, allowedRanges: ['127.0.0.1/32'] };
    const send = senderWith({ policy, resolve });
    expect(await send(urlOf(allowed, 'hooks.test'))).toMatchObject({ excerpt: 'allowed' });
    expect(asked).toBe(1);
    // The second one uses the connection that was judged; a new one is judged anew.
    expect(await send(urlOf(allowed, 'hooks.test'))).toMatchObject({ excerpt: 'allowed' });
    expect(asked).toBe(1);
    const fresh = senderWith({ policy, resolve });
    expect(await fresh(urlOf(allowed, 'hooks.test'))).toMatchObject({ kind: 'REFUSED' });
    expect(asked).toBe(2);
  });
});
