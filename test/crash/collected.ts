import { existsSync, readFileSync, rmSync } from 'node:fs';
import { expect } from 'vitest';

/** What a process holds after a collection of garbage. */
export interface Held {
  readonly residentBytes: number;
  /** Objects and buffers, without what the allocator keeps for later. */
  readonly heapBytes: number;
}

/** Flags for Node under which a process collects garbage at SIGUSR2 and writes what is left to a file. */
export function collecting(file: string): readonly string[] {
  const script = `
    import { renameSync, writeFileSync } from 'node:fs';
    process.on('SIGUSR2', () => {
      gc();
      gc();
      writeFileSync(${JSON.stringify(`${file}.new`)}, JSON.stringify(process.memoryUsage()));
      renameSync(${JSON.stringify(`${file}.new`)}, ${JSON.stringify(file)});
    });`;
  const module = `data:text/javascript,${encodeURIComponent(script)}`;
  return ['--max-semi-space-size=8', '--expose-gc', `--import=${module}`];
}

/** Asks a process that runs with those flags. */
export async function collected(pid: number, file: string): Promise<Held> {
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  await expect.poll(() => existsSync(file), { timeout: 30_000, interval: 20 }).toBe(true);
  const used = JSON.parse(readFileSync(file, 'utf8')) as NodeJS.MemoryUsage;
  return { residentBytes: used.rss, heapBytes: used.heapUsed + used.external };
}
