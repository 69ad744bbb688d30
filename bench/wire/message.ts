/** Bytes in front of each message on a gRPC call: whether it is compressed, and its length. */
export const PREFIX_BYTES = 5;

/** A message as it goes over the wire, not compressed. */
export function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, PREFIX_BYTES);
  return bytes;
}
