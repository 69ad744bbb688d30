import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Bytes of all files below a folder, links not followed. */
export function folderBytes(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const at = path.join(folder, entry.name);
    bytes += entry.isDirectory() ? folderBytes(at) : lstatSync(at).size;
  }
  return bytes;
}
