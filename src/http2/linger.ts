import type { Socket } from 'node:net';

/** How much of what the peer still sends is read and thrown away, in bytes. */
const LINGER_BYTES = 1_048_576;

/**
 * Closes a socket after what was written. Until the peer has closed too, or nothing came of it for so
 * long, it is read from: one that is closed while something of the peer's is unread takes back what the
 * peer was told and has not read.
 */
export function linger(socket: Socket, silenceMsMax: number): void {
  let left = LINGER_BYTES;
  const timer = setTimeout(() => socket.destroy(), silenceMsMax);
  socket.removeAllListeners('data');
  socket.on('data', (bytes: Buffer) => {
    left -= bytes.length;
    if (left < 0) socket.destroy();
    else timer.refresh();
  });
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
  socket.end();
}
