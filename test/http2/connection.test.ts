/** A connection, as bytes: what comes of a request, how it ends, its bounds. */
import { describe, expect, test } from 'vitest';
import { dialTo } from '../support/dial.js';
import {
  FLAG,
  FRAME,
  RawPeer,
  call,
  data,
  fields,
  frame,
  settings,
} from '../support/http2-frames.js';
import {
  PING,
  WINDOW,
  bodyOf,
  codesOf,
  goaways,
  heard,
  isDone,
  more,
  resets,
  serving,
} from './support/peer.js';
import { HEAD, echo } from './support/server.js';

describe('what comes', () => {
  test('of a request in any frames is told in its order', async () => {
    const { server, peer: begin } = await serving();
    const peer = begin();
    const padded = Buffer.concat([Buffer.of(3), Buffer.from('one '), Buffer.alloc(3)]);
    const block = fields({ ':method': 'POST', ':scheme': 'http', ':path': '/', x: 'y' });
    const priority = Buffer.concat([
      Buffer.of(2),
      Buffer.alloc(5),
      block.subarray(0, 9),
      Buffer.alloc(2),
    ]);
    peer.send(
      frame(FRAME.HEADERS, FLAG.PADDED | FLAG.PRIORITY, 1, priority),
      frame(FRAME.CONTINUATION, 0, 1, block.subarray(9, 11)),
      frame(FRAME.CONTINUATION, FLAG.END_HEADERS, 1, block.subarray(11)),
      frame(FRAME.DATA, FLAG.PADDED, 1, padded),
      frame(FRAME.DATA, 0, 1, Buffer.from('two')),
      frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, fields({ 'x-end': 'z' })),
    );
    await expect.poll(() => isDone(peer, 1)).toBe(true);
    expect(bodyOf(peer, 1).toString()).toBe('one two');
    expect(server.requests[0]?.stream.headers).toMatchObject({ ':path': '/', x: 'y' });
    expect(resets(peer)).toEqual([]);
  });

  test('is asked for again as it is taken, and not while a stream is paused', async () => {
    const { server, peer: begin } = await serving();
    const peer = begin();
    const piece = Buffer.alloc(16_000);
    peer.send(call(1, '/'));
    await expect.poll(() => server.requests.length).toBe(1);
    server.requests[0]?.stream.pause();
    for (let at = 0; at < 4; at += 1) peer.send(data(1, piece));
    await heard(peer);
    const updates = (id: number) =>
      peer.of(FRAME.WINDOW_UPDATE, id).map(({ payload }) => payload.readUInt32BE(0));
    expect(updates(1)).toEqual([]);
    // The connection's is for all streams: others must get on.
    expect(updates(0).reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(32_000);
    server.requests[0]?.stream.resume();
    await expect.poll(() => updates(1)).toEqual([64_000]);
    peer.send(data(1, Buffer.alloc(0), true));
    await expect.poll(() => server.requests[0]?.hasEnded).toBe(true);
  });

  test('beyond the window of its stream ends that', async () => {
    const { server, peer: begin } = await serving();
    const peer = begin();
    peer.send(call(1, '/'));
    await expect.poll(() => server.requests.length).toBe(1);
    server.requests[0]?.stream.pause();
    peer.send(data(1, Buffer.alloc(WINDOW)));
    await heard(peer);
    expect(resets(peer)).toEqual([]);
    peer.send(data(1, Buffer.alloc(1)));
    await expect.poll(() => resets(peer)).toEqual([3]);
    expect(goaways(peer)).toEqual([]);
  });

  test.each([
    ['more', { 'content-length': '3' }, 'four', 1],
    ['less', { 'content-length': '5' }, 'four', 1],
    ['no number', { 'content-length': '4x' }, 'four', 1],
    ['as much', { 'content-length': '4' }, 'four', undefined],
  ])('of a request that is %s than it says', async (_what, headers, body, code) => {
    const { peer: begin } = await serving();
    const peer = begin();
    peer.send(call(1, '/', headers), data(1, Buffer.from(body), true));
    await heard(peer);
    expect(resets(peer)).toEqual(code === undefined ? [] : [code]);
    expect(bodyOf(peer, 1).toString()).toBe(code === undefined ? body : '');
  });

  test('on a stream that we ended before it was known is left out', async () => {
    const { server, peer: begin } = await serving();
    const peer = begin();
    peer.send(call(1, '/'), data(1, Buffer.from('x')));
    await expect.poll(() => server.requests[0]?.pieces.length).toBe(1);
    server.requests[0]?.stream.end(HEAD);
    await expect.poll(() => resets(peer)).toEqual([0]);
    expect(server.requests[0]?.closed).toBe(1);
    peer.send(data(1, Buffer.from('y')), more(1, 5));
    peer.send(frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, fields({ x: 'y' })));
    peer.send(call(3, '/', {}, FLAG.END_HEADERS | FLAG.END_STREAM));
    await expect.poll(() => isDone(peer, 3)).toBe(true);
    expect([resets(peer), goaways(peer)]).toEqual([[0], []]);
    expect(server.requests[0]?.pieces.length).toBe(1);
  });

  test('behind an answer that waits is not told', async () => {
    const { server, peer: begin } = await serving();
    const peer = begin([4, 0]);
    peer.send(call(1, '/'), data(1, Buffer.from('x')));
    await expect.poll(() => server.requests[0]?.pieces.length).toBe(1);
    const { stream } = server.requests[0] ?? {};
    stream?.respond(HEAD);
    stream?.write(Buffer.from('answer'));
    stream?.end(HEAD);
    peer.send(data(1, Buffer.from('y'), true));
    await heard(peer);
    expect(server.requests[0]).toMatchObject({ hasEnded: false, closed: 0 });
    expect(server.requests[0]?.pieces.length).toBe(1);
    peer.send(more(1, 100));
    await expect.poll(() => isDone(peer, 1)).toBe(true);
    expect([bodyOf(peer, 1).toString(), resets(peer)]).toEqual(['answer', []]);
  });

  test.each([
    ['of nothing', 0, 20],
    ['of much', 16_000, 6],
  ])('of header fields without end is refused: %s', async (_what, bytes, frames) => {
    const { peer: begin } = await serving();
    const peer = begin();
    peer.send(call(1, '/', {}, 0));
    const more = frame(
      FRAME.CONTINUATION,
      0,
      1,
      fields({ x: 'y'.repeat(bytes) }).subarray(0, bytes),
    );
    for (let at = 0; at < frames; at += 1) peer.send(more);
    await expect.poll(() => goaways(peer)).toEqual([11]);
  });

  test('of fields that change the table does so each time', async () => {
    const { server, peer: begin } = await serving();
    const peer = begin();
    const pseudo = fields({ ':method': 'POST', ':scheme': 'http', ':path': '/' });
    const head = (id: number, ...more: readonly number[]) =>
      frame(
        FRAME.HEADERS,
        FLAG.END_HEADERS | FLAG.END_STREAM,
        id,
        Buffer.concat([pseudo, Buffer.of(...more)]),
      );
    const [one, two] = [
      [0x40, 1, 120, 1, 49],
      [0x40, 1, 120, 1, 50],
    ];
    // one, two, one; then the newest, and the one before it.
    peer.send(head(1, ...one), head(3, ...two), head(5, ...one), head(7, 0xbe), head(9, 0xbf));
    await expect.poll(() => isDone(peer, 9)).toBe(true);
    const values = server.requests.map(({ stream }) => stream.headers['x']);
    expect(values).toEqual(['1', '2', '1', '1', '2']);
  });

  test('whole at its headers is answered without a reset', async () => {
    const { server, peer: begin } = await serving();
    const peer = begin();
    peer.send(call(1, '/', {}, FLAG.END_HEADERS | FLAG.END_STREAM));
    await expect.poll(() => isDone(peer, 1)).toBe(true);
    await heard(peer);
    expect(server.requests[0]?.stream.hasEnded).toBe(true);
    expect(resets(peer)).toEqual([]);
  });

  test('with fields that were said before is known, and anew once the table has changed', async () => {
    const { server, peer: begin } = await serving();
    const peer = begin();
    const block = Buffer.concat([
      fields({ ':method': 'POST', ':scheme': 'http', ':path': '/' }),
      // The newest entry of the table.
      Buffer.of(0xbe),
    ]);
    const insert = (value: string) =>
      Buffer.concat([
        Buffer.of(0x40, 1),
        Buffer.from('x'),
        Buffer.of(value.length),
        Buffer.from(value),
      ]);
    const head = (id: number, bytes: Buffer) =>
      frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, id, bytes);
    const pseudo = fields({ ':method': 'POST', ':scheme': 'http', ':path': '/' });
    peer.send(head(1, Buffer.concat([pseudo, insert('one')])), head(3, block), head(5, block));
    peer.send(head(7, Buffer.concat([pseudo, insert('two')])), head(9, block), head(11, block));
    await expect.poll(() => isDone(peer, 11)).toBe(true);
    const values = server.requests.map(({ stream }) => stream.headers['x']);
    expect(values).toEqual(['one', 'one', 'one', 'two', 'two', 'two']);
    const [, three, five, , nine] = server.requests.map(({ stream }) => stream.headers);
    expect(five).toBe(three);
    expect(nine).not.toBe(three);
  });
});

describe('a connection that drains', () => {
  test('waits for a peer that is slow to read what it was answered', async () => {
    const { server, peer: begin } = await serving(
      ({ stream }) => {
        stream.respond(HEAD);
        stream.write(Buffer.alloc(4_000_000));
        stream.end(HEAD);
      },
      { lingerMs: 4_000 },
    );
    const peer = begin([4, 2 ** 31 - 1]);
    peer.send(more(0, 2 ** 31 - 1 - WINDOW));
    await heard(peer);
    peer.send(call(1, '/', {}, FLAG.END_HEADERS | FLAG.END_STREAM));
    peer.socket.pause();
    await expect.poll(() => server.requests.length).toBe(1);
    server.connections[0]?.drain();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    // It tells that it takes more, which nobody must mind.
    peer.send(more(0, 1));
    peer.socket.resume();
    await expect.poll(() => isDone(peer, 1), { timeout: 10_000 }).toBe(true);
    expect(bodyOf(peer, 1).length).toBe(4_000_000);
    await peer.closed;
  });

  test('lets calls finish, refuses others so that they may be tried elsewhere, and closes', async () => {
    const waiting: (() => void)[] = [];
    const { server, peer: begin } = await serving(
      (request) => void waiting.push(() => echo(request)),
    );
    const peer = begin();
    peer.send(call(1, '/'), data(1, Buffer.from('x'), true));
    await expect.poll(() => waiting.length).toBe(1);
    server.connections[0]?.drain();
    await expect.poll(() => goaways(peer)).toEqual([0]);
    expect(codesOf(peer, FRAME.GOAWAY)).toEqual([1]);
    peer.send(call(3, '/'), data(3, Buffer.from('y'), true));
    await expect.poll(() => resets(peer)).toEqual([7]);
    expect(server.closed()).toBe(0);
    waiting[0]?.();
    await expect.poll(() => isDone(peer, 1)).toBe(true);
    await peer.closed;
    expect(server.closed()).toBe(1);
    expect(server.requests.length).toBe(1);
  });

  test('without calls closes at once', async () => {
    const { server, peer: begin } = await serving();
    const peer = begin();
    await heard(peer);
    server.connections[0]?.drain();
    await peer.closed;
    expect(goaways(peer)).toEqual([0]);
  });
});

test('a sign of life is the answer to what was asked, and no other', async () => {
  const { server, peer: begin } = await serving();
  const peer = begin();
  await heard(peer);
  let signs = 0;
  server.connections[0]?.ping(() => void (signs += 1));
  await expect.poll(() => peer.of(FRAME.PING).at(-1)?.flags).toBe(0);
  const asked = peer.of(FRAME.PING).at(-1)?.payload ?? Buffer.alloc(8);
  peer.send(frame(FRAME.PING, FLAG.ACK, 0, Buffer.alloc(8)));
  await heard(peer);
  expect(signs).toBe(0);
  peer.send(frame(FRAME.PING, FLAG.ACK, 0, asked), frame(FRAME.PING, FLAG.ACK, 0, asked));
  await heard(peer);
  expect(signs).toBe(1);
});

describe('a connection is ended', () => {
  const CANCEL = Buffer.from([0, 0, 0, 8]);

  test.each([
    ['resets of calls', (id: number) => [call(id, '/'), frame(FRAME.RST_STREAM, 0, id, CANCEL)]],
    ['errors on calls', (id: number) => [call(id, '/'), more(id, 0)]],
  ])('by more %s in a second than may be', async (_what, one) => {
    const { server, peer: begin } = await serving(echo, { resetsPerSecondMax: 20 });
    const peer = begin();
    for (let at = 0; at < 20; at += 1) peer.send(...one(1 + 2 * at));
    await heard(peer);
    expect(goaways(peer)).toEqual([]);
    server.connections[0]?.beginSecond();
    for (let at = 20; at < 41; at += 1) peer.send(...one(1 + 2 * at));
    await expect.poll(() => goaways(peer)).toEqual([11]);
    await peer.closed;
    expect(server.requests.every(({ closed }) => closed === 1)).toBe(true);
    expect(server.closed()).toBe(1);
  });

  test.each([
    ['pings', PING],
    ['settings', frame(FRAME.SETTINGS, 0, 0)],
    ['priorities', frame(FRAME.PRIORITY, 0, 1, Buffer.alloc(5))],
    ['frames of unknown types', frame(0xee, 0, 0)],
    ['acknowledged pings', frame(FRAME.PING, FLAG.ACK, 0, Buffer.alloc(8))],
    ['acknowledged settings', frame(FRAME.SETTINGS, FLAG.ACK, 0)],
    ['goodbyes', frame(FRAME.GOAWAY, 0, 0, Buffer.alloc(8))],
    ['DATA of nothing', frame(FRAME.DATA, 0, 1)],
    ['calls that are refused', undefined],
  ])('by more %s in a second than may be', async (_what, one) => {
    const { server, peer: begin } = await serving(echo, {
      controlsPerSecondMax: 50,
      streamsMax: 1,
    });
    const peer = begin();
    peer.send(call(1, '/'));
    await expect.poll(() => server.requests.length).toBe(1);
    for (let at = 0; at < 60; at += 1) peer.send(one ?? call(3 + 2 * at, '/'));
    await expect.poll(() => goaways(peer)).toEqual([11]);
    await peer.closed;
    expect(server.requests[0]?.closed).toBe(1);
  });

  test.each([
    ['one that is no flag', [2, 2], 1],
    ['a frame size below the least', [5, 16_383], 1],
    ['a frame size beyond the most', [5, 2 ** 24], 1],
    ['a window beyond the most', [4, 2 ** 31], 3],
  ] as const)('by settings with %s', async (_what, pair, code) => {
    const { peer: begin } = await serving();
    const peer = begin();
    peer.send(settings(pair));
    await expect.poll(() => goaways(peer)).toEqual([code]);
  });

  test('by more settings in a frame than there are', async () => {
    const { peer: begin } = await serving();
    const peer = begin();
    peer.send(settings(...Array.from({ length: 32 }, () => [4, 1_000] as const)));
    await heard(peer);
    expect(goaways(peer)).toEqual([]);
    peer.send(settings(...Array.from({ length: 33 }, () => [4, 1_000] as const)));
    await expect.poll(() => goaways(peer)).toEqual([11]);
  });

  test('by the preface of another protocol, without anything else', async () => {
    const { server } = await serving();
    const peer = new RawPeer(dialTo(server.address));
    peer.send(Buffer.from('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'));
    await peer.closed;
    expect(server.closed()).toBe(1);
  });

  test('where its peer goes on without reading why', async () => {
    const { server, peer: begin } = await serving();
    const peer = begin();
    peer.send(call(1, '/'), frame(FRAME.DATA, 0, 99, Buffer.alloc(1)));
    await expect.poll(() => goaways(peer)).toEqual([1]);
    const flood = Buffer.alloc(100_000);
    const began = performance.now();
    while (!peer.socket.destroyed && performance.now() - began < 5_000) await peer.sent(flood);
    await peer.closed;
    expect(server.requests[0]?.closed).toBe(1);
  });
});
