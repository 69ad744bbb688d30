import type { Socket } from 'node:net';
import { PREFACE } from '../http2/frames.js';

/** What a connection speaks. */
export type Protocol = 'http1' | 'http2';

/**
 * Looks at the first bytes of a connection, puts them back and says what it speaks. A peer that
 * does not begin within `msMax`, or leaves before, is closed and never spoken of.
 */
export function sniff(socket: Socket, msMax: number, decided: (protocol: Protocol) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const stop = (): void => {
    clearTimeout(timer);
    socket.off('readable', look);
    socket.off('end', leave);
    socket.off('close', stop);
  };
  const leave = (): void => void socket.destroy();
  const look = (): void => {
    const bytes = socket.read() as Buffer | null;
    if (bytes === null) return;
    seen = seen.length === 0 ? bytes : Buffer.concat([seen, bytes]);
    const length = Math.min(seen.length, PREFACE.length);
    const isPreface = PREFACE.subarray(0, length).equals(seen.subarray(0, length));
    if (isPreface && length < PREFACE.length) return;
    stop();
    socket.unshift(seen);
    decided(isPreface ? 'http2' : 'http1');
  };
  const timer = setTimeout(leave, msMax);
  // Resets come as errors, before and after the decision; the close that follows is what counts.
  socket.on('error', () => undefined);
  socket.on('readable', look);
  socket.on('end', leave);
  socket.on('close', stop);
}
