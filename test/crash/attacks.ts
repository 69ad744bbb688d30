/** What hostile peers do, bounded in count and time. Each resolves when it is over. */
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { Dial } from '../support/dial.js';
import {
  FRAME,
  PREFACE,
  RawPeer,
  call,
  callFields,
  data,
  fields,
  frame,
  message,
  settings,
} from '../support/http2-frames.js';

const SPEND = '/safeguards.v1.BudgetService/Spend';
const STREAM = '/safeguards.v1.BudgetService/SpendStream';
const BATCH = '/safeguards.v1.BudgetService/BatchSpend';
const WATCH = '/safeguards.v1.ViolationService/WatchViolations';

/** Carries an attack out against whom it can dial. */
export type Attack = (dial: Dial) => Promise<void>;

/** The ids of client streams: odd numbers. */
const streamAt = (at: number): number => 1 + 2 * at;

async function withPeers(
  dial: Dial,
  count: number,
  run: (peer: RawPeer) => Promise<void>,
  pairs: readonly (readonly [number, number])[] = [],
): Promise<void> {
  const peers = Array.from({ length: count }, () => RawPeer.begin(dial, ...pairs));
  await Promise.all(peers.map(run));
  for (const peer of peers) peer.close();
  await Promise.all(peers.map((peer) => peer.closed));
}

/** Sends the same bytes until the connection is closed or they were sent often enough. */
async function repeat(peer: RawPeer, bytes: Buffer, times: number): Promise<void> {
  for (let at = 0; at < times && !peer.socket.destroyed; at += 1) await peer.sent(bytes);
}

/** A connection that never listens and does not mind how it ends. */
export function opened(dial: Dial): Socket {
  const socket = dial();
  socket.on('error', () => undefined);
  socket.resume();
  return socket;
}

/** Settles when a connection is closed by whoever. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('close', () => resolve());
  });
}

/** Drips bytes, one at a time, until the other side has enough of it. */
export function drip(dial: Dial, bytes: Buffer, everyMs: number): Promise<void> {
  const socket = opened(dial);
  let at = 0;
  const timer = setInterval(() => {
    socket.write(bytes.subarray(at % bytes.length, (at % bytes.length) + 1));
    at += 1;
  }, everyMs);
  return closed(socket).finally(() => clearInterval(timer));
}

/** As many as wanted, each made from its place. */
export const many = <T>(count: number, make: (at: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, at) => make(at));

const bomb = message(gzipSync(Buffer.alloc(4_000_000)), true);
const gzip = { 'grpc-encoding': 'gzip' };

/** Attacks on the bounds. The sidecar is given short times, so that each is over soon. */
export const ATTACKS = {
  'more connections than there may be': async (dial) => {
    const sockets = many(600, () => opened(dial));
    // Those that were taken never say anything.
    await Promise.all(sockets.map(closed));
  },
  'calls that never bring their request': (dial) =>
    withPeers(dial, 8, async (peer) => {
      peer.send(...many(1_000, (at) => call(streamAt(at), SPEND)));
      await repeat(peer, frame(FRAME.PING, 0, 0, Buffer.alloc(8)), 1);
      await Promise.race([peer.closed, refusals(peer, 900)]);
    }),
  'rapid resets': (dial) =>
    withPeers(dial, 10, async (peer) => {
      const cancel = Buffer.from([0, 0, 0, 8]);
      for (let at = 0; at < 10_000 && !peer.socket.destroyed; at += 100) {
        const burst = many(100, (more) => {
          const stream = streamAt(at + more);
          return Buffer.concat([call(stream, SPEND), frame(FRAME.RST_STREAM, 0, stream, cancel)]);
        });
        await peer.sent(...burst);
      }
    }),
  'header blocks without end': (dial) =>
    withPeers(dial, 10, async (peer) => {
      peer.send(frame(FRAME.HEADERS, 0, 1, fields(callFields(SPEND))));
      const more = frame(FRAME.CONTINUATION, 0, 1, fields({ x: 'y'.repeat(16_000) }));
      await repeat(peer, more, 1_000);
    }),
  'empty header blocks without end': (dial) =>
    withPeers(dial, 10, async (peer) => {
      peer.send(frame(FRAME.HEADERS, 0, 1, fields(callFields(SPEND))));
      const empty = Buffer.concat(many(1_000, () => frame(FRAME.CONTINUATION, 0, 1)));
      await repeat(peer, empty, 100);
    }),
  'slow headers over HTTP/1.1': async (dial) => {
    const head = Buffer.from('POST / HTTP/1.1\r\nhost: localhost\r\nx: ');
    await Promise.all(many(100, () => drip(dial, head, 50)));
  },
  'a slow preface': async (dial) => {
    await Promise.all(many(100, () => drip(dial, PREFACE.subarray(0, 20), 200)));
  },
  'slow headers over HTTP/2': async (dial) => {
    const slow = fields({ ...callFields(SPEND), x: 'y'.repeat(4_000) });
    const bytes = Buffer.concat([PREFACE, settings(), frame(FRAME.HEADERS, 4, 1, slow)]);
    await Promise.all(
      many(100, async () => {
        const socket = opened(dial);
        socket.write(bytes.subarray(0, 100));
        let at = 100;
        const timer = setInterval(() => socket.write(bytes.subarray(at, (at += 1))), 50);
        await closed(socket).finally(() => clearInterval(timer));
      }),
    );
  },
  'half-open peers': (dial) =>
    withPeers(dial, 100, async (peer) => {
      // Nothing that comes is read, so that only a write can tell that the connection is gone.
      peer.socket.pause();
      const window = frame(FRAME.WINDOW_UPDATE, 0, 0, Buffer.from([0, 0, 0, 1]));
      const timer = setInterval(() => peer.send(window), 200);
      await peer.closed.finally(() => clearInterval(timer));
    }),
  'pings without end': (dial) =>
    withPeers(dial, 4, async (peer) => {
      const pings = many(1_000, () => frame(FRAME.PING, 0, 0, Buffer.alloc(8)));
      await repeat(peer, Buffer.concat(pings), 200);
    }),
  'settings without end, whose acknowledgements nobody reads': (dial) =>
    withPeers(dial, 4, async (peer) => {
      peer.socket.pause();
      await repeat(peer, Buffer.concat(many(1_000, () => settings([3, 100]))), 200);
    }),
  'window updates, priorities and empty data without end': (dial) =>
    withPeers(dial, 4, async (peer) => {
      peer.send(call(1, STREAM));
      const window = frame(FRAME.WINDOW_UPDATE, 0, 0, Buffer.from([0, 0, 0, 1]));
      const priority = frame(FRAME.PRIORITY, 0, 3, Buffer.from([0, 0, 0, 0, 16]));
      const noise = Buffer.concat([window, priority, frame(FRAME.DATA, 0, 1)]);
      await repeat(peer, Buffer.concat(many(500, () => noise)), 100);
    }),
  'large messages that never end': (dial) =>
    withPeers(dial, 8, async (peer) => {
      const part = message(Buffer.alloc(15_000), false, 4_000_000);
      for (let at = 0; at < 100; at += 1) {
        await peer.sent(call(streamAt(at), SPEND), data(streamAt(at), part));
      }
      await Promise.race([peer.closed, refusals(peer, 90)]);
    }),
  'gzip bombs': (dial) =>
    withPeers(dial, 4, async (peer) => {
      for (let at = 0; at < 100; at += 1) {
        await peer.sent(call(streamAt(at), SPEND, gzip), data(streamAt(at), bomb, true));
      }
      await Promise.race([peer.closed, refusals(peer, 100)]);
    }),
  'gzip bombs in one stream': (dial) =>
    withPeers(dial, 8, async (peer) => {
      peer.send(call(1, STREAM, gzip));
      // As much as the window of a stream lets through.
      peer.send(data(1, Buffer.concat(many(12, () => bomb))));
      await Promise.race([peer.closed, refusals(peer, 1)]);
    }),
  'large answers that no window lets through': (dial) =>
    withPeers(
      dial,
      1,
      async (peer) => {
        // A thousand empty items, each of which is refused with what is wrong with it.
        const items = message(Buffer.concat(many(1_000, () => Buffer.from([0x0a, 0]))));
        for (let at = 0; at < 500 && !peer.socket.destroyed; at += 1) {
          await peer.sent(call(streamAt(at), BATCH), data(streamAt(at), items, true));
        }
        await peer.closed;
      },
      // SETTINGS_INITIAL_WINDOW_SIZE: nothing may be sent.
      [[4, 0]],
    ),
  'streams whose events nobody reads': (dial) =>
    withPeers(
      dial,
      4,
      async (peer) => {
        const request = message(Buffer.from([0x10, 0x01]));
        const calls = many(200, (at) =>
          Buffer.concat([call(streamAt(at), WATCH), data(streamAt(at), request, true)]),
        );
        await peer.sent(...calls);
        await Promise.race([peer.closed, refusals(peer, 200)]);
      },
      // SETTINGS_INITIAL_WINDOW_SIZE: nothing may be sent.
      [[4, 0]],
    ),
} satisfies Readonly<Record<string, Attack>>;

/** Settles when so many streams were answered or reset. */
function refusals(peer: RawPeer, count: number): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      const ended = new Set(
        peer.heard
          .filter(({ type }) => type === FRAME.HEADERS || type === FRAME.RST_STREAM)
          .map(({ stream }) => stream),
      );
      if (ended.size < count) return;
      peer.socket.off('data', look);
      resolve();
    };
    peer.socket.on('data', look);
    look();
  });
}
