/** Unary calls of gRPC as bytes: what no client library would send, and in which pieces it comes. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { connect, constants, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { deflateSync, gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  SpendRequestSchema,
  SpendResponseSchema,
} from '../../src/gen/safeguards/v1/budget_service_pb.js';
import type { Caller } from '../../src/ledger/api.js';
import { dialTo } from '../support/dial.js';
import {
  FRAME,
  PREFACE,
  RawPeer,
  call as callHeaders,
  frame,
  settings,
} from '../support/http2-frames.js';
import { fakeLedger, type FakeLedger } from './support/fake-ledger.js';
import { LIMITS, serve } from './support/harness.js';

const SPEND = '/safeguards.v1.BudgetService/Spend';
const REQUEST = toBinary(
  SpendRequestSchema,
  create(SpendRequestSchema, { requestId: 'r-1', agentId: 'agent-1', amount: '1.5' }),
);

/** The field 2047, of one byte. */
const UNKNOWN_FIELD = Buffer.from([0xfa, 0x7f, 1, 0]);

/** A message with its prefix. */
function framed(message: Uint8Array, compressed = false, length = message.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = compressed ? 1 : 0;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

interface Heard {
  readonly http: number;
  readonly grpc: number | undefined;
  readonly message: string;
  readonly body: Buffer;
}

/** Sends pieces, each in a frame of its own, and hears the answer out. */
async function call(
  address: string,
  pieces: readonly Buffer[],
  headers: OutgoingHttpHeaders = {},
  { ends = true, pauses = true }: { readonly ends?: boolean; readonly pauses?: boolean } = {},
): Promise<Heard> {
  const session = connect(`http://${address}`);
  onTestFinished(() => session.destroy());
  const stream = session.request({
    ':method': 'POST',
    ':path': SPEND,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  stream.on('error', () => undefined);
  let http = 0;
  let last: IncomingHttpHeaders = {};
  const body: Buffer[] = [];
  stream.on('response', (answer) => {
    http = Number(answer[':status']);
    last = { ...last, ...answer };
  });
  stream.on('trailers', (trailers: IncomingHttpHeaders) => {
    last = { ...last, ...trailers };
  });
  stream.on('data', (bytes: Buffer) => body.push(bytes));
  const closed = new Promise<void>((resolve) => {
    stream.on('close', () => resolve());
  });
  for (const piece of pieces) {
    stream.write(piece);
    if (pauses) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  if (ends) stream.end();
  await closed;
  const { 'grpc-status': code, 'grpc-message': message = '' } = last;
  return {
    http,
    grpc: code === undefined ? undefined : Number(code),
    message: decodeURI([message].flat().join()),
    body: Buffer.concat(body),
  };
}

async function serving(): Promise<{ readonly agent: string; readonly ledger: FakeLedger }> {
  const ledger = fakeLedger();
  const { agent } = await serve({ ledger });
  return { agent, ledger };
}

describe('a message', () => {
  const whole = framed(REQUEST);
  test.each([
    ['in one piece', [whole]],
    ['byte by byte', [...whole].map((byte) => Buffer.from([byte]))],
    ['with a cut prefix', [whole.subarray(0, 3), whole.subarray(3)]],
    ['with a prefix of its own', [whole.subarray(0, 5), whole.subarray(5)]],
    ['in three pieces', [whole.subarray(0, 7), whole.subarray(7, 12), whole.subarray(12)]],
  ])('%s is taken', async (_how, pieces) => {
    const { agent, ledger } = await serving();
    const { http, grpc, body } = await call(agent, pieces);
    expect({ http, grpc }).toEqual({ http: 200, grpc: status.OK });
    expect(body.readUInt32BE(1)).toBe(body.length - 5);
    const { decision, grantedAmount } = fromBinary(SpendResponseSchema, body.subarray(5));
    expect({ decision, grantedAmount }).toEqual({ decision: 1, grantedAmount: '1.5' });
    expect(ledger.commands).toMatchObject([{ requestId: 'r-1', agentId: 'agent-1' }]);
  });

  test('of many bytes in as many frames is taken', async () => {
    const { agent, ledger } = await serving();
    const runId = 'r'.repeat(128);
    const metadata = Object.fromEntries(
      Array.from({ length: 16 }, (_, at) => [`key-${at}`, 'v'.repeat(50)]),
    );
    const large = create(SpendRequestSchema, {
      ...{ requestId: 'r-1', agentId: 'agent-1', amount: '1.5' },
      ...{ runId, metadata },
    });
    const pieces = [...framed(toBinary(SpendRequestSchema, large))].map((byte) =>
      Buffer.from([byte]),
    );
    const { grpc } = await call(agent, pieces, {}, { pauses: false });
    expect({ grpc, pieces: pieces.length > 1_000 }).toEqual({ grpc: status.OK, pieces: true });
    expect(ledger.commands).toMatchObject([{ runId }]);
  });

  test.each([
    ['gzip', gzipSync(REQUEST)],
    ['deflate', deflateSync(REQUEST)],
  ])('may be compressed by %s', async (encoding, bytes) => {
    const { agent, ledger } = await serving();
    const { grpc } = await call(agent, [framed(bytes, true)], { 'grpc-encoding': encoding });
    expect(grpc).toBe(status.OK);
    expect(ledger.commands).toMatchObject([{ requestId: 'r-1' }]);
  });
});

describe('a whole spend', () => {
  const request = { requestId: 'r-1', agentId: 'agent-1', amount: '1.5' };
  const metadata = { team: 'LETTERS' };
  const bytes = Buffer.from(
    toBinary(SpendRequestSchema, create(SpendRequestSchema, { ...request, metadata })),
  );

  test('with an unknown field is as good as without', async () => {
    const { agent, ledger } = await serving();
    const { grpc } = await call(agent, [framed(Buffer.concat([bytes, UNKNOWN_FIELD]))]);
    expect(grpc).toBe(status.OK);
    expect(ledger.commands).toMatchObject([{ requestId: 'r-1', metadata: [['team', 'LETTERS']] }]);
  });

  test.each(['team', 'LETTERS'])('with invalid UTF-8 for %s is malformed', async (text) => {
    const { agent, ledger } = await serving();
    const garbled = Buffer.from(bytes);
    garbled.set([0xc3, 0x28], garbled.indexOf(text));
    const { grpc, message } = await call(agent, [framed(garbled)]);
    expect({ grpc, message }).toEqual({
      grpc: status.INVALID_ARGUMENT,
      message: 'The message is not what the method takes',
    });
    expect(ledger.commands).toEqual([]);
  });
});

describe('what is no call is answered with its code and reaches no ledger:', () => {
  const max = LIMITS.messageBytesMax;
  const cases: readonly (readonly [
    string,
    readonly Buffer[],
    OutgoingHttpHeaders,
    status,
    RegExp,
  ])[] = [
    ['nothing', [], {}, status.UNIMPLEMENTED, /none came whole/],
    ['half a prefix', [Buffer.alloc(3)], {}, status.UNIMPLEMENTED, /none came whole/],
    [
      'half a message',
      [framed(REQUEST).subarray(0, 9)],
      {},
      status.UNIMPLEMENTED,
      /none came whole/,
    ],
    [
      'two messages',
      [framed(REQUEST), framed(REQUEST)],
      {},
      status.UNIMPLEMENTED,
      /one message and more/,
    ],
    [
      'two in one piece',
      [Buffer.concat([framed(REQUEST), framed(REQUEST)])],
      {},
      status.UNIMPLEMENTED,
      /one message and more/,
    ],
    [
      'one that says it is too large',
      [framed(REQUEST, false, max + 1)],
      {},
      status.RESOURCE_EXHAUSTED,
      new RegExp(`${max + 1} bytes and ${max}`),
    ],
    [
      'one that is too large inflated',
      [framed(gzipSync(Buffer.alloc(max * 20)), true)],
      { 'grpc-encoding': 'gzip' },
      status.RESOURCE_EXHAUSTED,
      /are taken/,
    ],
    [
      'one that is no gzip',
      [framed(REQUEST, true)],
      { 'grpc-encoding': 'gzip' },
      status.INTERNAL,
      /cannot be decompressed/,
    ],
    [
      'gzip cut short',
      [framed(gzipSync(REQUEST).subarray(0, 14), true)],
      { 'grpc-encoding': 'gzip' },
      status.INTERNAL,
      /cannot be decompressed/,
    ],
    ['one said to be compressed', [framed(REQUEST, true)], {}, status.UNIMPLEMENTED, /gzip/],
    [
      'one compressed otherwise',
      [framed(REQUEST, true)],
      { 'grpc-encoding': 'zstd' },
      status.UNIMPLEMENTED,
      /gzip or deflate/,
    ],
    [
      'a timeout that is none',
      [framed(REQUEST)],
      { 'grpc-timeout': '1d' },
      status.INVALID_ARGUMENT,
      /grpc-timeout/,
    ],
    [
      'a timeout of nine digits',
      [framed(REQUEST)],
      { 'grpc-timeout': '123456789m' },
      status.INVALID_ARGUMENT,
      /grpc-timeout/,
    ],
  ];

  test.each(cases)('%s', async (_what, pieces, headers, code, message) => {
    const { agent, ledger } = await serving();
    const heard = await call(agent, pieces, headers);
    expect(heard).toMatchObject({ http: 200, grpc: code, body: Buffer.alloc(0) });
    expect(heard.message).toMatch(message);
    expect(ledger.commands).toEqual([]);
    // The listener goes on.
    expect((await call(agent, [framed(REQUEST)])).grpc).toBe(status.OK);
  });

  test('another content type', async () => {
    const { agent, ledger } = await serving();
    const heard = await call(agent, [framed(REQUEST)], { 'content-type': 'application/json' });
    expect(heard).toMatchObject({ http: 415, grpc: undefined });
    expect(ledger.commands).toEqual([]);
  });
});

describe('a deadline', () => {
  const slow = (): { readonly ledger: FakeLedger; readonly callers: Caller[] } => {
    const callers: Caller[] = [];
    const ledger = fakeLedger({
      execute: (_command, caller) => {
        callers.push(caller);
        return new Promise(() => undefined);
      },
    });
    return { ledger, callers };
  };

  test.each(['50m', '50000u', '50000000n'])('of %s ends a call in work', async (timeout) => {
    const { ledger, callers } = slow();
    const { agent } = await serve({ ledger });
    const heard = await call(agent, [framed(REQUEST)], { 'grpc-timeout': timeout });
    expect(heard).toMatchObject({ grpc: status.DEADLINE_EXCEEDED, body: Buffer.alloc(0) });
    expect(callers[0]?.abandoned?.()).toBe(true);
  });

  test('ends a call whose request never comes whole', async () => {
    const { agent, ledger } = await serving();
    const piece = framed(REQUEST).subarray(0, 9);
    const heard = await call(agent, [piece], { 'grpc-timeout': '50m' }, { ends: false });
    expect(heard.grpc).toBe(status.DEADLINE_EXCEEDED);
    expect(ledger.commands).toEqual([]);
  });

  test.each(['1H', '2M', '30S', '99999999H'])('of %s is far away', async (timeout) => {
    const { agent } = await serving();
    const heard = await call(agent, [framed(REQUEST)], { 'grpc-timeout': timeout });
    expect(heard.grpc).toBe(status.OK);
  });
});

test.each([SPEND, '/safeguards.v1.BudgetService/SpendStream', '/nobody.Nothing/Never'])(
  '%s that is begun and reset in one piece, without speaking gRPC, harms nobody',
  async (path) => {
    const { agent } = await serve();
    const peer = new RawPeer(dialTo(agent));
    onTestFinished(() => void peer.socket.destroy());
    const cancel = Buffer.alloc(4);
    cancel.writeUInt32BE(constants.NGHTTP2_CANCEL);
    const begun = callHeaders(1, path, { 'content-type': 'text/plain' });
    peer.socket.write(
      Buffer.concat([PREFACE, settings(), begun, frame(FRAME.RST_STREAM, 0, 1, cancel)]),
    );
    // What is thrown while it is served fails the run; the next one is served.
    expect((await call(agent, [framed(REQUEST)])).grpc).toBe(status.OK);
  },
);
