/** A peer that speaks HTTP/2 by hand to a bare server, and what it heard. */
import { expect, onTestFinished } from 'vitest';
import type { ConnectionLimits } from '../../../src/http2/connection.js';
import { FLAG, FRAME, RawPeer, frame } from '../../support/http2-frames.js';
import { type Answer, bareServer, echo } from './server.js';

export const WINDOW = 65_535;
export const PING = frame(FRAME.PING, 0, 0, Buffer.alloc(8));

/** Window update. */
export function more(stream: number, bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(FRAME.WINDOW_UPDATE, 0, stream, payload);
}

export async function serving(answer: Answer = echo, limits: Partial<ConnectionLimits> = {}) {
  const server = await bareServer(answer, limits);
  onTestFinished(() => server.close());
  const peer = (...pairs: readonly (readonly [number, number])[]) => {
    const made = RawPeer.begin(server.address, ...pairs);
    onTestFinished(() => made.close());
    return made;
  };
  return { server, peer };
}

export const bodyOf = (peer: RawPeer, stream: number): Buffer =>
  Buffer.concat(peer.of(FRAME.DATA, stream).map(({ payload }) => payload));
const lastOf = (peer: RawPeer, stream: number) => peer.of(FRAME.HEADERS, stream).at(-1);
export const isDone = (peer: RawPeer, stream: number): boolean =>
  ((lastOf(peer, stream)?.flags ?? 0) & FLAG.END_STREAM) !== 0;
export const codesOf = (peer: RawPeer, type: number, at = 0): readonly number[] =>
  peer.of(type).map(({ payload }) => payload.readUInt32BE(at));
export const goaways = (peer: RawPeer): readonly number[] => codesOf(peer, FRAME.GOAWAY, 4);
export const resets = (peer: RawPeer): readonly number[] => codesOf(peer, FRAME.RST_STREAM);

/** All that was sent before has been read. */
export async function heard(peer: RawPeer): Promise<void> {
  const before = peer.of(FRAME.PING).length;
  peer.send(PING);
  await expect.poll(() => peer.of(FRAME.PING).length, { interval: 1 }).toBe(before + 1);
}
