import { readFileSync } from 'node:fs';

/** Ticks of a process's CPU time a second, on every Linux of the last decades. */
const TICKS = 100;

/** CPU seconds of all threads of a process so far; undefined where the system has no /proc. */
export function cpuSeconds(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program may hold spaces: count from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return undefined;
  }
}
