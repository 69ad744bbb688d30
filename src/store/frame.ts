import { crc32 } from 'node:zlib';
import { CorruptRecord } from '../ledger/store.js';

/** The version of the frame around every record. */
const FRAME_VERSION = 1;

/** Bytes in front of every record's message: the frame's version and the CRC-32 of the message. */
export const FRAME_BYTES = 5;

/** What an error met while reading a record says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Fills the frame in front of a message that begins at `start + FRAME_BYTES`. */
export function sealFrame(buffer: Buffer, start: number): void {
  buffer[start] = FRAME_VERSION;
  buffer.writeUInt32BE(crc32(buffer.subarray(start + FRAME_BYTES)), start + 1);
}

/** The message inside a frame. Throws CorruptRecord when the check value disagrees. */
export function openFrame(table: string, value: Buffer): Buffer {
  if (value.length < FRAME_BYTES) throw new CorruptRecord(`${table}: a record is cut short`);
  if (value[0] !== FRAME_VERSION) {
    throw new CorruptRecord(`${table}: a record has the unknown frame version ${value[0] ?? 0}`);
  }
  const message = value.subarray(FRAME_BYTES);
  if (crc32(message) !== value.readUInt32BE(1)) {
    throw new CorruptRecord(`${table}: the check value of a record disagrees with its bytes`);
  }
  return message;
}

/** Opens a frame and reads its message. Throws CorruptRecord when either cannot be. */
export function readFrame<T>(table: string, value: Buffer, decode: (message: Uint8Array) => T): T {
  const message = openFrame(table, value);
  try {
    return decode(message);
  } catch (error) {
    if (error instanceof CorruptRecord) throw error;
    throw new CorruptRecord(`${table}: a record cannot be read. ${messageOf(error)}`);
  }
}
