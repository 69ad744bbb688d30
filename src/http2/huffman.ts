/**
 * The code of RFC 7541, appendix B, is canonical: the codes of one length are consecutive numbers, in the
 * order of their symbols, after those of the lengths before. So the lengths are all there is to know.
 */
const SYMBOLS_OF_LENGTH: Readonly<Record<number, readonly number[]>> = {
  5: [48, 49, 50, 97, 99, 101, 105, 111, 115, 116],
  6: [
    ...[32, 37, 45, 46, 47, 51, 52, 53, 54, 55, 56, 57, 61, 65, 95, 98, 100, 102, 103, 104, 108],
    ...[109, 110, 112, 114, 117],
  ],
  7: [
    ...[58, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87],
    ...[89, 106, 107, 113, 118, 119, 120, 121, 122],
  ],
  8: [38, 42, 44, 59, 88, 90],
  10: [33, 34, 40, 41, 63],
  11: [39, 43, 124],
  12: [35, 62],
  13: [0, 36, 64, 91, 93, 126],
  14: [94, 125],
  15: [60, 96, 123],
  19: [92, 195, 208],
  20: [128, 130, 131, 162, 184, 194, 224, 226],
  21: [153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230],
  22: [
    ...[129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186],
    ...[187, 189, 190, 196, 198, 228, 232, 233],
  ],
  23: [
    ...[1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166],
    ...[168, 174, 175, 180, 182, 183, 188, 191, 197, 231, 239],
  ],
  24: [9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237],
  25: [199, 207, 234, 235],
  26: [192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255],
  27: [
    ...[203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253],
    254,
  ],
  28: [
    ...[2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29],
    ...[30, 31, 127, 220, 249],
  ],
  // The last one is the end of the string, which nobody may send.
  30: [10, 13, 22, 256],
};

const END_OF_STRING = 256;
const LENGTH_MAX = 30;

/** By length: the first code, how many there are, and where their symbols begin. */
const first = new Int32Array(LENGTH_MAX + 1);
const count = new Int32Array(LENGTH_MAX + 1);
const offset = new Int32Array(LENGTH_MAX + 1);
const symbols: number[] = [];
for (let length = 1, code = 0; length <= LENGTH_MAX; length += 1) {
  const own = SYMBOLS_OF_LENGTH[length] ?? [];
  first[length] = code;
  count[length] = own.length;
  offset[length] = symbols.length;
  symbols.push(...own);
  code = (code + own.length) << 1;
}

/** Decodes a string, of latin1 characters. Undefined: it is none. */
export function decodeHuffman(bytes: Buffer, from: number, to: number): string | undefined {
  // No code is shorter than five bits.
  const text = Buffer.allocUnsafe(Math.ceil(((to - from) * 8) / 5));
  let length = 0;
  let code = 0;
  let bits = 0;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    for (let shift = 7; shift >= 0; shift -= 1) {
      code = (code << 1) | ((byte >>> shift) & 1);
      bits += 1;
      if (bits > LENGTH_MAX) return undefined;
      const place = code - (first[bits] ?? 0);
      if (place < 0 || place >= (count[bits] ?? 0)) continue;
      const symbol = symbols[(offset[bits] ?? 0) + place] ?? END_OF_STRING;
      if (symbol === END_OF_STRING) return undefined;
      text[length++] = symbol;
      code = 0;
      bits = 0;
    }
  }
  // What is left of the last byte is the beginning of the end of the string: ones.
  if (bits > 7 || code !== (1 << bits) - 1) return undefined;
  return text.toString('latin1', 0, length);
}
