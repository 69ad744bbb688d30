import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Health } from '../../src/gen/grpc/health/v1/health_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import type { LedgerApi } from '../../src/ledger/api.js';
import {
  FLAG,
  FRAME,
  RawPeer,
  call as callHead,
  data,
  frame,
  message,
} from '../support/http2-frames.js';
import { deferred } from './support/deferred.js';
import { fakeLedger } from './support/fake-ledger.js';
import { bidi, connect, drain, failing, serverStream, unary } from './support/grpc.js';
import { serve } from './support/harness.js';
import { post, target } from './support/http.js';
import { FULL, agent as agentRow, outcome, pool as poolRow } from './support/rows.js';

const { spend, spendStream, watchBudgets, getBudget } = BudgetService.method;
const BATCH = '/safeguards.v1.BudgetService/BatchSpend';
const SPEND = '/safeguards.v1.BudgetService/Spend';
const REQUEST = { requestId: 'r-1', agentId: 'agent-1', amount: '10' };

const endless = async function* (_selection: unknown, _interval: unknown, signal: AbortSignal) {
  yield { kind: 'BUDGET', agent: agentRow(), pool: poolRow(), level: FULL } as const;
  if (!signal.aborted) await once(signal, 'abort');
} as LedgerApi['watchBudgets'];

/** A ledger that answers when the test says so, and tells how many wait. */
function heldLedger() {
  const open = deferred();
  let waiting = 0;
  const ledger = fakeLedger({
    watchBudgets: endless,
    execute: async () => {
      waiting += 1;
      await open.promise;
      return outcome();
    },
  });
  return { ledger, open: () => open.resolve(), waiting: () => waiting };
}

test('calls in progress are answered before the server is closed', async () => {
  const { ledger, open, waiting } = heldLedger();
  const server = await serve({ ledger });
  const overGrpc = unary(connect(server.agent), spend, REQUEST);
  const overHttp = post(server.agent, SPEND, REQUEST, { connection: 'keep-alive' });
  const stream = bidi(connect(server.agent), spendStream);
  const streamed = drain(stream);
  stream.write({ item: REQUEST });
  await expect.poll(waiting).toBe(3);
  let closed = false;
  const closing = server.close({ graceMs: 15_000 }).then(() => {
    closed = true;
  });
  await new Promise(setImmediate);
  expect(closed).toBe(false);
  open();
  expect((await overGrpc).grantedAmount).toBe('10');
  expect((await overHttp).status).toBe(200);
  const { messages, failure } = await streamed;
  expect(messages.map(({ result }) => result?.requestId)).toEqual(['r-1']);
  expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN' });
  await closing;
});

test('a connection that lets its calls finish is not asked for a sign of life', async () => {
  const { ledger, open, waiting } = heldLedger();
  const server = await serve({
    ledger,
    limits: { keepaliveIntervalMs: 50, keepaliveTimeoutMs: 5_000 },
  });
  const answered = unary(connect(server.agent), spend, REQUEST);
  await expect.poll(waiting).toBe(1);
  const closing = server.close({ graceMs: 15_000 });
  // Several intervals.
  await new Promise((resolve) => setTimeout(resolve, 300));
  open();
  expect((await answered).grantedAmount).toBe('10');
  await closing;
});

test('a SpendStream whose client ends while the server stops is told that it missed something', async () => {
  const { ledger, open, waiting } = heldLedger();
  const server = await serve({ ledger });
  const stream = bidi(connect(server.agent), spendStream);
  const streamed = drain(stream);
  stream.write({ item: REQUEST });
  await expect.poll(waiting).toBe(1);
  const closing = server.close({ graceMs: 15_000 });
  stream.write({ item: { ...REQUEST, requestId: 'r-2' } });
  stream.end();
  // Until both have come.
  await new Promise((resolve) => setTimeout(resolve, 200));
  open();
  const { messages, failure } = await streamed;
  expect(messages.map(({ result }) => result?.requestId)).toEqual(['r-1']);
  expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN' });
  await closing;
});

test('streams end with SHUTTING_DOWN, idle connections at once, and nothing is accepted', async () => {
  const server = await serve({ ledger: fakeLedger({ watchBudgets: endless }) });
  const idle = connect(server.agent);
  await unary(idle, getBudget, { agentId: 'agent-1' });
  const client = connect(server.agent);
  const stream = serverStream(client, watchBudgets, { poolId: 'pool-1' });
  const watched = drain(stream);
  await once(stream, 'data');
  const silent = connectTcp(Number(target(server.agent).port), '127.0.0.1');
  await once(silent, 'connect');
  silent.on('error', () => undefined);
  silent.destroy();
  await server.close({ graceMs: 15_000 });
  expect((await watched).failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN' });
  const late = await failing(connect(server.agent), getBudget, { agentId: 'agent-1' });
  expect(late.code).toBe('UNAVAILABLE');
});

test('a client that is slow to read what it was answered gets it whole', async () => {
  const server = await serve();
  const windows = [4, 2 ** 31 - 1] as const;
  const peer = RawPeer.begin(server.agent, windows);
  onTestFinished(() => peer.close());
  const more = Buffer.alloc(4);
  more.writeUInt32BE(2 ** 31 - 1 - 65_535);
  peer.send(frame(FRAME.WINDOW_UPDATE, 0, 0, more));
  // Each empty item is refused with what is wrong with it.
  const items = message(Buffer.concat(Array.from({ length: 1_000 }, () => Buffer.of(0x0a, 0))));
  const ids = [1, 3, 5, 7];
  peer.socket.pause();
  for (const id of ids) peer.send(callHead(id, BATCH), data(id, items, true));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const closing = server.close({ graceMs: 15_000 });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  // What tells that it takes more must not meet a socket that is gone.
  peer.send(frame(FRAME.WINDOW_UPDATE, 0, 0, Buffer.of(0, 0, 0, 1)));
  await new Promise((resolve) => setTimeout(resolve, 100));
  peer.socket.resume();
  for (const id of ids) {
    const ended = () =>
      peer.of(FRAME.HEADERS, id).some(({ flags }) => (flags & FLAG.END_STREAM) > 0);
    await expect.poll(ended, { timeout: 10_000 }).toBe(true);
  }
  await closing;
});

test('what is not over after the grace is cut off', async () => {
  const { ledger, waiting } = heldLedger();
  const server = await serve({ ledger });
  const overGrpc = failing(connect(server.agent), spend, REQUEST);
  const overHttp = post(server.agent, SPEND, REQUEST).catch((error: unknown) => error);
  const silent = connectTcp(Number(target(server.agent).port), '127.0.0.1');
  silent.on('error', () => undefined);
  await expect.poll(waiting).toBe(2);
  await server.close({ graceMs: 50 });
  expect((await overGrpc).code).toBe('UNAVAILABLE');
  expect(await overHttp).toBeInstanceOf(Error);
});

test('a client that does not read its stream does not keep the server', async () => {
  const flood = async function* (_selection: unknown, _interval: unknown, signal: AbortSignal) {
    while (!signal.aborted) {
      yield { kind: 'BUDGET', agent: agentRow(), pool: poolRow(), level: FULL } as const;
    }
  } as LedgerApi['watchBudgets'];
  const server = await serve({ ledger: fakeLedger({ watchBudgets: flood }) });
  const stream = serverStream(connect(server.agent), watchBudgets, { poolId: 'pool-1' });
  stream.on('error', () => undefined);
  await once(stream, 'data');
  stream.pause();
  await server.close({ graceMs: 50 });
});

test('health says NOT_SERVING before anything ends', async () => {
  const server = await serve();
  const stream = serverStream(connect(server.agent), Health.method.watch, {});
  const watched = drain(stream);
  await once(stream, 'data');
  await server.close({ graceMs: 15_000 });
  const { messages, failure } = await watched;
  expect(messages.map(({ status }) => status)).toEqual([1, 2]);
  expect(failure?.reason).toBe('SHUTTING_DOWN');
});

test('closing twice is closing once', async () => {
  const server = await serve();
  await Promise.all([server.close({ graceMs: 0 }), server.close({ graceMs: 0 })]);
});
