import { formatAmount, type Amount } from '../domain/amount.js';

const VARINT = 0;
const DELIMITED = 2;

/**
 * Writes protobuf messages field by field into one growing buffer. The records and the answers of the
 * spend path are written with it because protobuf-es took a quarter of a spend's time for its records;
 * tests hold every byte equal to what protobuf-es writes. Fields go out in ascending order, defaults not at
 * all.
 */
export class WireWriter {
  #buffer = Buffer.allocUnsafe(16_384);
  #position = 0;

  /** Starts over, leaving `room` bytes in front for the caller to fill. */
  reset(room: number): void {
    this.#position = room;
  }

  /** What was written so far, room included: valid until the next write. */
  written(): Buffer {
    return this.#buffer.subarray(0, this.#position);
  }

  /** A copy of what was written so far. */
  copied(): Buffer {
    const copy = Buffer.allocUnsafe(this.#position);
    this.#buffer.copy(copy, 0, 0, this.#position);
    return copy;
  }

  /** An unsigned integer up to 2^53; 0 is the default. */
  uint(field: number, value: number): void {
    if (value === 0) return;
    this.#reserve(16);
    this.#varint((field << 3) | VARINT);
    this.#varint(value);
  }

  /** An unsigned integer that tells 0 from none. */
  optionalUint(field: number, value: number | undefined): void {
    if (value === undefined) return;
    this.#reserve(16);
    this.#varint((field << 3) | VARINT);
    this.#varint(value);
  }

  /** A boolean; false is the default. */
  bool(field: number, value: boolean): void {
    this.uint(field, value ? 1 : 0);
  }

  /** A string; the empty one is the default. */
  text(field: number, value: string): void {
    if (value === '') return;
    this.#reserve(value.length * 3 + 16);
    this.#varint((field << 3) | DELIMITED);
    this.#string(value);
  }

  /** An amount as canonical decimal; 0 is the default. */
  amount(field: number, value: Amount): void {
    if (value !== 0n) this.text(field, formatAmount(value));
  }

  /** An amount that tells 0 from none. */
  optionalAmount(field: number, value: Amount | undefined): void {
    if (value !== undefined) this.text(field, formatAmount(value));
  }

  /** Bytes; none is the default. */
  bytes(field: number, value: Uint8Array): void {
    if (value.length > 0) this.embedded(field, value);
  }

  /** The bytes of a message that was written elsewhere, the empty one included. */
  embedded(field: number, message: Uint8Array): void {
    this.#reserve(message.length + 16);
    this.#varint((field << 3) | DELIMITED);
    this.#varint(message.length);
    this.#buffer.set(message, this.#position);
    this.#position += message.length;
  }

  /** A packed list of unsigned integers. */
  packed(field: number, values: readonly number[]): void {
    if (values.length === 0) return;
    this.message(field, () => {
      this.#reserve(values.length * 8);
      for (const value of values) this.#varint(value);
    });
  }

  /** A repeated string, the empty one included. */
  texts(field: number, values: readonly string[]): void {
    for (const value of values) {
      this.#reserve(value.length * 3 + 16);
      this.#varint((field << 3) | DELIMITED);
      this.#string(value);
    }
  }

  /** A map of strings. */
  map(field: number, pairs: readonly (readonly [string, string])[]): void {
    for (const [key, value] of pairs) {
      this.message(field, () => {
        this.texts(1, [key]);
        this.texts(2, [value]);
      });
    }
  }

  /** A message that there may not be, written by `write` in place. */
  nested<T>(field: number, value: T | undefined, write: (wire: this, value: T) => void): void {
    if (value === undefined) return;
    this.#reserve(16);
    this.#varint((field << 3) | DELIMITED);
    const start = this.#position + 1;
    this.#position = start;
    write(this, value);
    this.#patchLength(start);
  }

  /** A message, written by `fill` in place: its length is put in front once it is known. */
  message(field: number, fill: () => void): void {
    this.#reserve(16);
    this.#varint((field << 3) | DELIMITED);
    const start = this.#position + 1;
    this.#position = start;
    fill();
    this.#patchLength(start);
  }

  #patchLength(start: number): void {
    const length = this.#position - start;
    if (length < 0x80) {
      this.#buffer[start - 1] = length;
      return;
    }
    const extra = varintSize(length) - 1;
    this.#reserve(extra);
    this.#buffer.copyWithin(start + extra, start, this.#position);
    const end = this.#position + extra;
    this.#position = start - 1;
    this.#varint(length);
    this.#position = end;
  }

  /** Nearly every string is ASCII and short: one pass writes it where encoding would take a call. */
  #string(value: string): void {
    const length = value.length;
    if (length < 0x80) {
      const start = this.#position + 1;
      let index = 0;
      for (; index < length; index += 1) {
        const code = value.charCodeAt(index);
        if (code >= 0x80) break;
        this.#buffer[start + index] = code;
      }
      if (index === length) {
        this.#buffer[start - 1] = length;
        this.#position = start + length;
        return;
      }
    }
    this.#varint(Buffer.byteLength(value));
    this.#position += this.#buffer.write(value, this.#position);
  }

  #varint(value: number): void {
    let rest = value;
    if (rest > 0xffffffff) {
      // A time: its last four bytes in 28 bits, and the others in what then is left, below 2^25.
      let low = rest % 0x10000000;
      rest = (rest - low) / 0x10000000;
      for (let bytes = 0; bytes < 4; bytes += 1) {
        this.#buffer[this.#position++] = (low & 0x7f) | 0x80;
        low >>>= 7;
      }
    }
    while (rest >= 0x80) {
      this.#buffer[this.#position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#position++] = rest;
  }

  #reserve(size: number): void {
    if (this.#position + size <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#position + size));
    this.#buffer.copy(larger, 0, 0, this.#position);
    this.#buffer = larger;
  }
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}
