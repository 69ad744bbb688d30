import { hash } from 'node:crypto';

/**
 * The SHA-256 of bytes, or of a text in UTF-8. Taken as a text of bytes: where Node makes the buffer
 * itself, it lies outside of the heap, which takes twice the time (1.8 against 1.0 us) of each spend's two.
 */
export function sha256(data: string | Uint8Array): Buffer {
  return Buffer.from(hash('sha256', data, 'binary'), 'latin1');
}
