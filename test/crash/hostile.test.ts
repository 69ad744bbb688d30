/** Hostile peers of a real sidecar: it goes on answering, and holds nothing of them afterwards. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dialTo } from '../support/dial.js';
import { FLAG, FRAME, RawPeer, call, data, frame, message } from '../support/http2-frames.js';
import { numberFrom, randomFrom } from '../support/seed.js';
import { ATTACKS, MALFORMED } from './attacks.js';
import type { Serving } from './process.js';
import { besiege, recovers, withstands, type Besieged } from './siege.js';
import { answers } from './vitals.js';

const SEED = numberFrom('SAFEGUARDS_SEED', Date.now() & 0x7fffffff);
const RANDOM_PEERS = numberFrom('SAFEGUARDS_RANDOM_PEERS', 40);
const SPEND = '/safeguards.v1.BudgetService/Spend';

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

describe('frames that nobody may send do no harm', () => {
  test.each(Object.entries(MALFORMED))('%s', async (_name, bytes) => {
    const peer = RawPeer.begin(sidecar.agent);
    peer.send(bytes);
    peer.send(frame(FRAME.PING, 0, 0, Buffer.alloc(8)));
    await reaction(peer);
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
      peer.send(frame(FRAME.PING, 0, 0, Buffer.alloc(8)));
      await reaction(peer);
      peer.close();
    }
    await recovers(besieged);
  });
});

/** Settles when the peer is closed, or its ping or call has been answered. */
async function reaction(peer: RawPeer): Promise<void> {
  const pinged = () => peer.of(FRAME.PING).length > 0 || peer.of(FRAME.GOAWAY).length > 0;
  await Promise.race([
    peer.closed,
    expect.poll(() => pinged() || peer.socket.destroyed, { timeout: 10_000 }).toBe(true),
  ]);
}

describe('messages that are none are answered with their code', () => {
  const INVALID_ARGUMENT = '3';
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
    ['invalid UTF-8', message(Buffer.from([0x0a, 2, 0xc3, 0x28])), {}, [INVALID_ARGUMENT]],
    ['an unknown enum', message(Buffer.from([0x20, 0xe7, 0x07])), {}, [INVALID_ARGUMENT]],
    ['unknown fields', message(Buffer.from([0xfa, 0x7f, 1, 0])), {}, [INVALID_ARGUMENT]],
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
      );
      peer.send(frame(FRAME.PING, 0, 0, Buffer.alloc(8)));
      await reaction(peer);
      peer.close();
      await answers(sidecar, 'a');
    },
  );

  test('a message cut by the end of its call', async () => {
    const peer = RawPeer.begin(sidecar.agent);
    peer.send(call(1, SPEND), data(1, message(Buffer.alloc(10), false, 100), true));
    peer.send(call(3, SPEND, {}, FLAG.END_HEADERS | FLAG.END_STREAM));
    const ended = () =>
      new Set(
        peer.heard
          .filter(({ type }) => type === FRAME.HEADERS || type === FRAME.RST_STREAM)
          .map(({ stream }) => stream),
      ).size;
    await expect.poll(ended, { timeout: 10_000 }).toBe(2);
    peer.close();
    await answers(sidecar, 'a');
  });
});

/** The code that a Spend of these bytes is answered with, or how its stream was reset. */
function statusOf(bytes: Buffer, headers: Readonly<Record<string, string>>): Promise<string> {
  const session = connectHttp2(`http://${sidecar.agent}`);
  session.on('error', () => undefined);
  return new Promise<string>((resolve) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': SPEND,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    stream.on('error', () => undefined);
    stream.on('response', (answer) => resolve(String(answer['grpc-status'])));
    stream.on('close', () => resolve(`reset ${stream.rstCode}`));
    stream.end(bytes);
  }).finally(() => session.destroy());
}
