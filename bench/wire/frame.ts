/** The frames of HTTP/2 that a load client meets (RFC 9113, section 6). */
export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
} as const;

/** Flags of frames: the same bit says END_STREAM on data and headers, ACK on settings and pings. */
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4 } as const;

/** Bytes in front of every frame's payload. */
export const FRAME_HEAD_BYTES = 9;

/** The largest payload that every peer takes. */
export const FRAME_BYTES_MAX = 16_384;

/** What a connection begins with. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Makes one frame. */
export function frameOf(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + payload.length);
  frame.writeUIntBE(payload.length, 0, 3);
  frame[3] = type;
  frame[4] = flags;
  frame.writeUInt32BE(stream, 5);
  frame.set(payload, FRAME_HEAD_BYTES);
  return frame;
}

/** Four bytes, as settings and window updates carry numbers. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A header block of literals: the plainest form of HPACK (RFC 7541, section 6.2.2). */
export function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(headers).flatMap(([name, value]) => [
    Buffer.of(0),
    shortString(name),
    shortString(value),
  ]);
  return Buffer.concat(parts);
}

/** Lengths below 127 take one byte. */
function shortString(text: string): Buffer {
  if (text.length >= 127) throw new Error(`${text} is too long for a benchmark's header`);
  return Buffer.concat([Buffer.of(text.length), Buffer.from(text, 'latin1')]);
}
