import { open, stat } from 'node:fs/promises';

/** A file of this size is not read as a whole because of so few bytes that are missing. */
const LARGE_BYTES = 64 * 2 ** 20;
const MISSING_BYTES_MAX = 64 * 4_096;

/**
 * Whether only reading all of a file tells if it was cut. LMDB counts pages that a transaction took from
 * the end and freed again, and does not write them: a sound file may be shorter than it says. Seen are 12
 * pages of 1,238,381, for which nobody should wait until 5 GB were read.
 */
export function mayBeCut(size: number, extent: number): boolean {
  return extent - size > (extent > LARGE_BYTES ? MISSING_BYTES_MAX : 0);
}

const ZEROS_AT_ONCE = 2 ** 20;

/**
 * Gives a database that was read as a whole the pages that nobody needed, so that this is done once. The
 * pages that list free ones are read by who writes alone: were one of them missing, it is now an error and
 * not a signal. Only appends, since another process may have written meanwhile. Returns the bytes that
 * were missing.
 */
export async function fillUp(file: string, extent: number): Promise<number> {
  const { size } = await stat(file);
  if (!mayBeCut(size, extent)) return 0;
  const missing = extent - size;
  try {
    const end = await open(file, 'a');
    try {
      for (let left = missing; left > 0; left -= ZEROS_AT_ONCE) {
        await end.appendFile(Buffer.alloc(Math.min(left, ZEROS_AT_ONCE)));
      }
    } finally {
      await end.close();
    }
  } catch {
    // A full disk: what is free in the file is enough to begin with, and the next start reads all again.
  }
  return missing;
}
