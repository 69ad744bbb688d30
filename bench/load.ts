import { cpuSeconds } from './cpu-time.js';
import { percentile } from './statistic.js';

/** One unit of work of a slot: begins, and calls back when it is answered. */
export type Task = (slot: number, done: () => void) => void;

/** A load that is kept up: so many slots, each begins anew when its answer is there. */
export interface Load {
  readonly slots: number;
  /** What one task counts for in the throughput, such as the items of a batch. */
  readonly unitsPerTask: number;
  readonly task: Task;
  /** Sends what the tasks have begun. */
  readonly flush: () => void;
  /** Rejects when an answer is not as it must be or a connection breaks. */
  readonly broken: Promise<never>;
  readonly close: () => void;
}

/** What a run of a load showed. */
export interface Figure {
  /** Units a second. */
  readonly throughput: number;
  /** Of a task, from its begin to its last answer. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of all threads of the server, in microseconds a unit. */
  readonly serverCpuUs: number | undefined;
  /** How much of a core the load client took, 0..1. Close to 1 it is the client that is measured. */
  readonly clientCpu: number;
}

/** How long to warm up before a run is measured, as a part of it. */
const WARMUP = 0.2;

/** Keeps a load up for some seconds, the first of which do not count, and lets it run out. */
export async function measure(load: Load, seconds: number, serverPid: number): Promise<Figure> {
  const times: number[] = [];
  let phase: 'warmup' | 'measured' | 'over' = 'warmup';
  let running = load.slots;
  const finished = new Promise<void>((resolve) => {
    const begin = (slot: number): void => {
      const start = performance.now();
      load.task(slot, () => {
        if (phase === 'measured') times.push(performance.now() - start);
        if (phase !== 'over') begin(slot);
        else if ((running -= 1) === 0) resolve();
      });
    };
    for (let slot = 0; slot < load.slots; slot += 1) begin(slot);
    load.flush();
  });

  await Promise.race([passed(seconds * WARMUP), load.broken]);
  phase = 'measured';
  const start = performance.now();
  const clientBefore = process.cpuUsage();
  const serverBefore = cpuSeconds(serverPid);
  // Longer where nothing was answered in time: a figure of nothing is none.
  do await Promise.race([passed(seconds), load.broken]);
  while (times.length === 0);
  phase = 'over';
  const elapsed = (performance.now() - start) / 1_000;
  const client = process.cpuUsage(clientBefore);
  const serverAfter = cpuSeconds(serverPid);
  await Promise.race([finished, load.broken]);

  const units = times.length * load.unitsPerTask;
  times.sort((a, b) => a - b);
  return {
    throughput: units / elapsed,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    serverCpuUs:
      serverBefore === undefined || serverAfter === undefined
        ? undefined
        : ((serverAfter - serverBefore) * 1e6) / units,
    clientCpu: (client.user + client.system) / 1e6 / elapsed,
  };
}

function passed(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
}
