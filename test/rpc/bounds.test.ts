/** What one client may take of a listener, and for how long. */
import { create, toBinary } from '@bufbuild/protobuf';
import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { EventEmitter, once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  BudgetService,
  SpendRequestSchema,
} from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { follow, startFraming } from '../../src/rpc/framing.js';
import { boundPeers } from '../../src/rpc/peers.js';
import { dialTo } from '../support/dial.js';
import {
  FRAME,
  PREFACE,
  RawPeer,
  call,
  data,
  frame,
  message,
  settings,
} from '../support/http2-frames.js';
import { deferred } from './support/deferred.js';
import { fakeLedger } from './support/fake-ledger.js';
import { connect, failing, failureOf, serverStream, unary, type Failure } from './support/grpc.js';
import { serve } from './support/harness.js';
import { post } from './support/http.js';
import { outcome } from './support/rows.js';

const { spend, watchBudgets } = BudgetService.method;
const SPEND = '/safeguards.v1.BudgetService/Spend';
const STREAM = '/safeguards.v1.BudgetService/SpendStream';
const REQUEST = { requestId: 'r-1', agentId: 'agent-1', amount: '10' };
const SPENT = message(
  Buffer.from(toBinary(SpendRequestSchema, create(SpendRequestSchema, REQUEST))),
);
const BUSY = { code: 'RESOURCE_EXHAUSTED', reason: 'SERVER_BUSY', retryAfterMs: 200 };
/** The same over HTTP/1.1. */
const BUSY_HTTP = {
  status: 429,
  json: {
    code: 'resource_exhausted',
    details: [
      { type: 'google.rpc.ErrorInfo', debug: { reason: 'SERVER_BUSY' } },
      { type: 'google.rpc.RetryInfo', debug: { retryDelay: '0.200s' } },
    ],
  },
};

function session(address: string, options: object = {}): ClientHttp2Session {
  const made = connectHttp2(`http://${address}`, options);
  made.on('error', () => undefined);
  onTestFinished(() => made.destroy());
  return made;
}

function begin(over: ClientHttp2Session, path: string, more: IncomingHttpHeaders = {}) {
  const stream = over.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...more,
  });
  stream.on('error', () => undefined);
  return stream;
}

/** Why a call failed, where it was answered with nothing else. */
async function answer(stream: ClientHttp2Stream): Promise<Failure | undefined> {
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  if (headers['grpc-status'] === undefined) return undefined;
  const code = Number(headers['grpc-status']);
  return failureOf({
    code,
    metadata: Metadata.fromHttp2Headers(headers),
  } as object as ServiceError);
}

/** A ledger that does not answer before the test ends. */
function heldLedger() {
  const open = deferred();
  onTestFinished(() => open.resolve());
  let count = 0;
  const ledger = fakeLedger({
    execute: async () => {
      count += 1;
      await open.promise;
      return outcome();
    },
  });
  return { ledger, waiting: () => count };
}

describe('calls in progress', () => {
  test('are bounded, and who has to wait is told how long', async () => {
    const { ledger, waiting } = heldLedger();
    const { agent } = await serve({ ledger, limits: { callsMax: 3 } });
    const client = connect(agent);
    for (let at = 0; at < 3; at += 1) void unary(client, spend, REQUEST).catch(() => undefined);
    await expect.poll(waiting).toBe(3);
    expect(await failing(client, spend, REQUEST)).toMatchObject(BUSY);
  });

  test('are bounded over HTTP/1.1', async () => {
    const { ledger, waiting } = heldLedger();
    const { agent } = await serve({ ledger, limits: { callsMax: 3 } });
    for (let at = 0; at < 3; at += 1) void post(agent, SPEND, REQUEST).catch(() => undefined);
    await expect.poll(waiting).toBe(3);
    expect(await post(agent, SPEND, REQUEST)).toMatchObject(BUSY_HTTP);
  });

  test('on one connection are as many as the client is told', async () => {
    const { agent } = await serve({ limits: { callsPerConnectionMax: 7 } });
    const over = session(agent);
    await once(over, 'remoteSettings');
    expect(over.remoteSettings.maxConcurrentStreams).toBe(7);
    expect(over.remoteSettings.maxHeaderListSize).toBe(16_384);
  });
});

test('calls of one connection in a second are bounded, those of another are not', async () => {
  const { agent } = await serve({ limits: { callsPerSecondMax: 5 } });
  const over = session(agent);
  const burst = Array.from({ length: 12 }, () => begin(over, SPEND));
  const answers = await Promise.all(
    burst.map((stream) => {
      stream.end(SPENT);
      return answer(stream);
    }),
  );
  const busy = answers.filter((failure) => failure !== undefined);
  // The burst may fall across two seconds.
  expect(busy.length).toBeGreaterThanOrEqual(2);
  expect(busy.length).toBeLessThanOrEqual(7);
  for (const failure of busy) expect(failure).toMatchObject(BUSY);
  await expect(unary(connect(agent), spend, REQUEST)).resolves.toMatchObject({
    grantedAmount: '10',
  });
});

describe('headers', () => {
  const { NGHTTP2_NO_ERROR, NGHTTP2_ENHANCE_YOUR_CALM } = constants;
  const [OK, RESET] = [NGHTTP2_NO_ERROR, NGHTTP2_ENHANCE_YOUR_CALM];

  test.each([
    ['10,000 bytes are taken', 10_000, 16_384, OK, 200],
    ['20,000 bytes are refused', 20_000, 16_384, RESET, 431],
    ['3,000 bytes are taken where 4 KiB are set', 3_000, 4_096, OK, 200],
    ['5,000 bytes are refused where 4 KiB are set', 5_000, 4_096, RESET, 431],
    ['20,000 bytes are taken where 32 KiB are set', 20_000, 32_768, OK, 200],
  ])('of %s', async (_name, bytes, headerBytesMax, code, status) => {
    const ledger = fakeLedger();
    const { agent } = await serve({ ledger, limits: { headerBytesMax } });
    const more = { x: 'y'.repeat(bytes) };
    const over = session(agent);
    await once(over, 'remoteSettings');
    const stream = begin(over, SPEND, more);
    stream.resume();
    stream.end(SPENT);
    await new Promise((resolve) => stream.once('close', resolve));
    expect(stream.rstCode).toBe(code);
    expect((await post(agent, SPEND, REQUEST, more)).status).toBe(status);
    expect(ledger.commands).toHaveLength(code === OK ? 2 : 0);
    // The connection is served on.
    const next = begin(over, SPEND);
    next.end(SPENT);
    expect(await answer(next)).toBeUndefined();
  });

  test('are bounded for who never says that it knows the bound', async () => {
    const ledger = fakeLedger();
    const { agent } = await serve({ ledger });
    const peer = new RawPeer(dialTo(agent));
    onTestFinished(() => peer.close());
    peer.send(PREFACE, settings());
    for (const [at, bytes] of [10_000, 15_900, 16_100].entries()) {
      const id = 1 + 2 * at;
      peer.send(call(id, SPEND, { x: 'y'.repeat(bytes) }), data(id, SPENT, true));
    }
    await expect.poll(() => peer.of(FRAME.RST_STREAM, 5).length).toBe(1);
    expect(peer.of(FRAME.RST_STREAM)[0]?.payload.readUInt32BE(0)).toBe(RESET);
    await expect.poll(() => peer.of(FRAME.DATA).length).toBe(2);
    expect(ledger.commands).toHaveLength(2);
  });
});

describe('a request that does not arrive', () => {
  const limits = { requestTimeoutMs: 200 };

  test.each([
    ['not at all', Buffer.alloc(0)],
    ['in part', message(Buffer.alloc(10), false, 100)],
    ['in its prefix', Buffer.from([0, 0])],
  ])('is given up: %s', async (_name, bytes) => {
    const { agent } = await serve({ limits });
    const stream = begin(session(agent), SPEND);
    stream.resume();
    if (bytes.length > 0) stream.write(bytes);
    expect(await answer(stream)).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await once(stream, 'close');
  });

  test('is given up within a stream, which may be silent between its messages', async () => {
    const { agent } = await serve({ limits });
    const over = session(agent);
    const silent = begin(over, STREAM);
    const stuck = begin(over, STREAM);
    stuck.write(message(Buffer.alloc(10), false, 100));
    expect(await answer(stuck)).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    silent.resume();
    silent.end(message(Buffer.alloc(0)));
    await once(silent, 'response');
    expect(silent.rstCode).toBe(0);
  });
});

test('an answer that nobody takes is given up', async () => {
  const { agent } = await serve({ limits: { requestTimeoutMs: 200 } });
  const over = session(agent, { settings: { initialWindowSize: 0 } });
  const stream = begin(over, SPEND);
  stream.end(SPENT);
  await once(stream, 'close');
  expect(stream.rstCode).not.toBe(0);
});

test('a watch may last longer than a request', async () => {
  const ledger = fakeLedger({
    watchBudgets: async function* (_selection: unknown, _interval: unknown, signal: AbortSignal) {
      yield { kind: 'LEFT', agentId: 'agent-1' } as const;
      await once(signal, 'abort');
    } as never,
  });
  const { agent } = await serve({ ledger, limits: { requestTimeoutMs: 50 } });
  const stream = serverStream(connect(agent), watchBudgets, { poolId: 'pool-1' });
  const ended = once(stream, 'error').then(
    () => 'ended',
    () => 'ended',
  );
  await once(stream, 'data');
  // Twice the time after which another call is given up.
  const late = [begin(session(agent), SPEND), begin(session(agent), SPEND)];
  for (const other of late) await answer(other);
  expect(await Promise.race([ended, Promise.resolve('open')])).toBe('open');
  stream.cancel();
});

describe('requests that are not whole yet', () => {
  test('share a bounded room, and small ones pass all the same', async () => {
    const { agent } = await serve({ limits: { requestBytesMax: 100_000 } });
    const over = session(agent);
    const half = message(Buffer.alloc(30_000), false, 60_000);
    const streams = Array.from({ length: 6 }, () => {
      const stream = begin(over, SPEND);
      stream.write(half);
      return stream;
    });
    const refused = streams.map(async (stream) => answer(stream));
    expect(await Promise.any(refused)).toMatchObject(BUSY);
    await expect(unary(connect(agent), spend, REQUEST)).resolves.toBeDefined();
    // What is held comes back with the streams.
    for (const stream of streams) stream.close();
    const large = { ...REQUEST, category: 'x'.repeat(50_000) };
    const again = async () => (await failing(connect(agent), spend, large)).code;
    await expect.poll(again).toBe('INVALID_ARGUMENT');
  });

  test('count for what they may become when they are compressed', async () => {
    const { agent } = await serve({ limits: { requestBytesMax: 200_000 } });
    const over = session(agent);
    const bomb = message(gzipSync(Buffer.alloc(60_000)), true);
    const streams = Array.from({ length: 10 }, () => {
      const stream = begin(over, SPEND, { 'grpc-encoding': 'gzip' });
      stream.end(bomb);
      return stream;
    });
    const answers = await Promise.all(streams.map(answer));
    const busy = answers.filter((failure) => failure?.reason === 'SERVER_BUSY');
    expect(busy.length).toBeGreaterThan(5);
    for (const failure of busy) expect(failure).toMatchObject(BUSY);
  });

  test('count so however many of them come in one piece', () => {
    const framing = startFraming();
    const bomb = message(Buffer.alloc(500), true);
    follow(framing, Buffer.concat([bomb, bomb, bomb, bomb.subarray(0, 105)]), 60_000);
    expect(framing.inflatedBytes).toBe(4 * 60_000);
    follow(framing, message(Buffer.alloc(400), true).subarray(5), 60_000);
    expect(framing.inflatedBytes).toBe(60_000);
    follow(framing, message(Buffer.alloc(10)), 60_000);
    expect(framing.inflatedBytes).toBe(0);
  });

  test('share it over HTTP/1.1 with the length that they announce', async () => {
    const { agent } = await serve({ limits: { requestBytesMax: 100_000 } });
    const body = Buffer.from(JSON.stringify(REQUEST));
    const over = session(agent);
    const held = begin(over, SPEND);
    held.write(message(Buffer.alloc(16_000), false, 60_000));
    held.write(Buffer.alloc(40_000));
    await expect
      .poll(async () => {
        const padded = Buffer.concat([body, Buffer.alloc(60_000, ' ')]);
        return post(agent, SPEND, padded);
      })
      .toMatchObject(BUSY_HTTP);
    expect((await post(agent, SPEND, body)).status).toBe(200);
  });
});

describe('a connection', () => {
  test('without calls is closed after a while', async () => {
    const { agent } = await serve({ limits: { idleTimeoutMs: 100 } });
    const over = session(agent);
    await once(over, 'close');
  });

  test('whose peer gives no sign of life is closed', async () => {
    const limits = { keepaliveIntervalMs: 50, keepaliveTimeoutMs: 50 };
    const { agent } = await serve({ limits });
    const peer = RawPeer.begin(agent);
    await peer.closed;
    expect(peer.of(FRAME.PING).length).toBe(1);
  });

  test.each([
    ['pings', frame(FRAME.PING, 0, 0, Buffer.alloc(8))],
    ['settings', frame(FRAME.SETTINGS, 0, 0)],
  ])('that floods with %s is closed', async (_name, one) => {
    const { agent } = await serve();
    const peer = RawPeer.begin(agent);
    const thousand = Buffer.concat(Array.from({ length: 1_000 }, () => one));
    let sent = 0;
    for (; sent < 1_000 && !peer.socket.destroyed; sent += 1) await peer.sent(thousand);
    expect(sent).toBeLessThan(1_000);
    await expect(unary(connect(agent), spend, REQUEST)).resolves.toBeDefined();
  });
});

test('connections of one peer are bounded, except from this host', () => {
  const peer = (remoteAddress?: string) =>
    Object.assign(new EventEmitter(), { remoteAddress }) as unknown as Socket;
  const admits = boundPeers(2);
  const first = peer('10.0.0.1');
  expect(admits(first)).toBe(true);
  expect(admits(peer('10.0.0.1'))).toBe(true);
  expect(admits(peer('10.0.0.1'))).toBe(false);
  expect(admits(peer('10.0.0.2'))).toBe(true);
  first.emit('close');
  expect(admits(peer('10.0.0.1'))).toBe(true);
  expect(admits(peer('10.0.0.1'))).toBe(false);
  for (const here of ['127.0.0.1', '127.8.0.1', '::1', '::ffff:127.0.0.1', undefined]) {
    for (let at = 0; at < 5; at += 1) expect(admits(peer(here))).toBe(true);
  }
});

test('messages are counted whatever pieces they come in', () => {
  const sent = fc.array(fc.record({ length: fc.nat(40), isCompressed: fc.boolean() }));
  fc.assert(
    fc.property(sent, fc.array(fc.integer({ min: 1, max: 12 })), fc.nat(10), (all, cuts, open) => {
      const whole = all.map((one) => message(Buffer.alloc(one.length), one.isCompressed));
      const begun = message(Buffer.alloc(open), false, open + 1);
      const bytes = Buffer.concat([...whole, begun]);
      const framing = startFraming();
      let at = 0;
      for (let turn = 0; at < bytes.length; turn += 1) {
        const length = cuts[turn % cuts.length] ?? bytes.length;
        follow(framing, bytes.subarray(at, at + length), 1_000);
        at += length;
      }
      expect(framing.messages).toBe(all.length);
      expect(framing.held).toBe(open);
      expect(framing.length).toBe(open + 1);
    }),
  );
});
