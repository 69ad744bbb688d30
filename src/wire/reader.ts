/** Thrown where bytes are not plain: protobuf-es is to judge them. */
export const NOT_PLAIN = new Error('not plain');

const VARINT = 0;
const DELIMITED = 2;

/** Bytes of a varint that are read here, so that the number is below 2^28. */
const VARINT_BYTES = 4;

/**
 * Reads protobuf messages as nearly every client writes them: known fields, ASCII, small numbers, all of it
 * there. It throws NOT_PLAIN at anything else, valid or not. See decode/messages.ts in rpc.
 */
export class WireReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Whether there is more before `end`. */
  isBefore(end: number): boolean {
    return this.#position < end;
  }

  /**
   * The number of the next field: that of a text, message or entry of a map as it is, that of a number,
   * enumeration or boolean negative.
   */
  field(end: number): number {
    const tag = this.uint(end);
    const type = tag & 7;
    if (type === DELIMITED) return tag >>> 3;
    if (type === VARINT) return -(tag >>> 3);
    throw NOT_PLAIN;
  }

  /** An unsigned number. */
  uint(end: number): number {
    let value = 0;
    for (let at = 0; at < VARINT_BYTES && this.#position < end; at += 1) {
      const byte = this.#bytes[this.#position] ?? 0;
      this.#position += 1;
      value |= (byte & 0x7f) << (7 * at);
      if (byte < 0x80) return value;
    }
    throw NOT_PLAIN;
  }

  /** Where a nested message or a text ends whose length comes next. */
  end(end: number): number {
    const length = this.uint(end);
    const own = this.#position + length;
    if (own > end) throw NOT_PLAIN;
    return own;
  }

  /** A text of ASCII. */
  text(end: number): string {
    const own = this.end(end);
    const first = this.#position;
    let bits = 0;
    for (let at = first; at < own; at += 1) bits |= this.#bytes[at] ?? 0;
    if (bits >= 0x80) throw NOT_PLAIN;
    this.#position = own;
    return this.#bytes.toString('latin1', first, own);
  }

  /** An entry of a map of texts. */
  pair(end: number, into: Record<string, string>): void {
    const own = this.end(end);
    let key = '';
    let value = '';
    while (this.isBefore(own)) {
      const field = this.field(own);
      if (field === 1) key = this.text(own);
      else if (field === 2) value = this.text(own);
      else throw NOT_PLAIN;
    }
    // Which is no key like any other.
    if (key === '__proto__') throw NOT_PLAIN;
    into[key] = value;
  }
}
