import { readFileSync, statSync } from 'node:fs';
import { ConfigError, type Config } from '../config/config.js';
import { readCredentials } from '../rpc/access/credentials-file.js';
import type { Credentials } from '../rpc/access/credentials.js';
import { ADMIN } from '../rpc/access/principal.js';
import { digestOf } from '../rpc/access/token.js';
import { adminToken } from './token.js';

/** Everybody who is known by the files. */
export interface KnownByFiles {
  readonly credentials: Credentials;
  /** What is allowed but worth a line in the log. */
  readonly warnings: readonly string[];
}

const WRITABLE_BY_OTHERS = 0o022;

/** The files that say who is known. */
export function credentialsFiles(config: Config): readonly string[] {
  return [
    ...(config.adminAuth === 'token' ? [config.adminTokenFile] : []),
    ...(config.credentialsFile === undefined ? [] : [config.credentialsFile]),
  ];
}

/**
 * Reads who is known: the admin token, made when it is missing, and the principals. Throws a
 * ConfigError that names everything that is wrong with the file, by line.
 */
export function knownByFiles(config: Config): KnownByFiles {
  const { adminAuth, adminTokenFile, credentialsFile } = config;
  const token = adminAuth === 'token' ? adminToken(adminTokenFile) : undefined;
  const admin = token && { principal: ADMIN, digests: [digestOf(token.token)], certificates: [] };
  const principals = readPrincipals(config);
  const warnings = [
    ...(token?.warnings ?? []),
    ...(credentialsFile === undefined ? [] : modeWarnings(credentialsFile)),
  ];
  return { credentials: admin === undefined ? principals : [admin, ...principals], warnings };
}

/** Reads the principals; none without a file. Throws a ConfigError. */
export function readPrincipals({ adminAuth, credentialsFile }: Config): Credentials {
  const principals = credentialsFile === undefined ? [] : principalsOf(credentialsFile);
  if (
    adminAuth === 'principals' &&
    !principals.some(({ principal }) => principal.role === 'admin')
  ) {
    throw new ConfigError([
      `${credentialsFile ?? ''}: no principal has the role admin, so nobody could do everything. ` +
        'Add one, or set admin_auth to token.',
    ]);
  }
  return principals;
}

function principalsOf(file: string): Credentials {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    const way = code === 'ENOENT' ? 'Put the file there' : 'Let the user of the sidecar read it';
    throw new ConfigError([
      `credentials_file: ${file} cannot be read (${code}). ${way}, or leave the setting out.`,
    ]);
  }
  const { principals, problems } = readCredentials(text, file);
  if (problems.length > 0) throw new ConfigError(problems);
  return principals;
}

/** Whoever can write the file is whoever it wants to be. */
function modeWarnings(file: string): readonly string[] {
  const { mode } = statSync(file);
  if ((mode & WRITABLE_BY_OTHERS) === 0) return [];
  return [`Insecure: others can write ${file}, and so become any principal. Run chmod go-w on it`];
}
