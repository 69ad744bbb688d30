/** What a connection sends, as bytes: as much as its peer takes, and who has to wait. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FLAG, FRAME, call, fields, frame, settings } from '../support/http2-frames.js';
import { PING, WINDOW, bodyOf, heard, isDone, more, serving } from './support/peer.js';
import { type Answer, HEAD, TRAILERS, echo } from './support/server.js';

describe('what is sent', () => {
  const large =
    (bytes: number): Answer =>
    ({ stream }) => {
      stream.respond(HEAD);
      stream.write(Buffer.alloc(bytes, 'x'));
      stream.end(TRAILERS);
    };

  test('waits for the window of the connection, and goes on as it opens', async () => {
    const { peer: begin } = await serving(large(100_000));
    const peer = begin([4, 1_000_000]);
    peer.send(call(1, '/', {}, FLAG.END_HEADERS | FLAG.END_STREAM));
    await expect.poll(() => bodyOf(peer, 1).length).toBe(WINDOW);
    peer.send(more(0, 10));
    await expect.poll(() => bodyOf(peer, 1).length).toBe(WINDOW + 10);
    expect(isDone(peer, 1)).toBe(false);
    peer.send(more(0, 1_000_000));
    await expect.poll(() => isDone(peer, 1)).toBe(true);
    expect(bodyOf(peer, 1).length).toBe(100_000);
  });

  test('waits for the window of its stream, which settings widen and narrow', async () => {
    const { peer: begin } = await serving(large(5_000));
    const peer = begin([4, 1_000]);
    peer.send(call(1, '/', {}, FLAG.END_HEADERS | FLAG.END_STREAM));
    await expect.poll(() => bodyOf(peer, 1).length).toBe(1_000);
    // Now 500 were sent too many.
    peer.send(settings([4, 500]), more(1, 400));
    await heard(peer);
    expect(bodyOf(peer, 1).length).toBe(1_000);
    peer.send(more(1, 200));
    await expect.poll(() => bodyOf(peer, 1).length).toBe(1_100);
    peer.send(settings([4, 5_000]));
    await expect.poll(() => isDone(peer, 1)).toBe(true);
    expect(bodyOf(peer, 1).length).toBe(5_000);
  });

  test('comes whole and in order, whatever windows open when', async () => {
    const size = fc.integer({ min: 1, max: 60_000 });
    const update = fc.record({ stream: fc.nat(4), bytes: fc.integer({ min: 1, max: 30_000 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(size, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: 20_000 }),
        fc.array(update, { maxLength: 40 }),
        async (sizes, window, updates) => {
          const { server, peer: begin } = await serving(({ stream }) => {
            stream.respond(HEAD);
            const bytes = Buffer.alloc(sizes[(stream.id - 1) / 2] ?? 0);
            for (let at = 0; at < bytes.length; at += 1) bytes[at] = (at * 7 + stream.id) % 251;
            for (let at = 0; at < bytes.length; at += 9_000) {
              stream.write(bytes.subarray(at, at + 9_000));
            }
            stream.end(TRAILERS);
          });
          const peer = begin([4, window]);
          const credit = new Map<number, number>([[0, WINDOW]]);
          for (const at of sizes.keys()) {
            credit.set(1 + 2 * at, window);
            peer.send(call(1 + 2 * at, '/', {}, FLAG.END_HEADERS | FLAG.END_STREAM));
          }
          const give = (stream: number, bytes: number): void => {
            if (isDone(peer, stream)) return;
            credit.set(stream, (credit.get(stream) ?? 0) + bytes);
            peer.send(more(stream, bytes));
          };
          for (const { stream, bytes } of updates) {
            const id = stream === 0 ? 0 : 1 + 2 * ((stream - 1) % sizes.length);
            give(id, bytes);
            await heard(peer);
            let all = 0;
            for (const at of sizes.keys()) {
              const sent = bodyOf(peer, 1 + 2 * at).length;
              expect(sent).toBeLessThanOrEqual(credit.get(1 + 2 * at) ?? 0);
              all += sent;
            }
            expect(all).toBeLessThanOrEqual(credit.get(0) ?? 0);
          }
          give(0, 1_000_000);
          for (const at of sizes.keys()) give(1 + 2 * at, 1_000_000);
          for (const [at, bytes] of sizes.entries()) {
            const id = 1 + 2 * at;
            await expect.poll(() => isDone(peer, id)).toBe(true);
            const body = bodyOf(peer, id);
            expect(body.length).toBe(bytes);
            expect(body.every((byte, place) => byte === (place * 7 + id) % 251)).toBe(true);
          }
          expect(server.requests.every(({ closed }) => closed === 1)).toBe(true);
          await server.close();
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);

  test('is shared by all who wait', async () => {
    const { peer: begin } = await serving(large(200_000));
    const peer = begin([4, 1_000_000]);
    for (const id of [1, 3, 5]) peer.send(call(id, '/', {}, FLAG.END_HEADERS | FLAG.END_STREAM));
    await heard(peer);
    peer.send(more(0, 150_000));
    await expect
      .poll(() => [1, 3, 5].reduce((sum, id) => sum + bodyOf(peer, id).length, 0))
      .toBe(WINDOW + 150_000);
    for (const id of [1, 3, 5]) expect(bodyOf(peer, id).length).toBeGreaterThan(30_000);
  });

  test('tells who writes to wait, and when to go on', async () => {
    const { server, peer: begin } = await serving(({ stream }) => {
      stream.respond(HEAD);
      expect(stream.write(Buffer.alloc(1_000))).toBe(true);
      expect(stream.write(Buffer.alloc(20_000))).toBe(false);
    });
    const peer = begin([4, 1_500]);
    peer.send(call(1, '/', {}, FLAG.END_HEADERS | FLAG.END_STREAM));
    await expect.poll(() => bodyOf(peer, 1).length).toBe(1_500);
    expect(server.requests[0]?.drained).toBe(0);
    peer.send(more(1, 100_000));
    await expect.poll(() => server.requests[0]?.drained).toBe(1);
    server.requests[0]?.stream.end(TRAILERS);
    await expect.poll(() => isDone(peer, 1)).toBe(true);
  });

  test('to a peer that does not read waits here, and comes whole when it reads again', async () => {
    const { server, peer: begin } = await serving(large(60_000));
    const peer = begin([4, 2 ** 31 - 1]);
    await heard(peer);
    peer.send(more(0, 2 ** 31 - 1 - WINDOW));
    peer.socket.pause();
    const waits = () => server.requests.filter(({ stream }) => stream.waitingBytes > 0).length;
    let id = 1;
    for (; id < 2_000 && waits() < 50; id += 2) {
      peer.send(call(id, '/', {}, FLAG.END_HEADERS | FLAG.END_STREAM));
      await new Promise(setImmediate);
    }
    expect(waits()).toBe(50);
    // What the socket holds is one frame more than what Node calls enough, and heads.
    expect(server.connections[0]?.socket.writableLength).toBeLessThan(100_000);
    peer.socket.resume();
    for (let at = 1; at < id; at += 2) {
      await expect.poll(() => isDone(peer, at)).toBe(true);
      expect(bodyOf(peer, at).length).toBe(60_000);
    }
  });

  test('leaves in any order, and nothing of what was reset in between', async () => {
    const { peer: begin } = await serving(large(70_000));
    const peer = begin([4, 1_000]);
    const ids = Array.from({ length: 40 }, (_, at) => 1 + 2 * at);
    for (const id of ids) peer.send(call(id, '/', {}, FLAG.END_HEADERS | FLAG.END_STREAM));
    await heard(peer);
    const [reset, kept] = [ids.filter((id) => id % 3 === 0), ids.filter((id) => id % 3 !== 0)];
    for (const id of reset) peer.send(frame(FRAME.RST_STREAM, 0, id, Buffer.of(0, 0, 0, 8)));
    peer.send(more(0, 10_000_000));
    for (const id of kept.toReversed()) {
      peer.send(more(id, 100_000));
      await expect.poll(() => isDone(peer, id), { interval: 1 }).toBe(true);
      expect(bodyOf(peer, id).length).toBe(70_000);
    }
    for (const id of reset) expect(bodyOf(peer, id).length).toBe(1_000);
  });

  test('of answers that no window lets through closes the connection beyond its bound', async () => {
    const { server, peer: begin } = await serving(large(60_000), { outputBytesMax: 200_000 });
    const peer = begin([4, 0]);
    for (const id of [1, 3, 5]) peer.send(call(id, '/', {}, FLAG.END_HEADERS | FLAG.END_STREAM));
    await heard(peer);
    // What was reset does not wait any more.
    peer.send(frame(FRAME.RST_STREAM, 0, 1, Buffer.of(0, 0, 0, 8)));
    peer.send(call(7, '/', {}, FLAG.END_HEADERS | FLAG.END_STREAM));
    await heard(peer);
    expect(server.closed()).toBe(0);
    peer.send(call(9, '/', {}, FLAG.END_HEADERS | FLAG.END_STREAM));
    await peer.closed;
    expect(server.requests.map(({ closed }) => closed)).toEqual([1, 1, 1, 1, 1]);
  });

  test('beside answers to a peer that does not read ends what is read of it', async () => {
    const { server, peer: begin } = await serving(echo, { controlsPerSecondMax: 1e9 });
    const peer = begin();
    await heard(peer);
    peer.socket.pause();
    const { socket } = server.connections[0] ?? {};
    const pings = Buffer.concat(Array.from({ length: 1_000 }, () => PING));
    let sent = 1;
    for (; sent < 3_000 && socket?.isPaused() === false; sent += 1_000) {
      peer.send(...Array.from({ length: 200 }, () => pings));
      await new Promise((resolve) => setTimeout(resolve, 10));
      if (sent > 100_000) break;
    }
    await expect.poll(() => socket?.isPaused()).toBe(true);
    expect(socket?.writableLength).toBeLessThan(2_000_000);
    // It is read from again as it reads.
    peer.socket.resume();
    await expect.poll(() => socket?.isPaused()).toBe(false);
    peer.send(call(1, '/', {}, FLAG.END_HEADERS | FLAG.END_STREAM));
    await expect.poll(() => isDone(peer, 1), { timeout: 10_000 }).toBe(true);
  });

  test('of many header fields takes as many frames as it needs', async () => {
    const { peer: begin } = await serving(({ stream }) => {
      stream.end(Buffer.concat([HEAD, fields({ x: 'y'.repeat(40_000) })]));
    });
    const peer = begin();
    peer.send(call(1, '/', {}, FLAG.END_HEADERS | FLAG.END_STREAM));
    await heard(peer);
    const parts = [...peer.of(FRAME.HEADERS, 1), ...peer.of(FRAME.CONTINUATION, 1)];
    expect(parts.map(({ flags, payload }) => [flags, payload.length > 16_384])).toEqual([
      [FLAG.END_STREAM, false],
      [0, false],
      [FLAG.END_HEADERS, false],
    ]);
  });
});
