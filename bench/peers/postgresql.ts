import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { familyCpuSeconds } from '../cpu-time.js';
import type { Figure } from '../load.js';
import type { Side } from '../scenario.js';
import type { Stage } from '../stage.js';
import { percentile } from '../statistic.js';
import { mustHave } from '../tools.js';
import { watchCpu } from '../watch-cpu.js';
import { CALL, SCHEMA } from './postgresql-schema.js';
import { timesOf } from './pgbench-log.js';

const START_MS = 20_000;

/** More than the load opens; its default is fewer. Everything else is as it comes. */
const CONNECTIONS_MAX = 300;

/** As a part of the run, as with our own client. */
const WARMUP = 0.2;

/** PostgreSQL refuses to run as root. */
interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** Spends by PostgreSQL over its Unix socket, one function in one transaction per call. */
export async function postgresqlSpends(stage: Stage, slots: number): Promise<Side> {
  const server = await startPostgresql(stage);
  server.query(SCHEMA);
  const script = path.join(server.folder, 'call.sql');
  writeFileSync(script, CALL);
  let run = 0;
  return {
    name: 'PostgreSQL',
    client: 'pgbench',
    run: async (seconds) => {
      const before = server.query('SELECT last_value FROM entries_sequence_seq');
      const warmup = seconds * WARMUP;
      await server.bench(script, slots, Math.max(1, Math.ceil(warmup)), (run += 1));
      const figure = await server.bench(script, slots, Math.max(1, Math.ceil(seconds)), (run += 1));
      const after = server.query('SELECT last_value FROM entries_sequence_seq');
      if (Number(after) - Number(before) < figure.calls) {
        throw new Error(`${Number(after) - Number(before)} entries of ${figure.calls} calls`);
      }
      return figure;
    },
    close: () => undefined,
  };
}

interface Postgresql {
  readonly folder: string;
  query(sql: string): string;
  bench(
    script: string,
    slots: number,
    seconds: number,
    run: number,
  ): Promise<Figure & { readonly calls: number }>;
}

async function startPostgresql(stage: Stage): Promise<Postgresql> {
  const account = unprivileged();
  const folder = path.join(stage.folder, 'postgresql');
  mkdirSync(folder);
  chmodSync(folder, 0o700);
  if (account.uid !== undefined) chownSync(folder, account.uid, account.gid ?? account.uid);
  const data = path.join(folder, 'data');
  const options = { ...account, cwd: folder, encoding: 'utf8' as const };
  execFileSync(mustHave('initdb'), ['-D', data, '-A', 'trust', '-U', 'bench', '-E', 'UTF8'], {
    ...options,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const child = spawn(
    mustHave('postgres'),
    ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-N', String(CONNECTIONS_MAX)],
    { ...account, cwd: folder, stdio: 'ignore' },
  );
  stage.onClose(() => stopped(child));
  const at = ['-h', folder, '-U', 'bench'];
  const query = (sql: string) =>
    execFileSync(mustHave('psql'), [...at, '-d', 'postgres', '-qAtX', '-v', 'ON_ERROR_STOP=1'], {
      ...options,
      input: sql,
      stdio: ['pipe', 'pipe', 'pipe'],
    }).trim();
  await answers(child, query);
  const bench = async (script: string, slots: number, seconds: number, run: number) => {
    const before = familyCpuSeconds(child.pid ?? 0);
    const client = spawn(
      mustHave('pgbench'),
      [
        ...[...at, '-n', '-M', 'prepared', '-c', String(slots), '-j', '2', '-T', String(seconds)],
        ...[
          '-D',
          'i=0',
          '-D',
          `run=${run}`,
          '-f',
          script,
          '-l',
          '--log-prefix',
          'times',
          'postgres',
        ],
      ],
      { ...account, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const begin = performance.now();
    const clientSeconds = watchCpu(client.pid ?? 0);
    let said = '';
    client.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(client, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`pgbench left with ${code ?? 'a signal'}: ${said}`);
    const elapsed = (performance.now() - begin) / 1_000;
    const times = takeTimes(folder);
    const after = familyCpuSeconds(child.pid ?? 0);
    const cpu = before === undefined || after === undefined ? undefined : after - before;
    return {
      // What it counts: connecting, and running out after the last second, are not of the load.
      throughput: times.length / seconds,
      p50Ms: percentile(times, 0.5),
      p99Ms: percentile(times, 0.99),
      serverCpuUs: cpu === undefined ? undefined : (cpu * 1e6) / times.length,
      clientCpu: clientSeconds() / elapsed,
      calls: times.length,
    };
  };
  return { folder, query, bench };
}

/** Reads and removes what pgbench has logged: milliseconds, sorted. */
function takeTimes(folder: string): readonly number[] {
  const files = readdirSync(folder).filter((name) => name.startsWith('times.'));
  const times = files.flatMap((name) => timesOf(readFileSync(path.join(folder, name), 'latin1')));
  for (const name of files) rmSync(path.join(folder, name));
  return times.sort((a, b) => a - b);
}

async function answers(child: ChildProcess, query: (sql: string) => string): Promise<void> {
  const deadline = performance.now() + START_MS;
  for (;;) {
    try {
      if (query('SHOW fsync') !== 'on') throw new Error('PostgreSQL does not sync');
      return;
    } catch (error) {
      if (child.exitCode !== null || performance.now() > deadline) throw error;
      await setTimeout(100);
    }
  }
}

/** SIGINT is its fast shutdown. */
async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGINT');
  await once(child, 'exit');
}

/** The account that the server runs as: ours, or for root that of PostgreSQL or of nobody. */
function unprivileged(): Account {
  if (process.getuid?.() !== 0) return {};
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  const accounts = new Map(lines.map((line) => [line.split(':')[0], line.split(':')] as const));
  const fields = accounts.get('postgres') ?? accounts.get('nobody');
  if (fields === undefined) throw new Error('there is no account to run PostgreSQL as');
  return { uid: Number(fields[2]), gid: Number(fields[3]) };
}
