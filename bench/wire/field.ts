/** The first value of a field of a protobuf message, read without decoding the others. */
export function fieldOf(message: Buffer, wanted: number): number | Buffer | undefined {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const value = varint();
    const isBytes = (tag & 7) === 2;
    const start = at;
    if (isBytes) at += value;
    if (tag >>> 3 === wanted) return isBytes ? message.subarray(start, at) : value;
  }
  return undefined;
}
