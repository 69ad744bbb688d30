/** SpendStream as bytes: the pieces it comes in, compressed messages, deadlines, bounds. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { once } from 'node:events';
import { connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { deflateSync, gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import type { Answer } from '../../src/domain/answer.js';
import type { SpendCommand } from '../../src/domain/command.js';
import {
  SpendStreamRequestSchema,
  SpendStreamResponseSchema,
} from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { message } from '../support/http2-frames.js';
import { deferred } from './support/deferred.js';
import { fakeLedger } from './support/fake-ledger.js';
import { LIMITS, serve } from './support/harness.js';
import { outcome } from './support/rows.js';

const plain = (at: number, note = ''): Buffer =>
  Buffer.from(
    toBinary(
      SpendStreamRequestSchema,
      create(SpendStreamRequestSchema, {
        item: { requestId: `r-${at}`, agentId: 'agent-1', amount: '1', category: note },
      }),
    ),
  );

/** Opens a SpendStream and hears what comes of it. */
function open(address: string, headers: OutgoingHttpHeaders = {}) {
  const session = connect(`http://${address}`);
  onTestFinished(() => session.destroy());
  const stream = session.request({
    ':method': 'POST',
    ':path': '/safeguards.v1.BudgetService/SpendStream',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  stream.on('error', () => undefined);
  let last: IncomingHttpHeaders = {};
  let body = Buffer.alloc(0);
  const note = (more: IncomingHttpHeaders): void => {
    last = { ...last, ...more };
  };
  stream.on('response', note);
  stream.on('trailers', note);
  stream.on('data', (bytes: Buffer) => {
    body = Buffer.concat([body, bytes]);
  });
  const ids = (): string[] => {
    const found: string[] = [];
    for (let at = 0; at < body.length; at += 5 + body.readUInt32BE(at + 1)) {
      const bytes = body.subarray(at + 5, at + 5 + body.readUInt32BE(at + 1));
      found.push(fromBinary(SpendStreamResponseSchema, bytes).result?.requestId ?? '');
    }
    return found;
  };
  const over = once(stream, 'end').then(() => ({
    http: Number(last[':status']),
    grpc: last['grpc-status'] === undefined ? undefined : Number(last['grpc-status']),
    ids: ids(),
  }));
  return { stream, over, ids };
}

/** A ledger whose spends wait for their turn to be let go. */
function held() {
  const waiting: (() => void)[] = [];
  const ledger = fakeLedger({
    execute: (command) => {
      const answered = deferred<Answer>();
      waiting.push(() => answered.resolve(outcome({ amount: (command as SpendCommand).amount })));
      return answered.promise;
    },
  });
  return { ledger, waiting };
}

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, at) => `r-${from + at}`);

test.each([1, 7, 1_000, 100_000])('messages are found in pieces of %i bytes', async (size) => {
  const { agent } = await serve({ limits: { streamItemsInWorkMax: 5 } });
  const { stream, over } = open(agent);
  const items = Array.from({ length: 40 }, (_, at) => message(plain(at, 'x'.repeat(at))));
  const bytes = Buffer.concat(items);
  for (let at = 0; at < bytes.length; at += size) {
    stream.write(bytes.subarray(at, at + size));
    // A frame of its own for each, as far as that is quickly done.
    if (at % 50 === 0) await new Promise(setImmediate);
  }
  stream.end();
  expect(await over).toEqual({ http: 200, grpc: status.OK, ids: range(0, 40) });
});

test('of many messages in one piece no more are taken than may be in work', async () => {
  const { ledger, waiting } = held();
  const { agent } = await serve({ ledger });
  const { stream, over, ids } = open(agent);
  const all = 3 * LIMITS.streamItemsInWorkMax;
  stream.end(Buffer.concat(Array.from({ length: all }, (_, at) => message(plain(at)))));
  await expect.poll(() => waiting.length).toBe(LIMITS.streamItemsInWorkMax);
  waiting[0]?.();
  await expect.poll(() => ids()).toEqual(['r-0']);
  expect(waiting.length).toBe(LIMITS.streamItemsInWorkMax + 1);
  for (let at = 1; at < all; at += 1) {
    await expect.poll(() => waiting.length).toBeGreaterThan(at);
    waiting[at]?.();
  }
  expect(await over).toEqual({ http: 200, grpc: status.OK, ids: range(0, all) });
});

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
] as const)('compressed messages by %s keep their place among others', async (encoding, packed) => {
  const { agent } = await serve();
  const { stream, over } = open(agent, { 'grpc-encoding': encoding });
  const items = Array.from({ length: 30 }, (_, at) =>
    at % 3 === 0 ? message(plain(at)) : message(packed(plain(at)), true),
  );
  stream.end(Buffer.concat(items));
  expect(await over).toEqual({ http: 200, grpc: status.OK, ids: range(0, 30) });
});

test.each([
  ['bytes that are not compressed', 'gzip', plain(1), status.INTERNAL],
  ['a compression that is not known', 'zstd', plain(1), status.UNIMPLEMENTED],
  ['a bomb', 'gzip', gzipSync(Buffer.alloc(8_000_000)), status.RESOURCE_EXHAUSTED],
])('%s end the stream after the answers before', async (_what, encoding, bytes, code) => {
  const { ledger, waiting } = held();
  const { agent } = await serve({ ledger });
  const { stream, over, ids } = open(agent, { 'grpc-encoding': encoding });
  stream.write(message(plain(0)));
  await expect.poll(() => waiting.length).toBe(1);
  waiting[0]?.();
  await expect.poll(() => ids()).toEqual(['r-0']);
  stream.write(message(bytes, true));
  expect(await over).toEqual({ http: 200, grpc: code, ids: ['r-0'] });
  expect(waiting.length).toBe(1);
});

test('a message that says it is too large ends the stream before it has come', async () => {
  const { agent } = await serve();
  const { stream, over } = open(agent);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(LIMITS.messageBytesMax + 1, 1);
  stream.write(prefix);
  expect(await over).toEqual({ http: 200, grpc: status.RESOURCE_EXHAUSTED, ids: [] });
});

const [M1, M2] = [message(plain(1)), message(plain(2, 'x'.repeat(5_000)))];
const zeros = gzipSync(Buffer.alloc(60_000));

test.each([
  ['a message that is not whole', Buffer.concat([M1, M2.subarray(0, 3_000)])],
  ['compressed messages', Buffer.concat([M1, message(zeros, true), M1])],
  [
    'messages compressed by another flag',
    Buffer.concat([M1, Buffer.of(2), message(zeros).subarray(1)]),
  ],
])('where there is no room for %s, nothing that came with it is judged', async (_what, piece) => {
  const ledger = fakeLedger();
  const { agent } = await serve({ ledger, limits: { requestBytesMax: 2_000, streamsMax: 1 } });
  const { stream, over } = open(agent, { 'grpc-encoding': 'gzip' });
  stream.write(piece);
  expect(await over).toEqual({ http: 200, grpc: status.RESOURCE_EXHAUSTED, ids: [] });
  expect(ledger.commands).toEqual([]);
  const next = open(agent);
  next.stream.end(M1);
  expect(await next.over).toEqual({ http: 200, grpc: status.OK, ids: ['r-1'] });
});

test('a deadline ends the stream, and what was in work is not answered', async () => {
  const { ledger, waiting } = held();
  const { agent } = await serve({ ledger, limits: { streamsMax: 1 } });
  const { stream, over } = open(agent, { 'grpc-timeout': '150m' });
  stream.write(message(plain(0)));
  await expect.poll(() => waiting.length).toBe(1);
  expect(await over).toEqual({ http: 200, grpc: status.DEADLINE_EXCEEDED, ids: [] });
  waiting[0]?.();
  // The place is free.
  const next = open(agent);
  next.stream.end();
  expect(await next.over).toEqual({ http: 200, grpc: status.OK, ids: [] });
});

test.each([
  ['a timeout that is none', { 'grpc-timeout': 'soon' }, 200, status.INVALID_ARGUMENT],
  ['another content type', { 'content-type': 'text/plain' }, 415, undefined],
])('%s is refused at once', async (_what, headers, http, grpc) => {
  const { agent } = await serve();
  const { over } = open(agent, headers);
  expect(await over).toMatchObject({ http, grpc });
});
