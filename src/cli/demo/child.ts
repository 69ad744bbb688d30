import { execFile, fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { readToken } from '../token.js';
import { SidecarClient } from '../client.js';

/** A sidecar in a process of its own. */
export interface Child {
  readonly agentAddress: string;
  readonly adminAddress: string;
  /** A connection of an agent. */
  readonly agents: SidecarClient;
  /** A connection of an operator. */
  readonly operators: SidecarClient;
  /** Ends the process by a signal and waits until it has gone. Resolves with its exit code. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>;
}

const START_MS_MAX = 30_000;

/** Starts `serve` on free ports with its data in a folder, and waits until it serves. */
export async function startChild(script: string, dataDir: string): Promise<Child> {
  const args = ['serve', '--data-dir', dataDir, '--agent-listen', '127.0.0.1:0'];
  // The demo's own receiver of notifications is on this host.
  const own = ['--webhook-private-addresses', '--log-level', 'warn'];
  const child = fork(script, [...args, '--admin-listen', '127.0.0.1:0', ...own], {
    env: environment(),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const log: string[] = [];
  child.stderr?.on('data', (chunk: Buffer) => log.push(chunk.toString()));
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const { agentAddress, adminAddress } = await readyOf(child, log);
  const token = readToken(path.join(dataDir, 'admin.token'));
  const agents = new SidecarClient(agentAddress);
  const operators = new SidecarClient(adminAddress, token);
  return {
    agentAddress,
    adminAddress,
    agents,
    operators,
    end: async (signal) => {
      child.kill(signal);
      const code = await gone;
      agents.close();
      operators.close();
      return code;
    },
  };
}

/** Runs a command of the program to its end. Resolves with its exit code and what it printed. */
export function runCommand(
  script: string,
  words: readonly string[],
): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    const args = [script, ...words];
    execFile(process.execPath, args, { env: environment() }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, output: stdout + stderr });
    });
  });
}

interface Addresses {
  readonly agentAddress: string;
  readonly adminAddress: string;
}

function readyOf(child: ChildProcess, log: readonly string[]): Promise<Addresses> {
  return new Promise((resolve, reject) => {
    const failed = (what: string) => {
      child.kill('SIGKILL');
      reject(new Error(`The sidecar ${what}.\n${log.join('')}`));
    };
    const timer = setTimeout(() => failed('did not serve in time'), START_MS_MAX);
    child.once('message', (message) => {
      clearTimeout(timer);
      resolve(message as Addresses);
    });
    child.once('error', (error) => failed(`did not start: ${error.message}`));
    child.once('exit', (code) => {
      clearTimeout(timer);
      failed(`left with code ${code ?? 'none'}`);
    });
  });
}

/** The environment without the settings of another sidecar. */
function environment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.filter(([name]) => !name.startsWith('SAFEGUARDS_')));
}
