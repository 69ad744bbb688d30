import { cpuSeconds } from './cpu-time.js';

/** Often enough that the last look is close to the end. */
const EVERY_MS = 50;

/** Follows the CPU time of a process that will end: gives the seconds at the last look. */
export function watchCpu(pid: number): () => number {
  let seconds = 0;
  const timer = setInterval(() => {
    const now = cpuSeconds(pid);
    // A process that has ended and was not waited for reads as 0.
    if (now !== undefined && now > seconds) seconds = now;
  }, EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    return seconds;
  };
}
