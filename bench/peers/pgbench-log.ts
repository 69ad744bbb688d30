/** Where pgbench logs a transaction's duration, in microseconds: client, number, duration, ... */
const DURATION = 2;

/** The milliseconds that each transaction of a log of pgbench took. */
export function timesOf(log: string): readonly number[] {
  const times: number[] = [];
  for (const line of log.split('\n')) {
    if (line === '') continue;
    const microseconds = Number(line.split(' ')[DURATION]);
    // `failed` and `skipped` stand there where it is no number.
    if (!Number.isFinite(microseconds)) throw new Error(`pgbench logged ${line}`);
    times.push(microseconds / 1_000);
  }
  return times;
}
