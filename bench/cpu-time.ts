import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of a process's CPU time a second, on every Linux of the last decades. */
const TICKS = 100;

/** Fields of /proc/PID/stat behind the name of the program. */
const PARENT = 1;
const OWN = [11, 12];
const OF_ENDED_CHILDREN = [13, 14];

/** CPU seconds of all threads of a process so far; undefined where the system has no /proc. */
export function cpuSeconds(pid: number): number | undefined {
  const fields = statOf(pid);
  return fields && secondsOf(fields, OWN);
}

/** CPU seconds of a process and its children, those that have ended too. */
export function familyCpuSeconds(pid: number): number | undefined {
  const fields = statOf(pid);
  if (fields === undefined) return undefined;
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const children = pids.map((name) => statOf(Number(name)));
  const living = children.filter((child) => child?.[PARENT] === String(pid));
  return living.reduce(
    (sum, child) => sum + secondsOf(child ?? [], OWN),
    secondsOf(fields, [...OWN, ...OF_ENDED_CHILDREN]),
  );
}

/**
 * Bytes of a process that are in memory, undefined where the system has no /proc. RssAnon counts no files
 * that are mapped, such as a store.
 */
export function residentBytes(
  pid: number,
  counts: 'VmRSS' | 'RssAnon' = 'VmRSS',
): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const kilobytes = new RegExp(`^${counts}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
  } catch {
    return undefined;
  }
}

function statOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program may hold spaces: count from behind it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function secondsOf(fields: readonly string[], places: readonly number[]): number {
  return places.reduce((sum, place) => sum + Number(fields[place] ?? 0), 0) / TICKS;
}
