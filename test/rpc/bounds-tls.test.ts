/** The bounds of a listener hold over TLS too: before the handshake, in it and after it. */
import { create, toBinary } from '@bufbuild/protobuf';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  BudgetService,
  SpendRequestSchema,
} from '../../src/gen/safeguards/v1/budget_service_pb.js';
import type { RpcLimits } from '../../src/rpc/limits.js';
import { authority } from '../support/certificates.js';
import { dialTls, dialTo, type Dial } from '../support/dial.js';
import { FRAME, PREFACE, RawPeer, call, data, frame, message } from '../support/http2-frames.js';
import { hasTool } from '../support/tools.js';
import { deferred } from './support/deferred.js';
import { fakeLedger } from './support/fake-ledger.js';
import { failing, unary } from './support/grpc.js';
import { serve } from './support/harness.js';
import { outcome } from './support/rows.js';
import { connectTls } from './support/tls.js';

const isHere = hasTool('openssl', 'openssl', ['version']);

const { spend } = BudgetService.method;
const SPEND = '/safeguards.v1.BudgetService/Spend';
/** The code of gRPC. */
const RESOURCE_EXHAUSTED = '8';
const REQUEST = { requestId: 'r-1', agentId: 'agent-1', amount: '10' };
const SPENT = message(
  Buffer.from(toBinary(SpendRequestSchema, create(SpendRequestSchema, REQUEST))),
);

/** An agents' listener over TLS, and ways to reach it. */
async function served(limits: Partial<RpcLimits>, ledger = fakeLedger()) {
  const ca = authority();
  const { certificate, key } = ca.server();
  const tls = { certificate, key, clientCa: undefined };
  const listeners = [{ trust: 'agent', address: '127.0.0.1:0', tls }] as const;
  const { agent } = await serve({ limits, ledger, listeners });
  const dial = dialTls(agent, ca.certificate);
  return {
    plain: dialTo(agent),
    dial,
    client: () => connectTls(agent, { ca }),
    session: () => {
      const session = connectHttp2(`https://${agent}`, { ca: ca.certificate });
      session.on('error', () => undefined);
      onTestFinished(() => session.destroy());
      return session;
    },
    peer: (...pairs: readonly (readonly [number, number])[]) => {
      const peer = RawPeer.begin(dial, ...pairs);
      onTestFinished(() => peer.close());
      return peer;
    },
  };
}

function opened(dial: Dial): Socket {
  const socket = dial();
  socket.on('error', () => undefined);
  socket.resume();
  onTestFinished(() => void socket.destroy());
  return socket;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('close', () => resolve());
  });
}

/** What a Spend of these bytes is answered with. */
async function statusOf(
  session: ClientHttp2Session,
  bytes: Buffer,
  more: IncomingHttpHeaders = {},
): Promise<string | undefined> {
  const stream = session.request({
    ':method': 'POST',
    ':path': SPEND,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...more,
  });
  stream.on('error', () => undefined);
  stream.end(bytes);
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  return headers['grpc-status'] as string | undefined;
}

/** The streams that were answered or reset. */
function endedOf(peer: RawPeer): number {
  const ends = [...peer.of(FRAME.HEADERS), ...peer.of(FRAME.RST_STREAM)];
  return new Set(ends.map(({ stream }) => stream)).size;
}

describe.skipIf(!isHere)('over TLS', () => {
  test('connections are bounded, those that have not shaken hands among them', async () => {
    const { plain, dial, client } = await served({ connectionsMax: 3, headersTimeoutMs: 60_000 });
    const held = [opened(plain), opened(plain), opened(dial)];
    await Promise.all([once(held[0]!, 'connect'), once(held[1]!, 'connect')]);
    await once(held[2]!, 'secureConnect');
    await closed(opened(dial));
    // Who leaves makes room, whether its handshake was done or not.
    held[0]?.destroy();
    const again = () =>
      unary(client(), spend, REQUEST).then(
        () => 'served',
        () => 'refused',
      );
    await expect.poll(again).toBe('served');
  });

  test('a handshake that drips in is given up however often a byte comes', async () => {
    const { plain, client } = await served({ headersTimeoutMs: 300 });
    const socket = opened(plain);
    // The head of a record of 16 KiB with the first message of a handshake, and then its bytes.
    socket.write(Buffer.from([22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc]));
    const timer = setInterval(() => socket.write(Buffer.alloc(1)), 20);
    await closed(socket).finally(() => clearInterval(timer));
    await expect(unary(client(), spend, REQUEST)).resolves.toBeDefined();
  });

  test.each([
    ['no byte', Buffer.alloc(0)],
    ['half a preface', PREFACE.subarray(0, 10)],
    ['half a head of HTTP/1.1', Buffer.from('POST / HTTP/1.1\r\nhost: loc')],
  ])('who shakes hands and then says %s is closed', async (_name, bytes) => {
    const { dial } = await served({ headersTimeoutMs: 200 });
    const socket = opened(dial);
    socket.write(bytes);
    await closed(socket);
  });

  test('headers that drip in over HTTP/2 are given up', async () => {
    const limits = { keepaliveIntervalMs: 100, keepaliveTimeoutMs: 100 };
    const { peer } = await served(limits);
    const slow = peer();
    // A frame that was begun takes the place of every other, the answer to the ping too.
    const head = call(1, SPEND, { x: 'y'.repeat(4_000) });
    slow.send(head.subarray(0, 20));
    let at = 20;
    const timer = setInterval(() => slow.send(head.subarray(at, (at += 1))), 20);
    await slow.closed.finally(() => clearInterval(timer));
  });

  test('a peer that gives no sign of life is closed', async () => {
    const { peer } = await served({ keepaliveIntervalMs: 50, keepaliveTimeoutMs: 50 });
    const silent = peer();
    await silent.closed;
    expect(silent.of(FRAME.PING).length).toBe(1);
  });

  test('a connection without calls is closed after a while', async () => {
    const { peer } = await served({ idleTimeoutMs: 100 });
    await peer().closed;
  });

  test('calls are bounded, and who has to wait is told how long', async () => {
    const open = deferred();
    onTestFinished(() => open.resolve());
    let waiting = 0;
    const ledger = fakeLedger({
      execute: async () => {
        waiting += 1;
        await open.promise;
        return outcome();
      },
    });
    const { client } = await served({ callsMax: 3 }, ledger);
    const over = client();
    for (let at = 0; at < 3; at += 1) void unary(over, spend, REQUEST).catch(() => undefined);
    await expect.poll(() => waiting).toBe(3);
    expect(await failing(client(), spend, REQUEST)).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'SERVER_BUSY',
      retryAfterMs: 200,
    });
  });

  test('requests that are not whole share a bounded room, which comes back', async () => {
    const { peer, client } = await served({ requestBytesMax: 100_000 });
    const over = peer();
    const half = message(Buffer.alloc(30_000), false, 60_000);
    for (let at = 0; at < 6; at += 1) over.send(call(1 + 2 * at, SPEND), data(1 + 2 * at, half));
    await expect.poll(() => endedOf(over)).toBeGreaterThan(0);
    await expect(unary(client(), spend, REQUEST)).resolves.toBeDefined();
    over.close();
    const large = { ...REQUEST, category: 'x'.repeat(50_000) };
    const again = async () => (await failing(client(), spend, large)).code;
    await expect.poll(again).toBe('INVALID_ARGUMENT');
  });

  test('a message beyond message_bytes_max is refused, whole, announced or compressed', async () => {
    const { client, session } = await served({});
    const large = { ...REQUEST, category: 'x'.repeat(70_000) };
    expect((await failing(client(), spend, large)).code).toBe('RESOURCE_EXHAUSTED');
    const announced = message(Buffer.alloc(10), false, 0xffffffff);
    expect(await statusOf(session(), announced)).toBe(RESOURCE_EXHAUSTED);
    const bomb = message(gzipSync(Buffer.alloc(1_000_000)), true);
    expect(await statusOf(session(), bomb, { 'grpc-encoding': 'gzip' })).toBe(RESOURCE_EXHAUSTED);
    await expect(unary(client(), spend, REQUEST)).resolves.toBeDefined();
  });

  test('a request that does not arrive, and an answer that nobody takes, are given up', async () => {
    const { peer } = await served({ requestTimeoutMs: 200 });
    const late = peer();
    late.send(call(1, SPEND), data(1, message(Buffer.alloc(10), false, 100)));
    await expect.poll(() => endedOf(late)).toBe(1);
    // SETTINGS_INITIAL_WINDOW_SIZE: nothing may be sent.
    const deaf = peer([4, 0]);
    deaf.send(call(1, SPEND), data(1, SPENT, true));
    await expect.poll(() => deaf.of(FRAME.RST_STREAM, 1).length).toBe(1);
  });

  test('rapid resets are not read any more, and end with their connection', async () => {
    const { peer, client } = await served({ keepaliveIntervalMs: 500, keepaliveTimeoutMs: 500 });
    const rapid = peer();
    const cancel = Buffer.from([0, 0, 0, 8]);
    let sent = 0;
    for (; !rapid.socket.destroyed; sent += 100) {
      const burst = Array.from({ length: 100 }, (_, more) => {
        const stream = 1 + 2 * (sent + more);
        return Buffer.concat([call(stream, SPEND), frame(FRAME.RST_STREAM, 0, stream, cancel)]);
      });
      await rapid.sent(...burst);
    }
    const [goaway] = rapid.of(FRAME.GOAWAY);
    // The last stream that it looked at: none of those that came after.
    expect(goaway?.payload.readUInt32BE(0)).toBeLessThan(2 * sent);
    await expect(unary(client(), spend, REQUEST)).resolves.toBeDefined();
  });

  test('pings without end end with their connection', async () => {
    const { peer, client } = await served({});
    const flood = peer();
    const pings = Array.from({ length: 1_000 }, () => frame(FRAME.PING, 0, 0, Buffer.alloc(8)));
    const thousand = Buffer.concat(pings);
    let sent = 0;
    for (; sent < 1_000 && !flood.socket.destroyed; sent += 1) await flood.sent(thousand);
    expect(sent).toBeLessThan(1_000);
    await expect(unary(client(), spend, REQUEST)).resolves.toBeDefined();
  });
});
