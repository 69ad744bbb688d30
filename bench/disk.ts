import { closeSync, fdatasyncSync, openSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Figure } from './load.js';
import { percentile } from './statistic.js';

const PAGE = Buffer.alloc(4_096, 1);
const PAGES = 1_024;

/** So many a second: as fast as it goes would use up what a shared disk allows the next side. */
const PAUSE_MS = 4;

/** How long the disk takes for a page, written and synced, one after the other. */
export async function syncs(folder: string, seconds: number): Promise<Figure> {
  const file = path.join(folder, 'fdatasync');
  const descriptor = openSync(file, 'w');
  for (let page = 0; page < PAGES; page += 1) writeSync(descriptor, PAGE);
  fdatasyncSync(descriptor);
  const times: number[] = [];
  const client = process.cpuUsage();
  const start = performance.now();
  while (performance.now() - start < seconds * 1_000) {
    await setTimeout(PAUSE_MS);
    const begin = performance.now();
    writeSync(descriptor, PAGE, 0, PAGE.length, (times.length % PAGES) * PAGE.length);
    fdatasyncSync(descriptor);
    times.push(performance.now() - begin);
  }
  closeSync(descriptor);
  unlinkSync(file);
  const elapsed = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(client);
  const throughput = times.length / elapsed;
  times.sort((a, b) => a - b);
  return {
    throughput,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    serverCpuUs: undefined,
    clientCpu: (user + system) / 1e6 / elapsed,
  };
}
