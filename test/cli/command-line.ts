import type { Parts } from '../../src/cli/sidecar-commands.js';
import { run } from '../../src/cli/program.js';
import { hear, knowTokensOf } from '../support/secrets.js';

/** What a command line printed and ended with. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What a command line is run with, where it matters. */
export interface Setting {
  readonly environment?: Record<string, string>;
  readonly input?: string;
  readonly parts?: Partial<Parts>;
}

/** Runs a command line in this process and captures what it prints. */
export async function commandLine(
  words: readonly string[],
  { environment = {}, input = '', parts = {} }: Setting = {},
): Promise<Outcome> {
  let out = '';
  let err = '';
  knowTokensOf(environment);
  const heard = hear(`what safeguards ${words.slice(0, 2).join(' ')} printed,`);
  // It is asked for one.
  const printsSecret = words[0] === 'token';
  const code = await run(
    words,
    {
      version: '1.2.3',
      start: () => Promise.reject(new Error('nothing to start here')),
      verify: () => Promise.reject(new Error('nothing to verify here')),
      restore: () => Promise.reject(new Error('nothing to restore here')),
      ...parts,
    },
    {
      out: (text) => {
        out += text;
        if (!printsSecret) heard(text);
      },
      err: (text) => {
        err += text;
        heard(text);
      },
      input: () => Promise.resolve(input),
      environment,
    },
  );
  return { code, out, err };
}
