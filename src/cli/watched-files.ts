import { createHash } from 'node:crypto';
import { readFileSync, watch, type FSWatcher } from 'node:fs';
import path from 'node:path';

/** Files that are looked at again and again. */
export interface WatchedFiles {
  /** Looks now, such as for SIGHUP. */
  look(): void;
  close(): void;
}

/** So long a writer has to finish after the first sign of a change. */
const SETTLE_MS = 100;

/**
 * Calls `changed` after the content of a file has become another: the system tells of it, or the
 * next look finds it. A file that is swapped by a link, as Kubernetes does with secrets, is found too.
 */
export function watchFiles(
  files: readonly string[],
  intervalMs: number,
  changed: () => void,
): WatchedFiles {
  let seen = contentOf(files);
  let settling: NodeJS.Timeout | undefined;
  const look = (): void => {
    const now = contentOf(files);
    if (now === seen) return;
    seen = now;
    changed();
  };
  const soon = (): void => {
    clearTimeout(settling);
    settling = setTimeout(look, SETTLE_MS);
    settling.unref();
  };
  const folders = [...new Set(files.map((file) => path.dirname(file)))];
  const watchers = folders.flatMap((folder) => watcherOf(folder, soon));
  const poll = setInterval(look, intervalMs);
  poll.unref();
  return {
    look,
    close: () => {
      clearTimeout(settling);
      clearInterval(poll);
      for (const watcher of watchers) watcher.close();
    },
  };
}

/** Not every file system can be watched: where one cannot, looking now and then must do. */
function watcherOf(folder: string, changed: () => void): readonly FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, changed);
    watcher.on('error', () => watcher.close());
    return [watcher];
  } catch {
    return [];
  }
}

/** A digest of all contents: a file that cannot be read has one of its own. */
function contentOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) {
    try {
      hash.update('present').update(createHash('sha256').update(readFileSync(file)).digest());
    } catch (error) {
      hash.update(`absent ${(error as NodeJS.ErrnoException).code ?? ''}`);
    }
  }
  return hash.digest('hex');
}
