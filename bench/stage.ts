import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAgents } from './agents.js';
import { AGENTS } from './requests.js';

/** A server in its own process. */
export interface ServerProcess {
  readonly pid: number;
  /** `host:port`. */
  readonly tcp: string;
  /** `unix:/path`. */
  readonly unix: string;
}

/** A sidecar in its own process. */
export interface SidecarProcess extends ServerProcess {
  /** `host:port` of the operators' listener. */
  readonly admin: string;
  readonly dataDir: string;
  /** Stops it before the stage closes. */
  stop(): Promise<void>;
  /** Ends it by SIGKILL. */
  kill(): Promise<void>;
}

/** How a sidecar is started. */
export interface SidecarOptions {
  /** Made in a new pool `default` before it is used. Default: those of the load. */
  readonly agents?: number;
  /** A data directory that is there. Default: a new one. */
  readonly dataDir?: string;
  readonly flags?: readonly string[];
  /** Whether its time passes faster than ours: see time-lapse.ts. */
  readonly timeLapse?: boolean;
}

/** What a child is started with. */
export interface ChildOptions {
  readonly words?: readonly string[];
  readonly flags?: readonly string[];
}

/** Starts what a scenario needs, and ends all of it. */
export interface Stage {
  /** A folder on the disk that the sidecar writes to, gone when the stage closes. */
  readonly folder: string;
  /** Where seeded stores are kept from run to run. */
  readonly cacheFolder: string;
  sidecar(options?: SidecarOptions): Promise<SidecarProcess>;
  echo(): Promise<ServerProcess>;
  /** Starts a script of the benchmark and resolves with its first message. */
  child(script: string, options?: ChildOptions): Promise<{ child: ChildProcess; said: unknown }>;
  /** Remembers what is to be ended; the last is ended first. */
  onClose(end: () => Promise<void> | void): void;
  close(): Promise<void>;
}

/** How stages are set up. */
export interface StageOptions {
  /** The compiled sidecar. */
  readonly sidecarScript: string;
  /** Where sidecars leave a CPU profile when they end, or undefined: none is made. */
  readonly profileFolder: string | undefined;
  readonly cacheFolder: string;
}

interface Addresses {
  readonly agentAddress: string;
  readonly adminAddress: string;
}

/** Opens a stage with nothing on it. */
export function openStage(options: StageOptions): Stage {
  const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-bench-'));
  // A peer may run as another user, below this folder.
  chmodSync(folder, 0o711);
  const ends: (() => Promise<void> | void)[] = [];
  let sidecars = 0;

  async function start(script: string, { words = [], flags = [] }: ChildOptions) {
    const child = fork(script, words, {
      // As `npm start` and the image start the sidecar; a peer has the same room.
      execArgv: ['--max-semi-space-size=32', ...flags],
      env: withoutSettings(),
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    ends.push(() => ended(child));
    return { child, said: await firstMessage(child, path.basename(script)) };
  }

  async function sidecar(given: SidecarOptions = {}): Promise<SidecarProcess> {
    sidecars += 1;
    const dataDir = given.dataDir ?? path.join(folder, `data-${sidecars}`);
    const socket = path.join(folder, `agent-${sidecars}.sock`);
    const { profileFolder } = options;
    const nodeFlags = given.timeLapse === true ? ['--import', own('time-lapse.js')] : [];
    if (profileFolder !== undefined) {
      nodeFlags.push('--cpu-prof', `--cpu-prof-dir=${profileFolder}`);
    }
    const { child, said } = await start(options.sidecarScript, {
      words: [
        'serve',
        ...['--agent-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'],
        ...['--agent-socket', socket, '--data-dir', dataDir],
        ...['--admin-auth', 'none', '--log-level', 'error', ...(given.flags ?? [])],
      ],
      flags: nodeFlags,
    });
    const { agentAddress: tcp, adminAddress: admin } = said as Addresses;
    const agents = given.agents ?? (given.dataDir === undefined ? AGENTS : 0);
    if (agents > 0) await createAgents(admin, agents);
    return {
      ...{ pid: child.pid ?? 0, tcp, admin, unix: `unix:${socket}`, dataDir },
      stop: () => ended(child),
      kill: async () => {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      },
    };
  }

  async function echo(): Promise<ServerProcess> {
    const socket = path.join(folder, 'echo.sock');
    const { child, said } = await start(own('echo-server.js'), { words: [socket] });
    const { agentAddress: tcp } = said as Addresses;
    return { pid: child.pid ?? 0, tcp, unix: `unix:${socket}` };
  }

  async function close(): Promise<void> {
    for (const end of ends.toReversed()) await end();
    rmSync(folder, { recursive: true, force: true });
  }

  return {
    folder,
    cacheFolder: options.cacheFolder,
    sidecar,
    echo,
    child: (script, given = {}) => start(own(script), given),
    onClose: (end) => ends.push(end),
    close,
  };
}

/** A compiled script of the benchmark, by its path below it. */
function own(script: string): string {
  return fileURLToPath(new URL(script, import.meta.url));
}

function withoutSettings(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('SAFEGUARDS_'));
  return Object.fromEntries(kept);
}

/** Every server tells its parent where it listens. */
function firstMessage(child: ChildProcess, name: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`${name} left with ${code ?? 'a signal'}`)));
  });
}

/** Children leave when their parent lets go, the sidecar after closing its store. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  if (child.connected) child.disconnect();
  await gone;
}
