import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';

/** Where and with what a benchmark ran. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly packages: Readonly<Record<string, string>>;
  /** Of the code that ran; `+` when files differ from it. */
  readonly commit: string;
  /** The system's load average of the last minute before it began: above 0 others were at work. */
  readonly loadBefore: number;
}

const PACKAGES = ['@grpc/grpc-js', '@bufbuild/protobuf', 'lmdb'];

/** Describes the machine, the packages installed in the current folder and its commit. */
export function thisMachine(): Machine {
  const [cpu] = os.cpus();
  return {
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGb: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()}`,
    node: process.version,
    packages: Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
    commit: commit(),
    loadBefore: os.loadavg()[0] ?? 0,
  };
}

function versionOf(name: string): string {
  const manifest = JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')) as {
    readonly version: string;
  };
  return manifest.version;
}

function commit(): string {
  try {
    const head = git('rev-parse', '--short=12', 'HEAD');
    return git('status', '--porcelain', '--', 'src') === '' ? head : `${head}+`;
  } catch {
    return 'unknown';
  }
}

function git(...words: readonly string[]): string {
  const stdio = ['ignore', 'pipe', 'ignore'] as const;
  return execFileSync('git', words, { encoding: 'utf8', stdio: [...stdio] }).trim();
}
