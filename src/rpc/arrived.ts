import { PREFIX_BYTES } from './http2-call.js';

const NOTHING = Buffer.alloc(0);

/** The bytes of a call that have come and are not taken yet. */
export class Arrived {
  #bytes: Buffer = NOTHING;
  #from = 0;
  #to = 0;

  get length(): number {
    return this.#to - this.#from;
  }

  /** Copies a piece: as it came it would keep all that came with it. */
  add(piece: Buffer): void {
    const held = this.length;
    if (held === 0) {
      this.#bytes = Buffer.from(piece);
      this.#from = 0;
      this.#to = piece.length;
      return;
    }
    if (this.#bytes.length < this.#to + piece.length) {
      const larger = Buffer.allocUnsafe(2 * (held + piece.length));
      this.#bytes.copy(larger, 0, this.#from, this.#to);
      this.#bytes = larger;
      this.#from = 0;
      this.#to = held;
    }
    piece.copy(this.#bytes, this.#to);
    this.#to += piece.length;
  }

  /** Whether the prefix of the next message is there. */
  hasPrefix(): boolean {
    return this.length >= PREFIX_BYTES;
  }

  /** The bytes of the next message by its prefix, without it. */
  messageLength(): number {
    return this.#bytes.readUInt32BE(this.#from + 1);
  }

  /** Whether the next message is there. */
  hasMessage(): boolean {
    return this.hasPrefix() && this.length >= PREFIX_BYTES + this.messageLength();
  }

  isCompressed(): boolean {
    return this.#bytes[this.#from] !== 0;
  }

  /** Takes the next message, which is there. */
  take(): Buffer {
    const from = this.#from + PREFIX_BYTES;
    this.#from = from + this.messageLength();
    return this.#bytes.subarray(from, this.#from);
  }

  clear(): void {
    this.#bytes = NOTHING;
    this.#from = 0;
    this.#to = 0;
  }
}
