import type { WireWriter } from '../../wire/writer.js';

/** How the rows of a collection become messages and back. */
export interface Codec<Row> {
  /** Writes the row's message, fields ascending, defaults left out. */
  readonly write: (wire: WireWriter, row: Row) => void;
  /** Reads what `write` wrote. */
  readonly read: (message: Uint8Array) => Row;
}
