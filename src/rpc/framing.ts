import { inflatedBytes } from './arrivals.js';

/**
 * Where a stream of length-prefixed messages stands: one byte that says whether the message is
 * compressed, four bytes of length, the message (gRPC over HTTP/2).
 */
export interface Framing {
  /** Bytes of the prefix of the next message that have come, 0..5. */
  prefix: number;
  /** The length as far as it has come. */
  length: number;
  isCompressed: boolean;
  /** Bytes of the message in progress that have come, without the prefix. */
  held: number;
  /** Messages that have come whole. */
  messages: number;
  /** What the compressed messages that came last may become, an unfinished one included. */
  inflatedBytes: number;
}

const PREFIX_BYTES = 5;

/** The beginning of a stream. */
export function startFraming(): Framing {
  return { prefix: 0, length: 0, isCompressed: false, held: 0, messages: 0, inflatedBytes: 0 };
}

/** Follows the next bytes of a stream whose messages may be so large, decompressed. */
export function follow(framing: Framing, bytes: Buffer, messageBytesMax: number): void {
  // Nearly every call is one message in one piece.
  if (framing.prefix === 0 && bytes.length >= PREFIX_BYTES && bytes[0] === 0) {
    if (bytes.readUInt32BE(1) === bytes.length - PREFIX_BYTES) {
      framing.messages += 1;
      framing.inflatedBytes = 0;
      return;
    }
  }
  framing.inflatedBytes = 0;
  let at = 0;
  while (at < bytes.length) {
    if (framing.prefix < PREFIX_BYTES) {
      takePrefix(framing, bytes[at] ?? 0);
      at += 1;
    } else {
      const taken = Math.min(bytes.length - at, framing.length - framing.held);
      framing.held += taken;
      at += taken;
    }
    if (framing.prefix === PREFIX_BYTES && framing.held === framing.length) {
      if (framing.isCompressed) inflate(framing, messageBytesMax);
      framing.messages += 1;
      framing.prefix = 0;
      framing.held = 0;
      framing.isCompressed = false;
    }
  }
  if (framing.isCompressed) inflate(framing, messageBytesMax);
}

function inflate(framing: Framing, messageBytesMax: number): void {
  framing.inflatedBytes += inflatedBytes(framing.held, messageBytesMax);
}

function takePrefix(framing: Framing, byte: number): void {
  if (framing.prefix === 0) {
    framing.isCompressed = byte !== 0;
    framing.length = 0;
  } else {
    framing.length = framing.length * 256 + byte;
  }
  framing.prefix += 1;
}
