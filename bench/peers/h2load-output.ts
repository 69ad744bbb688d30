/** How many requests h2load has completed, from what it prints. Throws when one failed. */
export function completedOf(output: string): number {
  const found =
    /^requests: \d+ total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/m.exec(
      output,
    );
  if (found === null) throw new Error(`h2load printed ${output}`);
  const [succeeded = 0, ...bad] = found.slice(1).map(Number);
  if (bad.some((count) => count > 0)) throw new Error(`h2load had failures: ${found[0]}`);
  return succeeded;
}

/** Milliseconds of each request of its log, sorted: start, status, microseconds. */
export function timesOf(log: string): readonly number[] {
  const times = log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Number(line.split('\t')[2]) / 1_000);
  return times.sort((a, b) => a - b);
}
