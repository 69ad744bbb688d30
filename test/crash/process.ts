import { fork, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { hear, knowSecret } from '../support/secrets.js';
import { ROOT, withoutSettings } from '../support/sidecar.js';

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it wrote to stderr, its log among it. */
  readonly said: string;
}

/** A sidecar that serves a data directory which outlives it. */
export interface Serving {
  readonly agent: string;
  readonly admin: string;
  readonly token: string;
  readonly pid: number;
  /** Who signed the certificate of the agents' listener, where that speaks TLS. */
  readonly ca?: string;
  /** Settles when the process has ended, by whatever means. */
  readonly ended: Promise<Ended>;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ended>;
}

/** A start that did not come to serving. */
export class NotServing extends Error {
  override readonly name = 'NotServing';
  readonly ended: Ended;

  constructor(ended: Ended) {
    super(`the sidecar left with ${ended.code ?? ended.signal ?? 'nothing'}\n${ended.said}`);
    this.ended = ended;
  }
}

interface Addresses {
  readonly agentAddress: string;
  readonly adminAddress: string;
}

/** Starts the built sidecar on free ports. Rejects with NotServing when it leaves instead. */
export async function serveOn(
  dataDir: string,
  flags: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
  nodeFlags: readonly string[] = [],
): Promise<Serving> {
  const { child, ended } = forkSidecar(dataDir, flags, environment, nodeFlags);
  const addresses = await Promise.race([
    new Promise<Addresses>((resolve) => {
      child.once('message', (message) => resolve(message as Addresses));
    }),
    ended.then((how) => {
      throw new NotServing(how);
    }),
  ]);
  const tokenFile = path.join(dataDir, 'admin.token');
  return {
    agent: addresses.agentAddress,
    admin: addresses.adminAddress,
    token: knowSecret('the admin token', readFileSync(tokenFile, 'utf8').trim()),
    pid: child.pid ?? 0,
    ended,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

/** Starts the built sidecar where it must not serve, and tells how it left. */
export async function refusal(dataDir: string, flags: readonly string[] = []): Promise<Ended> {
  const serving = await serveOn(dataDir, flags).catch((error: unknown) => {
    if (error instanceof NotServing) return error.ended;
    throw error;
  });
  if (!('pid' in serving)) return serving;
  await serving.end('SIGKILL');
  throw new Error(`the sidecar serves ${dataDir}`);
}

function forkSidecar(
  dataDir: string,
  flags: readonly string[],
  environment: Readonly<Record<string, string>>,
  nodeFlags: readonly string[],
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const script = path.join(ROOT, 'dist/main.js');
  if (!existsSync(script)) throw new Error('build first: npm run build');
  const listen = ['--agent-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'];
  const own = ['--data-dir', dataDir, '--log-level', 'warn'];
  const child = fork(script, ['serve', ...listen, ...own, ...flags], {
    env: { ...withoutSettings(), ...environment },
    // Not the flags of the test runner.
    execArgv: [...nodeFlags],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const lines: string[] = [];
  const heard = hear('the log of the sidecar');
  child.stderr?.on('data', (chunk: Buffer) => {
    lines.push(chunk.toString());
    heard(chunk.toString());
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, said: lines.join('') }));
  });
  return { child, ended };
}
