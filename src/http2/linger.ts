import type { Socket } from 'node:net';

/** How long the peer has to read what it was told last, in milliseconds. */
const LINGER_MS = 1_000;

/** How much of what it still sends is read meanwhile and thrown away, in bytes. */
const LINGER_BYTES = 1_048_576;

/**
 * Closes a socket after what was written. One that is closed while something of the peer's is unread
 * takes back what the peer was told.
 */
export function linger(socket: Socket): void {
  let left = LINGER_BYTES;
  socket.removeAllListeners('data');
  socket.on('data', (bytes: Buffer) => {
    left -= bytes.length;
    if (left < 0) socket.destroy();
  });
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.end();
}
