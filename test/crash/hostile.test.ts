/** Hostile peers of a real sidecar: it goes on answering, and holds nothing of them afterwards. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import {
  SpendRequestSchema,
  SpendResponseSchema,
} from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { Decision } from '../../src/gen/safeguards/v1/decision_pb.js';
import { dialTo } from '../support/dial.js';
import { FLAG, FRAME, RawPeer, call, data, frame, message } from '../support/http2-frames.js';
import { numberFrom, randomFrom } from '../support/seed.js';
import { ATTACKS } from './attacks.js';
import { Connection } from './client.js';
import { MALFORMED } from './malformed.js';
import type { Serving } from './process.js';
import { besiege, levelsOff, recovers, withstands, type Besieged } from './siege.js';
import { answers } from './vitals.js';

const SEED = numberFrom('SAFEGUARDS_SEED', Date.now() & 0x7fffffff);
const RANDOM_PEERS = numberFrom('SAFEGUARDS_RANDOM_PEERS', 40);
const SPEND = '/safeguards.v1.BudgetService/Spend';
/** The codes of gRPC. */
const [OK, INVALID_ARGUMENT, UNIMPLEMENTED] = ['0', '3', '12'];

let folder = '';
let besieged: Besieged;
let sidecar: Serving;

beforeAll(async () => {
  process.stdout.write(`hostile peers: SAFEGUARDS_SEED=${SEED}\n`);
  folder = mkdtempSync(path.join(tmpdir(), 'safeguards-hostile-'));
  besieged = await besiege(path.join(folder, 'data'));
  ({ sidecar } = besieged);
});

afterAll(async () => {
  const { code } = await sidecar.end('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
  expect(code).toBe(0);
});

test.each(Object.entries(ATTACKS))('%s', { timeout: 90_000 }, (name, attack) =>
  withstands(besieged, name, () => attack(dialTo(besieged.sidecar.agent))),
);

test.each(['calls that never bring their request', 'rapid resets', 'gzip bombs'] as const)(
  '%s, again and again',
  { timeout: 120_000 },
  (name) => levelsOff(besieged, () => ATTACKS[name](dialTo(sidecar.agent))),
);

describe('frames that nobody may send do no harm', () => {
  test.each(Object.entries(MALFORMED))('%s', async (_name, [bytes, end]) => {
    const peer = RawPeer.begin(sidecar.agent);
    peer.send(bytes, PING);
    if (end.by === 'nothing') {
      // What came before the second answer would have come.
      await expect.poll(() => pongsOf(peer), { timeout: 10_000 }).toBe(1);
      peer.send(PING);
      await expect.poll(() => pongsOf(peer), { timeout: 10_000 }).toBe(2);
      expect(endsOf(peer)).toEqual([]);
    } else {
      await expect.poll(() => endsOf(peer), { timeout: 10_000 }).toEqual([end]);
      // A connection that ends is not read any more.
      expect(pongsOf(peer)).toBe(end.by === 'GOAWAY' ? 0 : 1);
    }
    peer.close();
    await answers(sidecar, 'a');
  });

  test('random frames, and then everything is as before', { timeout: 120_000 }, async () => {
    const random = randomFrom(SEED);
    const byte = () => Math.floor(random() * 256);
    for (let at = 0; at < RANDOM_PEERS; at += 1) {
      const peer = RawPeer.begin(sidecar.agent);
      peer.send(call(1, SPEND));
      for (let frames = 0; frames < 30; frames += 1) {
        const payload = Buffer.from(Array.from({ length: byte() }, byte));
        const lies = random() < 0.1 ? { length: byte() * 100 } : { length: payload.length };
        const stream = random() < 0.7 ? 1 : byte();
        peer.send(frame(byte() % 12, byte(), stream, payload, lies.length));
      }
      peer.send(PING);
      await reaction(peer);
      peer.close();
    }
    await recovers(besieged);
  });
});

const PING = frame(FRAME.PING, 0, 0, Buffer.alloc(8));

/** How many of the pings were answered. */
function pongsOf(peer: RawPeer): number {
  return peer.of(FRAME.PING).filter(({ flags }) => flags === FLAG.ACK).length;
}

/** How the connection or its first stream was ended. */
function endsOf(peer: RawPeer) {
  return [
    ...peer
      .of(FRAME.GOAWAY)
      .map(({ payload }) => ({ by: 'GOAWAY', code: payload.readUInt32BE(4) })),
    ...peer
      .of(FRAME.RST_STREAM, 1)
      .map(({ payload }) => ({ by: 'RST_STREAM', code: payload.readUInt32BE(0) })),
  ];
}

/** Settles when the peer is closed, or its ping or call has been answered. */
async function reaction(peer: RawPeer): Promise<void> {
  const told = () => pongsOf(peer) > 0 || peer.of(FRAME.GOAWAY).length > 0;
  await Promise.race([
    peer.closed,
    expect.poll(() => told() || peer.socket.destroyed, { timeout: 10_000 }).toBe(true),
  ]);
}

describe('messages that are none are answered with their code', () => {
  const cases: readonly (readonly [string, Buffer, Record<string, string>, readonly string[]])[] = [
    ['what is no gzip', message(Buffer.from('no gzip'), true), { 'grpc-encoding': 'gzip' }, ['13']],
    ['an unknown encoding', message(Buffer.from('x'), true), { 'grpc-encoding': 'zstd' }, ['12']],
    [
      'cut gzip',
      message(gzipSync(Buffer.alloc(1_000)).subarray(0, 20), true),
      { 'grpc-encoding': 'gzip' },
      ['13'],
    ],
    ['a length of 4 GiB', message(Buffer.alloc(10), false, 0xffffffff), {}, ['8']],
    ['bytes that are no message', message(Buffer.from([0xff, 0xff, 0xff])), {}, [INVALID_ARGUMENT]],
    ['an unknown enum', message(Buffer.from([0x20, 0xe7, 0x07])), {}, [INVALID_ARGUMENT]],
    ['a thousand groups in groups', message(Buffer.alloc(1_000, 0x0b)), {}, [INVALID_ARGUMENT]],
  ];

  test.each(cases)('%s', async (_name, bytes, headers, expected) => {
    expect(expected).toContain(await statusOf(bytes, headers));
  });

  test.each(['', 'a b', '[', 'http://', '%2Fa.sock', 'x'.repeat(5_000), '\u00ff', 'a@b:c:d'])(
    'any authority does no harm: %s',
    async (authority) => {
      const peer = RawPeer.begin(sidecar.agent);
      peer.send(
        call(1, SPEND, { ':authority': authority }),
        data(1, message(Buffer.alloc(0)), true),
        PING,
      );
      const ended = () => peer.of(FRAME.HEADERS, 1).length + peer.of(FRAME.RST_STREAM, 1).length;
      await expect.poll(ended, { timeout: 10_000 }).toBeGreaterThan(0);
      expect(pongsOf(peer)).toBe(1);
      peer.close();
      await answers(sidecar, 'a');
    },
  );

  const CUT = message(Buffer.alloc(10), false, 100);
  test.each([
    ['a Spend', SPEND, UNIMPLEMENTED],
    ['a SpendStream', '/safeguards.v1.BudgetService/SpendStream', INVALID_ARGUMENT],
    ['a WatchBudgets', '/safeguards.v1.BudgetService/WatchBudgets', UNIMPLEMENTED],
    ['a WatchViolations', '/safeguards.v1.ViolationService/WatchViolations', UNIMPLEMENTED],
  ])('cut by the end of %s', async (_name, method, expected) => {
    expect(await statusOf(CUT, {}, method)).toBe(expected);
    expect(await statusOf(CUT.subarray(0, 3), {}, method)).toBe(expected);
  });

  test('and then everything is as before', () => recovers(besieged));
});

describe('a whole spend', () => {
  const REQUEST = { agentId: 'a', amount: '0.01', metadata: { team: 'LETTERS' } };
  const spending = (requestId: string) =>
    Buffer.from(
      toBinary(SpendRequestSchema, create(SpendRequestSchema, { ...REQUEST, requestId })),
    );
  /** Where the ledger stands. */
  const head = async (): Promise<bigint> => {
    const operator = new Connection(sidecar.admin, sidecar.token);
    const { headSequence } = await operator.call(BudgetAdminService.method.getServerInfo, {});
    operator.close();
    return headSequence;
  };
  const post = (body: Buffer) =>
    fetch(`http://${sidecar.agent}${SPEND}`, {
      method: 'POST',
      headers: { 'content-type': 'application/proto' },
      body,
    });

  test('with an unknown field is approved', async () => {
    // The field 2047, of one byte.
    const unknown = Buffer.from([0xfa, 0x7f, 1, 0]);
    const before = await head();
    expect(await statusOf(message(Buffer.concat([spending('unknown-1'), unknown])), {})).toBe(OK);
    const answer = await post(Buffer.concat([spending('unknown-2'), unknown]));
    const bytes = new Uint8Array(await answer.arrayBuffer());
    expect(fromBinary(SpendResponseSchema, bytes).decision).toBe(Decision.APPROVED);
    expect(await head()).toBe(before + 2n);
  });

  test('with invalid UTF-8 in its metadata is refused, and nothing is written', async () => {
    const garbled = (requestId: string) => {
      const bytes = spending(requestId);
      bytes.set([0xc3, 0x28], bytes.indexOf('LETTERS'));
      return bytes;
    };
    const before = await head();
    expect(await statusOf(message(garbled('utf-1')), {})).toBe(INVALID_ARGUMENT);
    const answer = await post(garbled('utf-2'));
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'invalid_argument' });
    expect(await head()).toBe(before);
    // The same letters in UTF-8 are taken.
    expect(await statusOf(message(spending('utf-1')), {})).toBe(OK);
    expect(await head()).toBe(before + 1n);
  });

  test('and then everything is as before', () => recovers(besieged));
});

/** The code that a call of these bytes is answered with, or how its stream was reset. */
function statusOf(
  bytes: Buffer,
  headers: Readonly<Record<string, string>>,
  method = SPEND,
): Promise<string> {
  const session = connectHttp2(`http://${sidecar.agent}`);
  session.on('error', () => undefined);
  return new Promise<string>((resolve) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': method,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    const told = (answer: IncomingHttpHeaders): void => {
      if (answer['grpc-status'] !== undefined) resolve(String(answer['grpc-status']));
    };
    stream.on('error', () => undefined);
    stream.on('response', told);
    stream.on('trailers', told);
    stream.on('close', () => resolve(`reset ${stream.rstCode}`));
    stream.resume();
    stream.end(bytes);
  }).finally(() => session.destroy());
}
