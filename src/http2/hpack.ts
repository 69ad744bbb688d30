/** Header compression (RFC 7541). */
import { ConnectionError } from './errors.js';
import { ERROR } from './frames.js';
import { decodeHuffman } from './huffman.js';
import { type Field, STATIC_TABLE } from './static-table.js';

/** What a dynamic table holds at most, in bytes: the default of the protocol, which is never raised. */
const TABLE_BYTES_MAX = 4_096;

/** How many that have made room are kept until all of them are let go at once. */
const GONE_MAX = 128;

/** What an entry counts for beside its name and value (RFC 7541, section 4.1). */
export const FIELD_OVERHEAD_BYTES = 32;

/** What a block of header fields says. */
export interface Decoded {
  /** As they came, or none of them where they are more than may be. */
  readonly fields: readonly Field[];
  readonly isOverlong: boolean;
  /** Whether it would say the same again: it has changed nothing. */
  readonly isRepeatable: boolean;
}

/** Reads the blocks of one connection, each whole and in their order. */
export class HpackDecoder {
  /** The oldest first, behind those that have made room. */
  #table: Field[] = [];
  #gone = 0;
  #tableBytes = 0;
  #tableBytesMax = TABLE_BYTES_MAX;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  /** Throws ConnectionError where a block is none. Fields may take `bytesMax` bytes, each with 32 more. */
  decode(block: Buffer, bytesMax: number): Decoded {
    this.#block = block;
    this.#at = 0;
    const fields: Field[] = [];
    let bytes = 0;
    let isRepeatable = true;
    while (this.#at < block.length) {
      const byte = block[this.#at] ?? 0;
      let field: Field;
      if (byte >= 0x80) {
        field = this.#entry(this.#integer(7));
      } else if (byte >= 0x40) {
        field = this.#literal(6);
        this.#insert(field);
        isRepeatable = false;
      } else if (byte >= 0x20) {
        // Nothing but another one may come before it.
        if (bytes > 0) throw broken('a table size behind a field');
        this.#resize(this.#integer(5));
        isRepeatable = false;
        continue;
      } else {
        field = this.#literal(4);
      }
      bytes += sizeOf(field);
      if (bytes <= bytesMax) fields.push(field);
    }
    this.#block = NOTHING;
    const isOverlong = bytes > bytesMax;
    return { fields: isOverlong ? [] : fields, isOverlong, isRepeatable };
  }

  /** A field whose name may be that of an entry. */
  #literal(prefixBits: number): Field {
    const index = this.#integer(prefixBits);
    const name = index === 0 ? this.#string() : this.#entry(index).name;
    return { name, value: this.#string() };
  }

  #entry(index: number): Field {
    const place = this.#table.length - (index - STATIC_TABLE.length);
    const isStatic = index <= STATIC_TABLE.length;
    const entry = isStatic ? STATIC_TABLE[index - 1] : this.#table[place];
    if (entry === undefined || (!isStatic && place < this.#gone)) {
      throw broken('an index that no table has');
    }
    return entry;
  }

  #integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw broken('a number that is too large');
  }

  #string(): string {
    const isHuffman = ((this.#block[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#integer(7);
    const from = this.#at;
    const to = from + length;
    if (to > this.#block.length) throw broken('a text beyond its block');
    this.#at = to;
    if (!isHuffman) return this.#block.toString('latin1', from, to);
    const text = decodeHuffman(this.#block, from, to);
    if (text === undefined) throw broken('a text that is no Huffman code');
    return text;
  }

  #byte(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw broken('a block that is cut short');
    this.#at += 1;
    return byte;
  }

  #insert(field: Field): void {
    const size = sizeOf(field);
    this.#tableBytes += size;
    this.#table.push(field);
    this.#evict();
  }

  #resize(bytesMax: number): void {
    if (bytesMax > TABLE_BYTES_MAX) throw broken('a table larger than may be');
    this.#tableBytesMax = bytesMax;
    this.#evict();
  }

  #evict(): void {
    while (this.#tableBytes > this.#tableBytesMax) {
      const oldest = this.#table[this.#gone];
      if (oldest === undefined) break;
      this.#tableBytes -= sizeOf(oldest);
      this.#gone += 1;
    }
    if (this.#gone < GONE_MAX) return;
    this.#table = this.#table.slice(this.#gone);
    this.#gone = 0;
  }
}

const NOTHING = Buffer.alloc(0);

function sizeOf({ name, value }: Field): number {
  return name.length + value.length + FIELD_OVERHEAD_BYTES;
}

function broken(what: string): ConnectionError {
  return new ConnectionError(ERROR.COMPRESSION_ERROR, `Header fields have ${what}`);
}

/** Writes header fields as literals, which leave every table as it is. Values are of latin1 characters. */
export function headerBlock(fields: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(fields)) {
    parts.push(Buffer.of(0), stringBytes(name), stringBytes(value));
  }
  return Buffer.concat(parts);
}

function stringBytes(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const head = [];
  if (bytes.length < 0x7f) {
    head.push(bytes.length);
  } else {
    head.push(0x7f);
    let rest = bytes.length - 0x7f;
    for (; rest >= 0x80; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
    head.push(rest);
  }
  return Buffer.concat([Buffer.from(head), bytes]);
}
