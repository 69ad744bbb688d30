import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { statSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { Terminal } from './terminal.js';

/** The admin token, and what is worth a warning about its file. */
export interface AdminToken {
  readonly token: string;
  readonly warnings: readonly string[];
}

/** What a token may be made of: it travels in a header. */
const TOKEN = /^[\x21-\x7e]{16,512}$/;
const READABLE_BY_OTHERS = 0o077;

/**
 * Reads the token of a file, which is made with 32 random bytes and mode 0600 when it is missing.
 * Another start at the same time gets the same token: a half-written file is never seen.
 */
export function adminToken(file: string): AdminToken {
  const kept = readToken(file);
  if (kept !== undefined) return { token: kept, warnings: modeWarnings(file) };
  if (!existsSync(path.dirname(file))) {
    throw new Error(`${path.dirname(file)}, the folder of the admin token, is missing. Make it.`);
  }
  const draft = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}`);
  rmSync(draft, { force: true });
  const descriptor = openSync(draft, 'wx', 0o600);
  try {
    writeSync(descriptor, `${randomBytes(32).toString('base64url')}\n`);
    fsyncSync(descriptor);
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    closeSync(descriptor);
    rmSync(draft);
  }
  const made = readToken(file);
  if (made === undefined) throw new Error(`${file} is gone again`);
  return { token: made, warnings: [] };
}

/** Reads the token of a file. Undefined when there is no such file; throws when it holds none. */
export function readToken(file: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const token = text.trim();
  if (TOKEN.test(token)) return token;
  throw new Error(
    `${file} holds no token. Write one of 16 to 512 printable characters into it, ` +
      'or remove it and the next start makes one.',
  );
}

/** Where the client may find the token: first what was said, then the environment, then the store. */
export interface TokenPlaces {
  readonly tokenFile: string | undefined;
  readonly dataDir: string | undefined;
}

/** The token that the client sends, undefined when there is none, and where it looked. */
export function findToken(
  { tokenFile, dataDir }: TokenPlaces,
  { environment }: Pick<Terminal, 'environment'>,
): { readonly token: string | undefined; readonly searched: string } {
  const given = environment['SAFEGUARDS_ADMIN_TOKEN'];
  if (tokenFile === undefined && given !== undefined && given !== '') {
    return { token: given, searched: 'SAFEGUARDS_ADMIN_TOKEN' };
  }
  const data = dataDir ?? environment['SAFEGUARDS_DATA_DIR'] ?? './safeguards-data';
  const fallback = dataDir === undefined ? environment['SAFEGUARDS_ADMIN_TOKEN_FILE'] : undefined;
  const file = tokenFile ?? fallback ?? path.join(data, 'admin.token');
  return { token: readToken(file), searched: file };
}

/** The token that agents send: of the file, or of the environment. None is none of the client's. */
export function findAgentToken(
  tokenFile: string | undefined,
  { environment }: Pick<Terminal, 'environment'>,
): { readonly token: string | undefined; readonly searched: string } {
  const given = environment['SAFEGUARDS_TOKEN'];
  if (tokenFile === undefined && given !== undefined && given !== '') {
    return { token: given, searched: 'SAFEGUARDS_TOKEN' };
  }
  const file = tokenFile ?? environment['SAFEGUARDS_TOKEN_FILE'];
  if (file === undefined) return { token: undefined, searched: 'SAFEGUARDS_TOKEN' };
  return { token: readToken(file), searched: file };
}

function modeWarnings(file: string): readonly string[] {
  const { mode } = statSync(file);
  if ((mode & READABLE_BY_OTHERS) === 0) return [];
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  return [`Insecure: others can read ${file} (mode ${octal}). Run chmod 600 on it`];
}
