import { closeSync, existsSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Disk } from '../ledger/disk-guard.js';

/** The file that keeps room for what must still be written when the disk is full. */
export const BALLAST_FILE = 'ballast';

const CHUNK_BYTES = 2 ** 20;

/**
 * The disk of a data directory. Its reserve is a file of so many bytes beside the store; where a file
 * system packs zeros, or counts quotas elsewhere, it keeps less room than it says.
 */
export function openDisk(dataDir: string, ballastBytes: number): Disk {
  const ballast = join(dataDir, BALLAST_FILE);
  let taken = existsSync(ballast) && statSync(ballast).size >= ballastBytes;

  function available(): number {
    const { bavail, bsize } = statfsSync(dataDir);
    return bavail * bsize;
  }

  function give(): void {
    rmSync(ballast, { force: true });
    taken = false;
  }

  return {
    free: () => (taken ? available() : Math.max(0, available() - ballastBytes)),
    takeReserve: () => {
      if (taken || available() < ballastBytes) return;
      try {
        fill(ballast, ballastBytes);
        taken = true;
      } catch {
        // Somebody else was faster: the next look tells.
        give();
      }
    },
    giveReserveBack: () => {
      if (taken) give();
    },
  };
}

function fill(path: string, bytes: number): void {
  const file = openSync(path, 'w', 0o600);
  try {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, bytes));
    for (let left = bytes; left > 0;) {
      left -= writeSync(file, chunk, 0, Math.min(left, chunk.length));
    }
  } finally {
    closeSync(file);
  }
}
