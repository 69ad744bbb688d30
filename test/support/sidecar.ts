import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hear, knowSecret } from './secrets.js';

/** The folder of the repository. */
export const ROOT = path.resolve(import.meta.dirname, '../..');

/** The built sidecar in a process of its own, on free ports, with a folder of its own. */
export interface TestSidecar {
  /** Where agents call: `host:port`. */
  readonly agent: string;
  /** Where operators call: `host:port`. */
  readonly admin: string;
  /** The path of the Unix socket where agents call too. */
  readonly socket: string;
  /** What operators must show. */
  readonly token: string;
  /** The file it stands in. */
  readonly tokenFile: string;
  readonly dataDir: string;
  readonly pid: number;
  /** What it has logged so far. */
  log(): string;
  /** Ends the process, SIGTERM unless said otherwise. Resolves with its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface SidecarOptions {
  /** Further flags of `serve`. */
  readonly flags?: readonly string[];
  /** The compiled program; by default the one of this repository, which `npm test` builds. */
  readonly script?: string;
}

const START_MS_MAX = 60_000;

/** Starts `serve` and waits until it says that it serves. */
export async function startSidecar(options: SidecarOptions = {}): Promise<TestSidecar> {
  const { flags = [], script = path.join(ROOT, 'dist/main.js') } = options;
  const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-'));
  const dataDir = path.join(folder, 'data');
  const socket = path.join(folder, 'agents.sock');
  const listen = ['--agent-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'];
  const own = ['--data-dir', dataDir, '--agent-socket', socket, '--log-level', 'warn'];
  const child = fork(script, ['serve', ...listen, ...own, ...flags], {
    cwd: folder,
    env: withoutSettings(),
    // Not the flags of the test runner.
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const lines: string[] = [];
  const heard = hear('the log of the sidecar');
  child.stderr?.on('data', (chunk: Buffer) => {
    lines.push(chunk.toString());
    heard(chunk.toString());
  });
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const log = () => lines.join('');
  try {
    const { agentAddress, adminAddress } = await serving(child, gone, log);
    const tokenFile = path.join(dataDir, 'admin.token');
    const token = knowSecret('the admin token', readFileSync(tokenFile, 'utf8').trim());
    return {
      agent: agentAddress,
      admin: adminAddress,
      socket,
      token,
      tokenFile,
      dataDir,
      pid: child.pid ?? 0,
      log,
      stop: async (signal = 'SIGTERM') => {
        child.kill(signal);
        const code = await gone;
        rmSync(folder, { recursive: true, force: true });
        return code;
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

interface Addresses {
  readonly agentAddress: string;
  readonly adminAddress: string;
}

function serving(
  child: ChildProcess,
  gone: Promise<number | null>,
  log: () => string,
): Promise<Addresses> {
  return new Promise((resolve, reject) => {
    const failed = (what: string) => {
      clearTimeout(timer);
      reject(new Error(`The sidecar ${what}.\n${log()}`));
    };
    const timer = setTimeout(() => failed('did not serve in time'), START_MS_MAX);
    child.once('message', (message) => {
      clearTimeout(timer);
      resolve(message as Addresses);
    });
    child.once('error', (error) => failed(`did not start: ${error.message}`));
    void gone.then((code) => failed(`left with code ${code ?? 'none'}`));
  });
}

/** The environment without the settings of another sidecar. */
export function withoutSettings(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.filter(([name]) => !name.startsWith('SAFEGUARDS_')));
}
