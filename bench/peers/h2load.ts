import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cpuSeconds } from '../cpu-time.js';
import type { Figure } from '../load.js';
import type { Side } from '../scenario.js';
import type { ServerProcess, Stage } from '../stage.js';
import { percentile } from '../statistic.js';
import { mustHave } from '../tools.js';
import { watchCpu } from '../watch-cpu.js';
import { framed } from '../wire/message.js';
import { completedOf, timesOf } from './h2load-output.js';

const CONNECTIONS = 4;
const WARMUP = 0.2;

/** One call and one message again and again by h2load: it cannot vary what it sends. */
export function h2loadCalls(
  name: string,
  stage: Stage,
  server: ServerProcess,
  call: { readonly path: string; readonly message: Uint8Array; readonly slots: number },
): Side {
  const body = path.join(stage.folder, `${name.replaceAll(/\W/g, '-')}.grpc`);
  writeFileSync(body, framed(call.message));
  const log = `${body}.log`;
  return {
    name,
    client: 'h2load',
    run: async (seconds): Promise<Figure> => {
      rmSync(log, { force: true });
      const milliseconds = Math.ceil(seconds * 1_000);
      const child = spawn(
        mustHave('h2load'),
        [
          ...['-c', String(CONNECTIONS), '-m', String(Math.ceil(call.slots / CONNECTIONS))],
          ...['-D', `${milliseconds}ms`, '--warm-up-time', `${Math.ceil(milliseconds * WARMUP)}ms`],
          ...['-d', body, '-H', 'content-type: application/grpc', '-H', 'te: trailers'],
          ...['--log-file', log, `http://${server.tcp}${call.path}`],
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const clientSeconds = watchCpu(child.pid ?? 0);
      const serverBefore = cpuSeconds(server.pid);
      const begin = performance.now();
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const [code] = (await once(child, 'close')) as [number | null];
      if (code !== 0) throw new Error(`h2load left with ${code ?? 'a signal'}`);
      const elapsed = (performance.now() - begin) / 1_000;
      const serverAfter = cpuSeconds(server.pid);
      const completed = completedOf(output);
      const times = timesOf(readFileSync(log, 'latin1'));
      // CPU is of the warm-up too, and so are these calls; the figures are of those after it.
      const all = (completed * elapsed) / seconds;
      return {
        throughput: completed / seconds,
        p50Ms: percentile(times, 0.5),
        p99Ms: percentile(times, 0.99),
        serverCpuUs:
          serverBefore === undefined || serverAfter === undefined
            ? undefined
            : ((serverAfter - serverBefore) * 1e6) / all,
        clientCpu: clientSeconds() / elapsed,
      };
    },
    close: () => undefined,
  };
}
