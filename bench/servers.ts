import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAgents } from './agents.js';

/** A server in its own process. */
export interface ServerProcess {
  readonly pid: number;
  /** `host:port`. */
  readonly tcp: string;
  /** `unix:/path`. */
  readonly unix: string;
}

/** The servers of a scenario, and a folder on the disk that the sidecar writes to. */
export interface Servers {
  readonly echo: ServerProcess;
  readonly sidecar: ServerProcess;
  readonly folder: string;
  close(): Promise<void>;
}

/** How to start servers. */
export interface ServersOptions {
  /** The compiled sidecar. */
  readonly sidecarScript: string;
  /** Where the sidecar leaves a CPU profile when it ends, or undefined: none is made. */
  readonly profileFolder: string | undefined;
}

interface Addresses {
  readonly agentAddress: string;
  readonly adminAddress?: string;
}

/** Starts both sides, the sidecar on a new data directory with agents that never run dry. */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-bench-'));
  const children: ChildProcess[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(children.map(ended));
    rmSync(folder, { recursive: true, force: true });
  };
  const start = async (script: string, words: readonly string[], flags: readonly string[]) => {
    const child = fork(script, words, {
      execArgv: [...flags],
      env: withoutSettings(),
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    children.push(child);
    return { pid: child.pid ?? 0, ...(await addressesOf(child)) };
  };
  try {
    const echoSocket = path.join(folder, 'echo.sock');
    const agentSocket = path.join(folder, 'agent.sock');
    const echo = await start(
      fileURLToPath(new URL('echo-server.js', import.meta.url)),
      [echoSocket],
      [],
    );
    const { profileFolder } = options;
    const sidecar = await start(
      options.sidecarScript,
      [
        'serve',
        ...['--agent-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'],
        ...['--agent-socket', agentSocket, '--data-dir', path.join(folder, 'data')],
        ...['--admin-auth', 'none', '--log-level', 'error'],
      ],
      profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`],
    );
    await createAgents(sidecar.adminAddress ?? '');
    return {
      echo: { pid: echo.pid, tcp: echo.agentAddress, unix: `unix:${echoSocket}` },
      sidecar: { pid: sidecar.pid, tcp: sidecar.agentAddress, unix: `unix:${agentSocket}` },
      folder,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function withoutSettings(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('SAFEGUARDS_'));
  return Object.fromEntries(kept);
}

/** Both servers tell their parent where they listen. */
function addressesOf(child: ChildProcess): Promise<Addresses> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as Addresses));
    child.once('exit', (code) => reject(new Error(`a server left with ${code ?? 'a signal'}`)));
  });
}

/** Both leave when their parent lets go, the sidecar after closing its store. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  if (child.connected) child.disconnect();
  await gone;
}
