import { execFile, spawnSync } from 'node:child_process';
import path from 'node:path';
import { hear, knowTokensOf } from './secrets.js';
import { withoutSettings } from './sidecar.js';

/** What a program printed and ended with. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** It is asked for a secret: what it prints is not looked through. */
  readonly printsSecrets?: boolean;
  /** It is killed after so long. Default 90 s. */
  readonly timeoutMs?: number;
}

/** Runs a program to its end. Rejects only when it could not be started or was killed. */
export function run(
  program: string,
  words: readonly string[],
  { cwd, environment = {}, input, printsSecrets, timeoutMs = 90_000 }: RunOptions = {},
): Promise<Ended> {
  knowTokensOf(environment);
  const heard = hear(`what ${path.basename(program)} ${words.at(1) ?? ''} printed,`);
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      words,
      {
        cwd,
        env: { ...withoutSettings(), ...environment },
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, out, err) => {
        if (printsSecrets !== true) heard(`${out}${err}`);
        const code = error === null ? 0 : error.code;
        if (typeof code === 'number') resolve({ code, out, err });
        else reject(new Error(`${program} ${words.join(' ')}\n${err}`, { cause: error }));
      },
    );
    if (input !== undefined) child.stdin?.end(input);
  });
}

/** Runs a program that must end with 0. Resolves with what it printed. */
export async function output(
  program: string,
  words: readonly string[],
  options?: RunOptions,
): Promise<string> {
  const { code, out, err } = await run(program, words, options);
  if (code !== 0) throw new Error(`${program} ended with ${code}\n${out}${err}`);
  return out;
}

/**
 * Whether a tool is here, judged by a command that ends with 0. Where it is not, the tests that
 * need it are skipped and say so; with SAFEGUARDS_REQUIRE_TOOLS=1 that is a failure.
 */
export function hasTool(what: string, program: string, words: readonly string[]): boolean {
  const { status } = spawnSync(program, words, { stdio: 'ignore', timeout: 60_000 });
  if (status === 0) return true;
  const missing = `${what} is missing: ${program} ${words.join(' ')} does not succeed`;
  if (process.env['SAFEGUARDS_REQUIRE_TOOLS'] === '1') throw new Error(missing);
  process.stderr.write(`SKIPPED: ${missing}\n`);
  return false;
}
